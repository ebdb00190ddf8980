package transaction

import (
	"fmt"

	"holdfast/engine"
)

// step goes on with what was marked. A mark that could not be written costs
// what it is for, should the process die: the wait, or the count of attempts.
func (e Marked) step(m *Machine) []Effect {
	m.expect(e, Waiting, RollingBack)
	if m.phase == RollingBack {
		return m.markedBack(e.Err)
	}
	if e.Err != nil {
		m.warn("if holdfast ends before this change is confirmed it is undone: %v", e.Err)
	}
	switch {
	case m.cause != nil:
		return m.rollBack(m.cause)
	case m.confirmed:
		return m.commit()
	case m.left:
		return m.report(Pending, nil)
	}
	m.awaiting = true
	return []Effect{AwaitAnswer{}}
}

// step keeps the change if it waits for that, and refuses what is too early or
// too late.
func (e Confirmed) step(m *Machine) []Effect {
	switch {
	case m.phase == Waiting && m.awaiting:
		m.awaiting, m.confirmedBy = false, e.Who
		return m.commit()
	case m.phase == Waiting && m.cause == nil:
		m.confirmed, m.confirmedBy = true, e.Who
		return nil
	case m.phase == Committing:
		return nil
	}
	return m.refuse("confirm", "there is something to confirm once it is "+string(Waiting))
}

// step goes back unless it is too late.
func (e RollbackAsked) step(m *Machine) []Effect {
	switch {
	case m.phase == Committing, m.phase == Done, m.phase == Waiting && m.confirmed:
		return m.refuse("roll back", "the change is kept; `holdfast rollback --to` returns to an earlier one")
	case m.phase == RollingBack:
		return nil
	}
	return m.turnBack(&engine.Error{Kind: engine.Conflict, Err: &RequestError{Who: e.Who}})
}

func (m *Machine) refuse(op, hint string) []Effect {
	return []Effect{Refuse{&engine.Error{
		Op: op, Kind: engine.Conflict, Hint: hint,
		Err: fmt.Errorf("the transaction is %s", m.phase),
	}}}
}

// step goes back: the promise counts from before the first change, so it may
// come while the change is still under way.
func (e DeadlinePassed) step(m *Machine) []Effect { return m.turnBack(e.Err) }

// step goes back, unless the change waits for somebody else than who is gone.
func (e Interrupted) step(m *Machine) []Effect {
	if m.phase == Waiting && !m.Attended {
		return nil
	}
	return m.turnBack(e.Err)
}

// step leaves a change that waits as it is, for the next process to take up.
func (e Left) step(m *Machine) []Effect {
	if !m.Journal {
		return m.turnBack(&engine.Error{Kind: engine.Timeout, Err: errLeft})
	}
	if m.phase == Waiting && m.awaiting {
		m.awaiting = false
		return m.report(Pending, nil)
	}
	m.left = true
	return nil
}

// turnBack ends what is under way early; the answer of that leads back. After
// the point of no return, and while rolling back, nothing can be interrupted.
func (m *Machine) turnBack(err error) []Effect {
	switch m.phase {
	case Preparing, Applying, Verifying, Probing:
		if m.cause == nil {
			m.cause = err
			return []Effect{Cancel{}}
		}
	case Waiting:
		if m.awaiting {
			m.awaiting = false
			return m.rollBack(err)
		}
		if m.cause == nil && !m.confirmed {
			m.cause = err
		}
	}
	return nil
}
