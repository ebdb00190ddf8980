package cli

import (
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"holdfast"
	"holdfast/transaction"
)

// vigil is a change under way, as seen by who asked for it.
type vigil struct {
	app  *app
	line *progress
	// within is the time to confirm, 0 if nobody is waited for.
	within time.Duration
	// said is what the host is like when there is nothing to do.
	said  string
	start time.Time

	mu sync.Mutex
	// left was the time to confirm when the change began to wait.
	left time.Duration
	// since is when it began to wait, zero if it did not.
	since time.Time
}

// progress tells how far the change is.
func (v *vigil) progress(at transaction.Progress) {
	v.line.transaction(at)
	v.mu.Lock()
	defer v.mu.Unlock()
	if at.Phase == transaction.Waiting {
		v.left = at.Left
	}
}

// pending tells how to confirm, and until when.
func (v *vigil) pending(r *holdfast.Result) {
	v.mu.Lock()
	v.since = time.Now()
	left, until := v.left, v.since.Add(v.left)
	v.mu.Unlock()
	a := v.app
	if a.json {
		report := newSuccess(r)
		report.Confirm = &deadline{Within: v.within.Seconds(), Left: left.Seconds(), Until: until.UTC().Round(time.Second)}
		a.out.json(report)
		return
	}
	v.line.say("%s %s is in force and waits to be confirmed, for %.0f s until %s:",
		a.painter(a.err)(yellow, "Pending:"), named(r), left.Seconds(), until.Format(time.TimeOnly))
	v.line.say("  %s\n  %s", a.commandLine("confirm"), a.commandLine("rollback"))
	if a.attended() && !a.remote {
		v.line.say("from another session keeps it or undoes it. Ctrl-C undoes it, a terminal that goes away does not.")
	}
}

// stays tells whether a signal leaves the change as it is: it waits, and nobody
// sits at a terminal who could have meant it.
func (v *vigil) stays() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.since.IsZero() && !v.app.attended()
}

// times are how long applying took and how long confirming took, 0 if nobody
// was waited for.
func (v *vigil) times() (applied, confirmed time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.since.IsZero() {
		return time.Since(v.start), 0
	}
	return v.since.Sub(v.start), time.Since(v.since)
}

// attended tells whether a stream is a terminal that is still there.
func (a *app) attended() bool {
	in, ok := a.in.(*os.File)
	return ok && term.IsTerminal(int(in.Fd())) || a.out.terminal() || a.err.terminal()
}

// named names a change: its generation and its transaction.
func named(r *holdfast.Result) string {
	switch {
	case r.Generation > 0 && r.Transaction != "":
		return fmt.Sprintf("generation %d, transaction %s,", r.Generation, r.Transaction)
	case r.Generation > 0:
		return fmt.Sprintf("generation %d", r.Generation)
	}
	return "transaction " + r.Transaction
}
