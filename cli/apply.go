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
address detection, carrier, bond negotiation. If a step fails, the host did not
become what was asked for, or cannot be reached any more as --probe says,
everything is put back as it was.

What the files do not mention stays as it is. Applying the same again does
nothing at all. Several files are one change; - is standard input.

With --confirm the change waits in the foreground, in force, until somebody runs
holdfast confirm in another session. If nobody does in time it is rolled back:
that is how to change the network that you came in by. holdfast rollback, or
Ctrl-C, undoes it at once.

Every change is a generation of holdfast history, to which holdfast rollback --to
returns. It comes back at boot (holdfast restore) unless it is --temporary.

A terminal that goes away changes nothing: the apply goes on. SIGINT (Ctrl-C)
and SIGTERM roll back, unless the change waits to be confirmed and its terminal
is gone. Should the process be killed, a guardian rolls back.

  --probe gateway             every default gateway answers
  --probe ping:HOST           an echo is replied to
  --probe arp:HOST[%LINK]     a neighbour answers (ARP, neighbour discovery)
  --probe tcp:HOST:PORT       a connection is accepted
  --probe http:URL            the answer is a good one
  --probe dns:NAME[@SERVER]   a name server knows the name
  --probe exec:NAME           a program in ` + holdfast.DefaultProbeDir + ` ends with 0

A probe that fails before the change is refused, unless it ends in ?. Options
follow it: --probe tcp:192.0.2.1:22,timeout=3s,retries=2

  -o text   a line that says what was done (the default)
  -o json   the outcome, for programs; a failure is one line on standard error

Exit codes: 0 done; 1 refused or invalid, nothing was changed; 3 failed and
rolled back, the host is as it was; 4 failed and the rollback failed too, the
host differs, and the message lists in what.`

const applyExample = `  holdfast apply br0.yml
  holdfast apply --confirm 60s --probe gateway uplink.yml
  holdfast apply --temporary base.yml guests.yml
  sed s/1500/9000/ br0.yml | holdfast apply -`

// applyFlags are the flags of apply.
type applyFlags struct {
	changeFlags
	temporary bool
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
	flags.add(c)
	c.Flags().BoolVar(&flags.temporary, "temporary", false, "make a change that lasts until the next boot")
	return c
}

func (a *app) apply(c *cobra.Command, files []string, flags applyFlags) error {
	a.changes = true
	format, err := a.format(c)
	if err != nil {
		return err
	}
	if err := flags.check(c); err != nil {
		return err
	}
	desired, err := a.desired(files)
	if err != nil {
		return err
	}
	options := flags.options()
	options.Temporary = flags.temporary
	return a.transact(c, format, "the files say", options, func(ctx context.Context, host backend, options holdfast.ApplyOptions) (*holdfast.Result, error) {
		return host.Apply(ctx, desired, options)
	})
}

// transaction tells how far a transaction is.
func (p *progress) transaction(at transaction.Progress) {
	switch {
	case at.Phase == transaction.Applying && at.Step != nil:
		p.set("applying %d/%d: %s %s", at.Done, at.Total, at.Step.Verb, at.Step.Object)
	case at.Phase == transaction.Applying:
		p.set("applying %d steps", at.Total)
	case at.Phase == transaction.Verifying && at.Waiting != "":
		p.set("waiting: %s", at.Waiting)
	case at.Phase == transaction.Waiting && at.Left > 0:
		p.countDown(time.Now().Add(at.Left), "%s", at.Phase)
	default:
		p.set("%s", at.Phase)
	}
}

// guard makes a change outlive its terminal: a hang-up changes nothing, SIGINT
// and SIGTERM end the context, which rolls back, unless the change stays; the
// line tells that. stop must be called.
func (a *app) guard(parent context.Context, line *progress, stays func() bool) (ctx context.Context, stop func()) {
	signals, release := holdfast.WithSignals(parent)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(parent))
	told := make(chan struct{})
	quiet := context.AfterFunc(signals, func() {
		defer close(told)
		cause := context.Cause(signals)
		text := fmt.Sprintf("%v: going back to where the host was", cause)
		if stays() {
			text = "nobody is at the terminal any more: the change goes on waiting to be confirmed"
		} else {
			cancel(cause)
		}
		if !a.json {
			line.say("%s", text)
		}
	})
	return ctx, func() {
		if !quiet() {
			<-told
		}
		release()
		cancel(nil)
	}
}
