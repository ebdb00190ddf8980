package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"holdfast"
	"holdfast/store"
)

// pendingReport is a change that has not ended, as programs read it on standard
// error: the value of "pending".
type pendingReport struct {
	Transaction string      `json:"transaction"`
	Generation  int         `json:"generation"`
	Who         store.Who   `json:"who"`
	Time        time.Time   `json:"time"`
	Purpose     string      `json:"purpose"`
	Phase       store.Phase `json:"phase"`
	// Left is in seconds.
	Left     float64 `json:"left"`
	Attempts int     `json:"attempts"`
	Owner    string  `json:"owner"`
}

// tellPending tells on standard error, in one line, about a change that has not
// ended. Who may not read the state directory is told nothing, and neither are
// programs after a failure, whose line is the only one.
func (a *app) tellPending(ctx context.Context, host backend, failure error) {
	if failure != nil && a.json {
		return
	}
	p, err := host.Pending(ctx)
	switch {
	case unreadable(err):
	case err != nil:
		a.warn([]string{hinted(err)})
	case p == nil:
	case a.json:
		a.err.json(map[string]pendingReport{"pending": {
			p.Transaction, p.Generation, p.Who, p.Time, p.Purpose, p.Phase, p.Left.Seconds(), p.Attempts, p.Owner,
		}})
	default:
		_, _ = fmt.Fprintf(a.err, "%s %s\n", a.painter(a.err)(yellow, "pending:"), pendingText(p))
	}
}

// unreadable tells whether an error says that the state directory is not for
// this user to read.
func unreadable(err error) bool { return errors.Is(err, os.ErrPermission) }

// pendingText tells about a change that has not ended in one line.
func pendingText(p *holdfast.PendingChange) string {
	text := fmt.Sprintf("generation %d, transaction %s, begun by %s at %s (%s)",
		p.Generation, p.Transaction, userName(p.Who), p.Time.Local().Format(time.DateTime), p.Purpose)
	if p.Generation == 0 {
		text = "a change"
	}
	text += " " + phaseText(p)
	if p.Owner != "" && p.Phase != store.Waiting {
		return text + "; " + p.Owner
	}
	return text
}

// phaseText is how far a change is.
func phaseText(p *holdfast.PendingChange) string {
	left := p.Owner == ""
	const later = "the next change, `holdfast restore` or `holdfast rollback` rolls it back"
	switch p.Phase {
	case store.Prepared:
		if left {
			return "was left behind before it changed anything"
		}
		return "is about to begin"
	case store.Applying:
		if left {
			return "was left behind half-way; " + later
		}
		return "is being applied"
	case store.Waiting:
		if p.Left > 0 {
			return fmt.Sprintf("waits another %.0f s to be confirmed; `holdfast confirm` keeps it, `holdfast rollback` undoes it", p.Left.Seconds())
		}
		return "was not confirmed in time; " + later
	case store.RollingBack:
		if left {
			return fmt.Sprintf("could not be rolled back (%s); `holdfast rollback` tries again", count(p.Attempts, "attempt"))
		}
		return "is being rolled back"
	}
	return "has ended, and is about to be closed"
}

// userName is the user, by name where it has one.
func userName(w holdfast.Who) string {
	if w.User == "" {
		return fmt.Sprintf("uid %d", w.UID)
	}
	return w.User
}

// hinted is an error with its hint on one line.
func hinted(err error) string {
	r := describe(err)
	if r.Hint == "" {
		return r.Message
	}
	return r.Message + "; " + r.Hint
}

// warnDamage tells about files of the state directory that cannot be used.
func (a *app) warnDamage(damages []holdfast.Damage) {
	texts := make([]string, len(damages))
	for i, d := range damages {
		texts[i] = d.Error() + "; " + d.Hint()
	}
	a.warn(texts)
}
