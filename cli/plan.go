package cli

import (
	"context"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/plan"
	"holdfast/state"
)

const planLong = `Print what applying the files would do, and change nothing.

Every step tells what it changes from what to what, why, and how disruptive it
is: none, hot (in place), port-detach, down or recreate. Several files are one
change; - is standard input.

  -o text   grouped by interface, for people (the default)
  -o json   everything, for programs

Exit codes: 0 nothing to do, 2 there are changes, 1 error.`

const planExample = `  holdfast plan br0.yml
  holdfast show | sed s/1500/9000/ | holdfast plan -
  holdfast plan -o json base.yml guests.yml | jq .steps[].why`

func newPlan(a *app) *cobra.Command {
	var force bool
	c := command(&cobra.Command{
		Use:         "plan FILE|-...",
		Short:       "Print what would change",
		Long:        planLong,
		Annotations: formats("text", "json"),
		Example:     planExample,
		Args:        filesWanted,
		RunE: func(c *cobra.Command, files []string) error {
			return a.plan(c, files, force)
		},
	})
	c.Flags().BoolVar(&force, "force", false, "plan what apply --force would do")
	return c
}

func (a *app) plan(c *cobra.Command, files []string, force bool) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	desired, err := a.desired(files)
	if err != nil {
		return err
	}
	draft, err := a.draft(c.Context(), desired, force)
	if err != nil {
		return err
	}
	a.printPlan(draft, format)
	if !draft.empty() {
		a.code = exitChanges
	}
	return nil
}

// draft reads the host and plans the way to what is desired.
func (a *app) draft(ctx context.Context, desired *state.State, force bool) (*draft, error) {
	host, err := a.open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = host.Close() }()
	line := a.newProgress("reading the host and planning")
	defer line.end()
	draft, err := host.Plan(ctx, desired, holdfast.PlanOptions{Force: force})
	line.end()
	a.tellPending(ctx, host, err)
	return draft, err
}

// printPlan writes the plan, its warnings included. The sink keeps errors.
func (a *app) printPlan(d *draft, format string) {
	switch {
	case d.told != nil && format == "json":
		_, _ = a.out.Write(d.told.Plan.JSON())
	case d.told != nil:
		_, _ = a.out.Write([]byte(d.told.Text))
	case format == "json":
		_, _ = a.out.Write(d.plan.JSON())
	default:
		_ = plan.Render(a.out, d.plan, plan.RenderOptions{Color: a.colors(a.out)})
	}
}
