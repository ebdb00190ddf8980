package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/state"
)

const historyDiffLong = `Print in what two generations differ, field by field with both values. Without M,
N is compared with the newest one.

  -o text   a table, for people (the default)
  -o json   {"differences":[{"object","key","from","to"}]}

Exit codes: 0 no difference, 2 they differ, 1 error.`

const historyDiffExample = `  holdfast history diff 11 12
  holdfast history diff 11`

func newHistoryDiff(a *app) *cobra.Command {
	var persistent bool
	c := command(&cobra.Command{
		Use:               "diff N [M]",
		Short:             "Print in what two generations differ",
		Long:              historyDiffLong,
		Annotations:       formats("text", "json"),
		Example:           historyDiffExample,
		Args:              oneOrTwoNumbers,
		ValidArgsFunction: a.completeGenerations,
		RunE: func(c *cobra.Command, args []string) error {
			return a.historyDiff(c, args, persistent)
		},
	})
	c.Flags().BoolVar(&persistent, "persistent", false, "compare what comes back at boot instead of what was in force")
	return c
}

func oneOrTwoNumbers(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return &usageError{message: "diff: no generation given", hint: "holdfast history diff N [M]; holdfast history lists them"}
	}
	return atMost(2)(c, args)
}

// turn is one value that is another one in a later generation.
type turn struct {
	Object string `json:"object"`
	Key    string `json:"key"`
	From   string `json:"from"`
	To     string `json:"to"`
}

func (a *app) historyDiff(c *cobra.Command, args []string, persistent bool) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	words := append(args, "")[:2]
	var generations [2]*holdfast.Generation
	err = a.reading(c, func(ctx context.Context, host backend) error {
		for i, word := range words {
			if generations[i], err = generation(ctx, host, word); err != nil {
				break
			}
		}
		a.tellPending(ctx, host, err)
		return err
	})
	if err != nil {
		return err
	}
	from, to := generations[0], generations[1]
	turns := turnsOf(setOf(from, persistent), setOf(to, persistent))
	if !persistent {
		turns = append(turns, lifetimesOf(from, to)...)
	}
	slices.SortStableFunc(turns, func(a, b turn) int { return cmp.Compare(a.Object, b.Object) })
	if len(turns) > 0 {
		a.code = exitChanges
	}
	if format == "json" {
		a.out.json(map[string][]turn{"differences": turns})
		return nil
	}
	a.printTurns(turns, from.Number, to.Number)
	return nil
}

// turnsOf compares two configurations: what either says and the other does not.
func turnsOf(from, to *state.State) []turn {
	turns := []turn{}
	for _, i := range from.Interfaces {
		if then := to.Find(i.Name); then != nil {
			turns = append(turns, fieldTurns(i, then)...)
		} else {
			turns = append(turns, turn{i.Name, "state", string(i.State), string(state.Absent)})
		}
	}
	for _, i := range to.Interfaces {
		if from.Find(i.Name) == nil {
			turns = append(turns, turn{i.Name, "state", string(state.Absent), string(i.State)})
		}
	}
	return append(turns, otherTurns(from, to)...)
}

// otherTurns compares all but the interfaces.
func otherTurns(from, to *state.State) []turn {
	was, is := *from, *to
	was.Interfaces, is.Interfaces = nil, nil
	var turns []turn
	type field struct{ object, key string }
	seen := map[field]bool{}
	for _, d := range state.Compare(&is, &was) {
		seen[field{d.Object, d.Key}] = true
		turns = append(turns, turn{d.Object, d.Key, d.Have, d.Want})
	}
	for _, d := range state.Compare(&was, &is) {
		if !seen[field{d.Object, d.Key}] {
			turns = append(turns, turn{d.Object, d.Key, d.Want, d.Have})
		}
	}
	return turns
}

// lifetimesOf tells which interfaces of both became permanent or temporary.
func lifetimesOf(from, to *holdfast.Generation) []turn {
	var turns []turn
	before, after := lifetimes(from), lifetimes(to)
	for _, i := range to.Running.Interfaces {
		if was, is := before[i.Name], after[i.Name]; was != "" && was != is {
			turns = append(turns, turn{i.Name, "lifetime", was, is})
		}
	}
	return turns
}

func (a *app) printTurns(turns []turn, from, to int) {
	if len(turns) == 0 {
		_, _ = fmt.Fprintf(a.out, "No difference between generations %d and %d.\n", from, to)
		return
	}
	paint := a.painter(a.out)
	rows := make([][]string, 0, len(turns))
	for _, t := range turns {
		rows = append(rows, []string{paint(bold, t.Object), orNone(t.Key), paint(red, orNone(t.From)), paint(green, orNone(t.To))})
	}
	header := []string{"OBJECT", "KEY", fmt.Sprintf("GENERATION %d", from), fmt.Sprintf("GENERATION %d", to)}
	for _, line := range aligned(paint, header, rows) {
		_, _ = fmt.Fprintln(a.out, line)
	}
}
