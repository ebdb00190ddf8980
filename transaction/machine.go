package transaction

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Machine decides what a transaction does next. It holds no clock, no file and
// no engine: Step takes what happened and answers with what to do. The zero
// Machine is a transaction that has not started, which is not put on record, not
// probed and not confirmed.
//
// Its courses: forward.go is the way to the change, waiting.go what is asked
// from outside, back.go the way back, recovery.go what another process left.
type Machine struct {
	// NoVerify leaves verification out.
	NoVerify bool
	// Journal puts the transaction on record, so that a crash can be recovered
	// from.
	Journal bool
	// Probes asks what must be reachable, before, after and after a rollback.
	Probes bool
	// Confirm waits for somebody to confirm before committing.
	Confirm bool
	// Attended tells that an interruption while Waiting is somebody's wish to go
	// back, and not only the end of who asked for the change.
	Attended bool

	phase Phase
	// held is set while the checkpoint is in hand.
	held bool
	// awaiting is set in Waiting when nothing is under way.
	awaiting bool
	// confirmed and left are what was asked while something was under way that
	// has to end first; confirmedBy is who asked for the first.
	confirmed, left bool
	confirmedBy     string
	pause           time.Duration
	repaired        bool
	untouched       bool
	attempts        int
	// cause is why the way leads back.
	cause error
	// outcome and err are what is reported at the end.
	outcome  Outcome
	err      error
	warnings []string
}

// Phase tells where the transaction is; it is empty before Started.
func (m *Machine) Phase() Phase { return m.phase }

// Step takes an event and returns what to do, in order. An answer that does
// not fit the phase is an internal error and panics: each effect is answered
// once, and only effects are answered. What comes from outside fits always.
func (m *Machine) Step(e Event) []Effect { return e.step(m) }

func (m *Machine) expect(e Event, phases ...Phase) {
	if slices.Contains(phases, m.phase) {
		return
	}
	panic(fmt.Sprintf("internal error: transaction: %T while %s", e, m.phase))
}

// enter begins a phase.
func (m *Machine) enter(phase Phase, first Effect) []Effect {
	m.phase = phase
	return []Effect{Enter{phase}, first}
}

// report ends the transaction.
func (m *Machine) report(outcome Outcome, err error) []Effect {
	return m.enter(Done, Report{Outcome: outcome, Err: err, Warnings: m.warnings})
}

func (m *Machine) warn(format string, args ...any) {
	m.warnings = append(m.warnings, fmt.Sprintf(format, args...))
}

// first is the first error that is one: an interruption explains what failed
// because of it.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// join keeps a single error as it is and puts several together.
func join(cause, err error) error {
	if err == nil {
		return cause
	}
	if cause == nil {
		return err
	}
	return errors.Join(cause, err)
}
