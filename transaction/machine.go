package transaction

import (
	"errors"
	"fmt"
	"time"
)

// The pauses between two looks at what is asynchronous: short at first, since
// most of it comes in a moment.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// Machine decides what a transaction does next. It holds no clock, no file and
// no engine: Step takes what happened and answers with what to do. The zero
// Machine is a transaction that has not started.
type Machine struct {
	// NoVerify leaves verification out.
	NoVerify bool

	phase     Phase
	pause     time.Duration
	repaired  bool
	untouched bool
	cause     error
	warnings  []string
}

// Phase tells where the transaction is; it is empty before Started.
func (m *Machine) Phase() Phase { return m.phase }

// Step takes an event and returns what to do, in order. An event that does
// not fit the phase is an internal error and panics: each effect is answered
// once, and only effects are answered.
func (m *Machine) Step(e Event) []Effect {
	if interrupted, ok := e.(Interrupted); ok {
		return m.interrupted(interrupted.Err)
	}
	switch e := e.(type) {
	case Started:
		m.expect(e, "")
		return m.enter(Preparing, TakeCheckpoint{})
	case Checkpointed:
		m.expect(e, Preparing)
		return m.checkpointed(e.Err)
	case AppliedPlan:
		m.expect(e, Applying)
		return m.applied(e)
	case Verified:
		m.expect(e, Verifying)
		return m.verified(e)
	case Repaired:
		m.expect(e, Verifying)
		return m.again(e.Err)
	case TimerFired:
		m.expect(e, Verifying)
		return m.again(nil)
	case Released:
		return m.released(e.Err)
	case RolledBackTo:
		m.expect(e, RollingBack)
		return m.rolledBack(e.Err)
	}
	panic(fmt.Sprintf("internal error: transaction: unknown event %T", e))
}

func (m *Machine) expect(e Event, phase Phase) {
	if m.phase != phase {
		panic(fmt.Sprintf("internal error: transaction: %T while %s", e, m.phase))
	}
}

func (m *Machine) enter(phase Phase, first Effect) []Effect {
	m.phase = phase
	return []Effect{Enter{phase}, first}
}

func (m *Machine) report(outcome Outcome, err error) []Effect {
	m.phase = Done
	return []Effect{Enter{Done}, Report{Outcome: outcome, Err: err, Warnings: m.warnings}}
}

// interrupted ends what is under way early; the answer of that leads to the
// rollback. After the point of no return, and while rolling back, nothing can
// be interrupted.
func (m *Machine) interrupted(err error) []Effect {
	switch m.phase {
	case Preparing, Applying, Verifying:
		if m.cause == nil {
			m.cause = err
			return []Effect{Cancel{}}
		}
	}
	return nil
}

// checkpointed goes on to apply, or ends with the host as it is.
func (m *Machine) checkpointed(err error) []Effect {
	if err != nil {
		return m.report(Unchanged, first(m.cause, err))
	}
	if m.cause != nil {
		return []Effect{Release{}}
	}
	return m.enter(Applying, Apply{})
}

// applied goes on to verify. A plan that was refused before its first step is
// rolled back like any other, since looking is better than believing, but is
// told as what it is.
func (m *Machine) applied(e AppliedPlan) []Effect {
	if err := first(m.cause, e.Err); err != nil {
		m.untouched = e.Err != nil && e.Untouched
		return m.rollBack(err)
	}
	if m.NoVerify {
		return m.enter(Committing, Release{})
	}
	m.pause = firstPause
	return m.enter(Verifying, Verify{})
}

// verified decides on what was read back: what is wrong is repaired once, what
// is missing yet is waited for, and what stays missing is a failure or, where
// it is minor, a warning.
func (m *Machine) verified(e Verified) []Effect {
	if err := first(m.cause, e.Err); err != nil {
		return m.rollBack(err)
	}
	if len(e.Wrong) > 0 {
		if m.repaired || e.Final {
			return m.rollBack(verifyError(e.Wrong, ""))
		}
		m.repaired = true
		return []Effect{Repair{}}
	}
	pause := m.pause
	for _, w := range e.Waiting {
		if e.Elapsed < w.Budget && pause < e.Left {
			m.pause = min(2*m.pause, lastPause)
			return []Effect{Wait{pause}}
		}
	}
	return m.missing(e)
}

// missing ends the wait for what has not come.
func (m *Machine) missing(e Verified) []Effect {
	var wrong []string
	hint := ""
	for _, w := range e.Waiting {
		if w.Minor {
			m.warnings = append(m.warnings, w.What)
			continue
		}
		wrong = append(wrong, w.What)
		if e.Elapsed < w.Budget {
			hint = moreTime
		}
	}
	if len(wrong) > 0 {
		return m.rollBack(verifyError(wrong, hint))
	}
	return m.enter(Committing, Release{})
}

// again looks at the host once more, after a pause or a repair.
func (m *Machine) again(err error) []Effect {
	if err = first(m.cause, err); err != nil {
		return m.rollBack(err)
	}
	return []Effect{Verify{}}
}

func (m *Machine) rollBack(cause error) []Effect {
	m.cause = cause
	return m.enter(RollingBack, RollBack{})
}

// released ends the transaction. What could not be put on record does not undo
// a change that is in force.
func (m *Machine) released(err error) []Effect {
	if m.phase == Preparing {
		return m.report(Unchanged, join(m.cause, err))
	}
	m.expect(Released{}, Committing)
	if err != nil {
		m.warnings = append(m.warnings, "the change is in force, but "+err.Error())
	}
	return m.report(Applied, nil)
}

func (m *Machine) rolledBack(err error) []Effect {
	if err != nil {
		return m.report(RollbackFailed, join(m.cause, err))
	}
	if m.untouched {
		return m.report(Unchanged, m.cause)
	}
	return m.report(RolledBack, m.cause)
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
	return errors.Join(cause, err)
}
