package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"holdfast/state"
)

const diffLong = `Print in what the host differs from the files.

Only what the files mention is compared. Several files are one; - is standard
input.

  -o text   a table, for people (the default)
  -o json   {"differences":[{"object","key","want","have"}]}

Exit codes: 0 no difference, 2 the host differs, 1 error.`

const diffExample = `  holdfast diff br0.yml
  holdfast diff host.yml || mail -s "network drifted" root`

func newDiff(a *app) *cobra.Command {
	c := command(&cobra.Command{
		Use:         "diff FILE|-...",
		Short:       "Print in what the host differs from a file",
		Long:        diffLong,
		Annotations: formats("text", "json"),
		Example:     diffExample,
		Args:        filesWanted,
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

func (a *app) diff(c *cobra.Command, files []string) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	wanted, err := a.desired(files)
	if err != nil {
		return err
	}
	draft, err := a.draft(c.Context(), wanted, true)
	if err != nil {
		return err
	}
	differences := []difference{}
	for _, d := range state.Compare(draft.Target.Desired, draft.Plan.Current) {
		differences = append(differences, difference{d.Object, d.Key, d.Want, d.Have})
	}
	if len(differences) > 0 {
		a.code = exitChanges
	}
	if format == "json" {
		a.out.json(map[string][]difference{"differences": differences})
		return nil
	}
	a.printDifferences(differences)
	return nil
}

func (a *app) printDifferences(differences []difference) {
	if len(differences) == 0 {
		_, _ = fmt.Fprintln(a.out, "No difference: the host is as the files say.")
		return
	}
	paint := a.painter(a.out)
	rows := make([][]string, 0, len(differences))
	for _, d := range differences {
		rows = append(rows, []string{paint(bold, d.Object), d.Key, paint(green, orNone(d.Want)), paint(red, orNone(d.Have))})
	}
	for _, line := range aligned(paint, []string{"OBJECT", "KEY", "WANTED", "ON THE HOST"}, rows) {
		_, _ = fmt.Fprintln(a.out, line)
	}
}
