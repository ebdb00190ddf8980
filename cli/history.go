package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/engine"
	"holdfast/state"
	"holdfast/store"
)

const historyLong = `List what was changed and what was tried, the newest last: its number, when, who
asked for it, what became of it, and what changed.

What was applied is a generation: history show prints it, history diff compares
two, and rollback --to returns to it. The last 50 are kept.

  -o text   a table (the default)
  -o json   everything, for programs`

const historyExample = `  holdfast history
  holdfast history show 12
  holdfast history diff 11 12
  holdfast rollback --to 11`

func newHistory(a *app) *cobra.Command {
	c := command(&cobra.Command{
		Use:         "history",
		Short:       "List what was changed, by whom and when",
		Long:        historyLong,
		Annotations: formats("text", "json"),
		Example:     historyExample,
		Args:        onlySubcommands,
		RunE:        func(c *cobra.Command, _ []string) error { return a.history(c) },
	})
	c.AddCommand(newHistoryShow(a), newHistoryDiff(a))
	return c
}

// onlySubcommands checks that a command got no arguments; a number may be meant
// for show.
func onlySubcommands(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "see holdfast history --help"
	if _, err := strconv.Atoi(args[0]); err == nil {
		hint = "holdfast history show " + args[0] + " prints it"
	}
	return &usageError{message: fmt.Sprintf("%s: unexpected argument %q", c.Name(), args[0]), hint: hint}
}

// historyEntry is one line of history, as programs read it.
type historyEntry struct {
	store.Meta
	Outcome store.Outcome `json:"outcome"`
	Error   string        `json:"error,omitempty"`
	// Seconds is how long it took; absent where that is not known.
	Seconds float64 `json:"seconds,omitempty"`
}

// damaged is a file of the state directory that cannot be used.
type damaged struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// historyReport is what history prints with -o json.
type historyReport struct {
	History []historyEntry `json:"history"`
	Damaged []damaged      `json:"damaged"`
}

func (a *app) history(c *cobra.Command) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	return a.reading(c, func(ctx context.Context, host backend) error {
		entries, damages, err := host.History(ctx)
		a.tellPending(ctx, host, err)
		if err != nil {
			return err
		}
		if format == "json" {
			a.out.json(newHistoryReport(entries, damages))
			return nil
		}
		a.warnDamage(damages)
		a.historyTable(entries)
		return nil
	})
}

// reading opens the host for a command that changes nothing.
func (a *app) reading(c *cobra.Command, read func(context.Context, backend) error) error {
	host, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	return read(c.Context(), host)
}

func newHistoryReport(entries []holdfast.Entry, damages []holdfast.Damage) historyReport {
	r := historyReport{History: []historyEntry{}, Damaged: []damaged{}}
	for _, e := range entries {
		r.History = append(r.History, historyEntry{Meta: e.Meta, Outcome: e.Outcome, Error: e.Error, Seconds: e.Took.Seconds()})
	}
	for _, d := range damages {
		r.Damaged = append(r.Damaged, damaged{File: d.Path, Error: d.Err.Error()})
	}
	return r
}

// historyTable writes one row for each change; why one failed stands below what
// it was to change.
func (a *app) historyTable(entries []holdfast.Entry) {
	if len(entries) == 0 {
		_, _ = fmt.Fprintln(a.out, "Nothing was changed yet.")
		return
	}
	paint := a.painter(a.out)
	g := &grid{header: []string{"NUMBER", "TIME", "WHO", "OUTCOME", "WHAT CHANGED"}, sep: "\n", bare: none, paint: paint}
	for _, e := range entries {
		notes := []string{whatChanged(e)}
		if e.Error != "" {
			reason, _, _ := strings.Cut(e.Error, "\n")
			notes = append(notes, reason)
		}
		g.rows = append(g.rows, row{
			cells: []string{
				paint(bold, strconv.Itoa(e.Number)), e.Time.Local().Format(time.DateTime), whoText(e.Who), outcomeCell(paint, e.Outcome),
			},
			notes: notes, lead: "    ",
		})
	}
	g.write(a.out, a.out.width())
}

// whoText is the user, and how the request came if not by this command line.
func whoText(w holdfast.Who) string {
	if via := strings.TrimPrefix(w.Via, "cli, "); via != "" && via != "cli" {
		return userName(w) + ", " + via
	}
	return userName(w)
}

func outcomeCell(paint painter, outcome store.Outcome) string {
	switch outcome {
	case store.Applied:
		return paint(green, string(outcome))
	case store.RollbackFailed, store.Unknown:
		return paint(red, string(outcome))
	}
	return paint(yellow, string(outcome))
}

// shownChanges is how many things that changed the table names.
const shownChanges = 4

// ownPurposes are those that what changed speaks for.
var ownPurposes = []string{"", "apply", "persist", "unpersist"}

// whatChanged tells what a change was about in one line.
func whatChanged(e holdfast.Entry) string {
	lines := e.Summary
	if more := len(lines) - shownChanges; more > 0 {
		lines = append(slices.Clone(lines[:shownChanges]), fmt.Sprintf("and %d more", more))
	}
	text := strings.Join(lines, ", ")
	if !slices.Contains(ownPurposes, e.Purpose) || text == "" && e.Purpose != "apply" {
		text = strings.TrimSuffix(e.Purpose+": "+text, ": ")
	}
	switch text {
	case "persist":
		text = "everything persisted"
	case "":
		text = "nothing on the host"
	}
	if e.Temporary {
		text += " (temporary)"
	}
	return text
}

// number reads the number of a generation.
func number(word string) (int, error) {
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		return 0, &usageError{message: fmt.Sprintf("%q is not the number of a generation", word), hint: "holdfast history lists those that are there"}
	}
	return n, nil
}

// generation gives the one that a word names, the newest for an empty word.
func generation(ctx context.Context, host backend, word string) (*holdfast.Generation, error) {
	if word != "" {
		n, err := number(word)
		if err != nil {
			return nil, err
		}
		return host.Generation(ctx, n)
	}
	newest, _, err := host.Newest(ctx)
	if newest == nil && err == nil {
		err = &engine.Error{Kind: engine.NotFound, Err: errors.New("nothing was applied yet"), Hint: "holdfast apply makes the first generation"}
	}
	return newest, err
}

// setOf is the running or the persistent configuration of a generation.
func setOf(g *holdfast.Generation, persistent bool) *state.State {
	if persistent {
		return g.Persistent
	}
	return g.Running
}
