package transaction

import (
	"slices"
	"time"
)

// The pauses between two looks at what is asynchronous: short at first, since
// most of it comes in a moment.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

func (e Started) step(m *Machine) []Effect {
	m.expect(e, "")
	if m.Probes {
		return m.enter(Preparing, Probe{Before})
	}
	return m.enter(Preparing, TakeCheckpoint{})
}

// step goes on to where the phase leads. What is not reachable before the
// change refuses it, after the change undoes it, and after a rollback is told.
func (e Probed) step(m *Machine) []Effect {
	m.expect(e, Preparing, Probing, RollingBack)
	for _, warning := range e.Warnings {
		if !slices.Contains(m.warnings, warning) { // many are told on each occasion
			m.warnings = append(m.warnings, warning)
		}
	}
	if m.phase == RollingBack {
		return m.probedBack(e)
	}
	err := first(m.cause, e.Err, probeError(m.phase, e.Wrong))
	switch {
	case err == nil && m.phase == Probing:
		return m.accept()
	case err == nil:
		return []Effect{TakeCheckpoint{}}
	case m.phase == Probing:
		return m.rollBack(err)
	}
	return m.report(Unchanged, err)
}

// step goes on to apply, or ends with the host as it is.
func (e Checkpointed) step(m *Machine) []Effect {
	m.expect(e, Preparing)
	if e.Err != nil {
		return m.report(Unchanged, first(m.cause, e.Err))
	}
	m.held = true
	if m.cause != nil {
		return []Effect{Release{}}
	}
	if m.Journal {
		return []Effect{Prepare{}}
	}
	return m.enter(Applying, Apply{})
}

func (e Prepared) step(m *Machine) []Effect {
	m.expect(e, Preparing)
	if err := first(m.cause, e.Err); err != nil {
		return m.drop(err)
	}
	return []Effect{Begin{}}
}

func (e Begun) step(m *Machine) []Effect {
	m.expect(e, Preparing)
	if err := first(m.cause, e.Err); err != nil {
		return m.drop(err)
	}
	return m.enter(Applying, Apply{})
}

// drop ends a transaction that is on record, at least in part, and has not
// changed anything.
func (m *Machine) drop(cause error) []Effect {
	m.cause = cause
	return []Effect{Drop{}}
}

// step lets the checkpoint go, if this process took one.
func (e Dropped) step(m *Machine) []Effect {
	m.expect(e, Preparing)
	if !m.held {
		return m.report(Unchanged, first(m.cause, e.Err))
	}
	if e.Err != nil {
		m.warn("the host is as it was, but the journal of this change stays: %v", e.Err)
	}
	return []Effect{Release{}}
}

// step goes on to verify. A plan that was refused before its first step is
// rolled back like any other, since looking is better than believing, but is
// told as what it is.
func (e AppliedPlan) step(m *Machine) []Effect {
	m.expect(e, Applying)
	if err := first(m.cause, e.Err); err != nil {
		m.untouched = e.Err != nil && e.Untouched
		return m.rollBack(err)
	}
	if m.NoVerify {
		return m.verified()
	}
	m.pause = firstPause
	return m.enter(Verifying, Verify{})
}

// step decides on what was read back: what is wrong is repaired once, what is
// missing yet is waited for, and what stays missing is a failure or, where it
// is minor, a warning.
func (e Verified) step(m *Machine) []Effect {
	m.expect(e, Verifying)
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
	return m.verified()
}

func (e Repaired) step(m *Machine) []Effect {
	m.expect(e, Verifying)
	return m.again(e.Err)
}

func (e TimerFired) step(m *Machine) []Effect {
	m.expect(e, Verifying)
	return m.again(nil)
}

// again looks at the host once more, after a pause or a repair.
func (m *Machine) again(err error) []Effect {
	if err = first(m.cause, err); err != nil {
		return m.rollBack(err)
	}
	return []Effect{Verify{}}
}

// verified goes on to the probes.
func (m *Machine) verified() []Effect {
	if m.Probes {
		return m.enter(Probing, Probe{After})
	}
	return m.accept()
}

// accept goes on with a change that is good: the limit for applying ends here.
func (m *Machine) accept() []Effect {
	switch {
	case m.Confirm && m.Journal:
		return m.enter(Waiting, Mark{Phase: Waiting})
	case m.Confirm:
		m.awaiting = true
		return m.enter(Waiting, AwaitAnswer{})
	}
	return m.commit()
}

// commit keeps the change.
func (m *Machine) commit() []Effect {
	if m.Journal {
		return m.enter(Committing, Commit{})
	}
	return m.enter(Committing, Release{})
}

// step is the point of no return: a generation that could not be written is a
// change that is not kept.
func (e Committed) step(m *Machine) []Effect {
	m.expect(e, Committing)
	if e.Err != nil {
		return m.rollBack(e.Err)
	}
	if !m.held {
		return []Effect{Reopen{}}
	}
	return []Effect{Release{}}
}

// step ends the transaction. What could not be put on record does not undo a
// change that is in force.
func (e Released) step(m *Machine) []Effect {
	m.expect(e, Preparing, Committing)
	if m.phase == Preparing {
		return m.report(Unchanged, join(m.cause, e.Err))
	}
	if e.Err != nil {
		m.warn("the change is in force, but %v", e.Err)
	}
	return m.close(Applied, nil)
}

// close closes the journal, where there is one, and reports.
func (m *Machine) close(outcome Outcome, err error) []Effect {
	m.outcome, m.err = outcome, err
	if m.Journal {
		return []Effect{Finish{}}
	}
	return m.report(outcome, err)
}

// step reports. A journal that stays open is closed by the next recovery.
func (e Finished) step(m *Machine) []Effect {
	m.expect(e, Committing, RollingBack)
	if e.Err != nil {
		m.warn("the journal of this change could not be closed and is looked at again before the next one: %v", e.Err)
	}
	return m.report(m.outcome, m.err)
}
