package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/transaction"
)

const applyLong = `Bring the host to the state in the files, as one transaction.

Everything is checked before anything is touched. Then the change is made, and
the host is read back and compared, with patience for what takes time: duplicate
address detection, carrier, bond negotiation. If a step fails, or the host did
not become what was asked for, everything is put back as it was.

What the files do not mention stays as it is. Applying the same again does
nothing at all. Several files are one change; - is standard input.

A terminal that goes away changes nothing: the apply goes on. SIGINT (Ctrl-C)
and SIGTERM roll back.

  -o text   a line that says what was done (the default)
  -o json   the outcome, for programs; a failure is one line on standard error

Exit codes: 0 done; 1 refused or invalid, nothing was changed; 3 failed and
rolled back, the host is as it was; 4 failed and the rollback failed too, the
host differs, and the message lists in what.`

const applyExample = `  holdfast apply br0.yml
  holdfast apply base.yml guests.yml
  sed s/1500/9000/ br0.yml | holdfast apply -`

// applyFlags are the flags of apply.
type applyFlags struct {
	noVerify, force bool
	timeout         time.Duration
}

func newApply(a *app) *cobra.Command {
	var flags applyFlags
	c := command(&cobra.Command{
		Use:         "apply FILE|-...",
		Short:       "Change the host, or put everything back",
		Long:        applyLong,
		Annotations: formats("text", "json"),
		Example:     applyExample,
		Args:        filesWanted,
		RunE: func(c *cobra.Command, files []string) error {
			return a.apply(c, files, flags)
		},
	})
	c.Flags().SortFlags = false
	c.Flags().BoolVar(&flags.noVerify, "no-verify", false, "do not read the host back; a step that fails still rolls back")
	c.Flags().DurationVar(&flags.timeout, "timeout", 0, "roll back when applying and verifying take longer than `DURATION`; 0 is a limit that grows with the plan")
	c.Flags().BoolVar(&flags.force, "force", false, "do also what is refused for safety: take over links that another program runs, remove what guests sit on")
	return c
}

func (a *app) apply(c *cobra.Command, files []string, flags applyFlags) error {
	a.changes = true
	format, err := a.format(c)
	if err != nil {
		return err
	}
	if flags.timeout < 0 {
		return &usageError{message: fmt.Sprintf("--timeout: %v is negative", flags.timeout), hint: durationHint}
	}
	desired, err := a.desired(files)
	if err != nil {
		return err
	}
	line := a.newProgress("reading the host")
	defer line.end()
	ctx, stop := a.guard(c.Context(), line)
	defer stop()
	host, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	start := time.Now()
	a.began = true
	result, err := host.Apply(ctx, desired, holdfast.ApplyOptions{
		Force: flags.force, NoVerify: flags.noVerify, Timeout: flags.timeout, Progress: line.transaction, Guard: a.guardian,
	})
	line.end()
	if err != nil {
		return &outcomeError{outcome: result.Outcome, err: err}
	}
	return a.printResult(result, format, time.Since(start))
}

// transaction tells how far a transaction is.
func (p *progress) transaction(at transaction.Progress) {
	switch {
	case at.Phase == transaction.Applying && at.Step != nil:
		p.set("applying %d/%d: %s %s", at.Done, at.Total, at.Step.Verb, at.Step.Object)
	case at.Phase == transaction.Applying:
		p.set("applying %d steps", at.Total)
	case at.Phase == transaction.Verifying:
		p.set("verifying: waiting for what takes time")
	default:
		p.set("%s", at.Phase)
	}
}

// guard makes a change outlive its terminal: a hang-up changes nothing, SIGINT
// and SIGTERM end the context, which rolls back, and the line tells that. stop
// must be called.
func (a *app) guard(parent context.Context, line *progress) (ctx context.Context, stop func()) {
	ctx, release := holdfast.WithSignals(parent)
	told := make(chan struct{})
	quiet := context.AfterFunc(ctx, func() {
		defer close(told)
		if !a.json {
			line.say("%v: going back to where the host was", context.Cause(ctx))
		}
	})
	return ctx, func() {
		if !quiet() {
			<-told
		}
		release()
	}
}

// success is what apply prints with -o json. Generation and transaction are
// null where nothing was recorded.
type success struct {
	Outcome     transaction.Outcome `json:"outcome"`
	Generation  *int                `json:"generation"`
	Transaction *string             `json:"transaction"`
	Steps       int                 `json:"steps"`
	Warnings    []string            `json:"warnings"`
}

func (a *app) printResult(r *holdfast.Result, format string, took time.Duration) error {
	if format == "json" {
		s := success{Outcome: r.Outcome, Steps: r.Steps, Warnings: r.Warnings}
		if r.Transaction != "" {
			s.Transaction = &r.Transaction
		}
		if s.Warnings == nil {
			s.Warnings = []string{}
		}
		a.out.json(s)
		return nil
	}
	a.warn(r.Warnings)
	paint := a.painter(a.out)
	if r.Outcome == transaction.Unchanged {
		_, _ = fmt.Fprintln(a.out, "Nothing to do: the host is as the files say.")
		return nil
	}
	_, _ = fmt.Fprintf(a.out, "%s %s in %.1f s.\n", paint(green, "Applied:"), count(r.Steps, "step"), took.Seconds())
	return nil
}

// count is "1 step" or "n steps".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
