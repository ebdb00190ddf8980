package transaction

import "holdfast/engine"

// automaticAttempts is how often a rollback is begun without anybody asking for
// it: one that kills the process each time must not do so for ever.
const automaticAttempts = 3

// step takes up what another process left, by how far it came: before the
// commit the way leads back, after it forward.
func (e Restarted) step(m *Machine) []Effect {
	m.expect(e, "")
	m.attempts = e.Attempts
	if e.OwnerAlive {
		return m.report(Unchanged, &engine.Error{Kind: engine.Busy, Err: errOwned})
	}
	switch e.Phase {
	case Preparing:
		return m.enter(Preparing, Drop{})
	case Committing:
		return m.enter(Committing, Reopen{})
	case Done:
		m.outcome, m.err = e.Outcome, e.cause()
		return m.enter(RollingBack, Finish{})
	case Waiting:
		if e.SameBoot && e.DeadlineAhead {
			m.awaiting = true
			return m.enter(Waiting, AwaitAnswer{})
		}
	}
	if e.Attempts >= automaticAttempts && !e.Asked {
		return m.report(RollbackFailed, &engine.Error{
			Kind: engine.Conflict, Err: &AttemptsError{Attempts: e.Attempts},
			Hint: "`holdfast rollback` tries again, `holdfast rollback --abandon` leaves the host as it is",
		})
	}
	return m.rollBack(e.cause())
}

// cause is why the way leads back.
func (e Restarted) cause() error {
	if e.Phase == Waiting && e.SameBoot {
		return &engine.Error{Kind: engine.Timeout, Err: &UnconfirmedError{}}
	}
	during := e.Phase
	if during == Done {
		during = RollingBack
	}
	return &engine.Error{Kind: engine.Internal, Err: &CutOffError{Phase: during, Restart: !e.SameBoot}}
}

// step goes on with the checkpoint in hand. Without it there is no way back,
// but a commit stands.
func (e Reopened) step(m *Machine) []Effect {
	m.expect(e, RollingBack, Committing)
	m.held = e.Err == nil
	switch {
	case m.phase == RollingBack && e.Err != nil:
		return RolledBackTo(e).step(m)
	case m.phase == RollingBack:
		return []Effect{RollBack{}}
	case e.Err != nil:
		return Released(e).step(m)
	}
	return []Effect{Release{}}
}
