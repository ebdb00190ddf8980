package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"holdfast/state"
)

const diffLong = `Print in what the host differs from the files, or without a file from what was
applied: the drift from the newest generation of holdfast history.

Only what the files mention, or what holdfast answers for, is compared. Several
files are one; - is standard input.

  -o text   a table, for people (the default)
  -o json   {"differences":[{"object","key","want","have"}]}, and without a file
            also {"generation"}

Exit codes: 0 no difference, 2 the host differs, 1 error.`

const diffExample = `  holdfast diff
  holdfast diff br0.yml
  holdfast diff || mail -s "network drifted" root`

func newDiff(a *app) *cobra.Command {
	c := command(&cobra.Command{
		Use:         "diff [FILE|-...]",
		Short:       "Print in what the host differs from what was applied, or from a file",
		Long:        diffLong,
		Annotations: formats("text", "json"),
		Example:     diffExample,
		Args: func(c *cobra.Command, files []string) error {
			if len(files) == 0 {
				return nil
			}
			return filesWanted(c, files)
		},
		RunE: func(c *cobra.Command, files []string) error {
			return a.diff(c, files)
		},
	})
	return c
}

// difference is one value in which the host is not as the files say.
type difference struct {
	Object string `json:"object"`
	Key    string `json:"key"`
	Want   string `json:"want"`
	Have   string `json:"have"`
}

// differences is what diff prints with -o json.
type differences struct {
	Differences []difference `json:"differences"`
	// Generation is what the host is compared with, without a file.
	Generation int `json:"generation,omitempty"`
}

func (a *app) diff(c *cobra.Command, files []string) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	compare := a.drift
	if len(files) > 0 {
		compare = a.fromFiles
	}
	list, generation, err := compare(c, files)
	if err != nil {
		return err
	}
	found := differences{Differences: []difference{}, Generation: generation}
	for _, d := range list {
		found.Differences = append(found.Differences, difference{d.Object, d.Key, d.Want, d.Have})
	}
	if len(list) > 0 {
		a.code = exitChanges
	}
	if format == "json" {
		a.out.json(found)
		return nil
	}
	a.printDifferences(found)
	return nil
}

// fromFiles compares the host with the files.
func (a *app) fromFiles(c *cobra.Command, files []string) ([]state.Difference, int, error) {
	wanted, err := a.desired(files)
	if err != nil {
		return nil, 0, err
	}
	draft, err := a.draft(c.Context(), wanted, true)
	if err != nil {
		return nil, 0, err
	}
	return draft.differences, 0, nil
}

// drift compares the host with what was applied.
func (a *app) drift(c *cobra.Command, _ []string) (list []state.Difference, generation int, err error) {
	line := a.newProgress("reading the host")
	defer line.end()
	err = a.reading(c, func(ctx context.Context, host backend) error {
		list, generation, err = host.Drift(ctx)
		line.end()
		a.tellPending(ctx, host, err)
		return err
	})
	return list, generation, err
}

func (a *app) printDifferences(found differences) {
	switch {
	case len(found.Differences) == 0 && found.Generation > 0:
		_, _ = fmt.Fprintf(a.out, "No difference: the host is as generation %d says.\n", found.Generation)
		return
	case len(found.Differences) == 0:
		_, _ = fmt.Fprintln(a.out, "No difference: the host is as the files say.")
		return
	}
	paint := a.painter(a.out)
	rows := make([][]string, 0, len(found.Differences))
	for _, d := range found.Differences {
		rows = append(rows, []string{paint(bold, d.Object), d.Key, paint(green, orNone(d.Want)), paint(red, orNone(d.Have))})
	}
	for _, line := range aligned(paint, []string{"OBJECT", "KEY", "WANTED", "ON THE HOST"}, rows) {
		_, _ = fmt.Fprintln(a.out, line)
	}
}
