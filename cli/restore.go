package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/transaction"
)

const restoreLong = `Make the host what is permanent, as at boot, and take up a change that was left
behind: it is rolled back or finished first.

Each part is brought as far as it gets. A NIC that is not there, a driver that
refuses: the rest is restored all the same, what works is never rolled back, and
what is missing is listed. A NIC that answers to the permanent address under
another name is named. A boot is restored once: further calls only take up what
was left behind, unless --force is given.

  -o text   what was restored, and on standard error what was not (the default)
  -o json   the same for programs; a failure is one line on standard error

Exit codes: 0 all of it is there; 5 degraded, the list tells what is missing; 1
refused, nothing was tried.`

const restoreExample = `  holdfast restore
  holdfast restore --force`

func newRestore(a *app) *cobra.Command {
	var options holdfast.RestoreOptions
	c := command(&cobra.Command{
		Use:         "restore",
		Short:       "Bring back what is permanent, as at boot",
		Long:        restoreLong,
		Annotations: formats("text", "json"),
		Example:     restoreExample,
		Args:        noArguments,
		RunE:        func(c *cobra.Command, _ []string) error { return a.restore(c, options) },
	})
	c.Flags().BoolVar(&options.Force, "force", false, "restore also a second time in one boot, and take down links that the root file system may be reached by")
	return c
}

// restored is what restore prints with -o json.
type restored struct {
	Outcome    transaction.Outcome `json:"outcome"`
	Degraded   bool                `json:"degraded"`
	Again      bool                `json:"again"`
	Generation *int                `json:"generation"`
	Steps      int                 `json:"steps"`
	Missing    []string            `json:"missing"`
	Warnings   []string            `json:"warnings"`
	// Recovered is the change that was left behind; absent if none was.
	Recovered *success `json:"recovered,omitempty"`
}

func newRestored(r *holdfast.Restoration) restored {
	report := restored{
		Outcome: transaction.Unchanged, Degraded: len(r.Missing) > 0, Again: r.Again,
		Steps: r.Steps, Missing: orEmpty(r.Missing), Warnings: orEmpty(r.Warnings),
	}
	if r.Steps > 0 {
		report.Outcome = transaction.Applied
	}
	if r.Generation > 0 {
		report.Generation = &r.Generation
	}
	if r.Recovered != nil {
		recovered := newSuccess(r.Recovered.Result)
		report.Recovered = &recovered
	}
	return report
}

func (a *app) restore(c *cobra.Command, options holdfast.RestoreOptions) error {
	a.changes = true
	format, err := a.format(c)
	if err != nil {
		return err
	}
	host, err := a.openHere()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	line := a.newProgress("restoring")
	defer line.end()
	ctx, stop := holdfast.WithSignals(c.Context())
	defer stop()
	a.began, options.Who = true, a.who()
	done, err := host.Restore(ctx, options)
	line.end()
	switch {
	case err != nil && done.Steps == 0:
		a.tellBusy(c.Context(), local{host}, err)
		return err
	case err != nil:
		done.Missing = append(done.Missing, hinted(err))
	}
	if len(done.Missing) > 0 {
		a.code = exitDegraded
	}
	if format == "json" {
		a.out.json(newRestored(done))
		return nil
	}
	a.printRestoration(done)
	return nil
}

func (a *app) printRestoration(r *holdfast.Restoration) {
	a.warn(r.Warnings)
	paint := a.painter(a.err)
	for _, m := range r.Missing {
		_, _ = fmt.Fprintf(a.err, "%s %s\n", paint(red, "missing:"), m)
	}
	paint = a.painter(a.out)
	steps := count(r.Steps, "step")
	text := fmt.Sprintf("%s generation %d, %s.", paint(green, "Restored:"), r.Generation, steps)
	switch {
	case len(r.Missing) > 0 && r.Generation == 0:
		text = paint(red, "Degraded:") + " nothing was restored."
	case len(r.Missing) > 0:
		text = fmt.Sprintf("%s generation %d is restored as far as it gets, %s.", paint(red, "Degraded:"), r.Generation, steps)
	case r.Again:
		text = "Nothing to do: this boot is restored already; --force does it again."
	case r.Recovered != nil && r.Recovered.Outcome == holdfast.Pending:
		text = "Nothing was restored: a change waits to be confirmed."
	case r.Generation == 0:
		text = "Nothing to restore: nothing was applied yet."
	case r.Steps == 0:
		text = fmt.Sprintf("Nothing to do: the host is as generation %d says.", r.Generation)
	}
	_, _ = fmt.Fprintln(a.out, text)
}
