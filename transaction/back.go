package transaction

// rollBack begins the way back. That it began is marked first, so that a
// process that dies on it is counted, and so that a commit that failed half-way
// is not taken for one.
func (m *Machine) rollBack(cause error) []Effect {
	m.cause = cause
	m.attempts++
	if m.Journal {
		return m.enter(RollingBack, Mark{Phase: RollingBack, Attempts: m.attempts})
	}
	return m.enter(RollingBack, RollBack{})
}

func (m *Machine) markedBack(err error) []Effect {
	if err != nil {
		m.warn("the rollback could not be noted: %v", err)
	}
	if !m.held {
		return []Effect{Reopen{}}
	}
	return []Effect{RollBack{}}
}

// step ends the way back. The journal says whether a plan that was refused
// before its first step left the host as it was.
func (e RolledBackTo) step(m *Machine) []Effect {
	m.expect(e, RollingBack)
	m.outcome, m.err = RolledBack, m.cause
	switch {
	case e.Err != nil:
		m.outcome, m.err = RollbackFailed, join(m.cause, e.Err)
	case m.untouched:
		m.outcome = Unchanged
	}
	if m.Probes {
		return []Effect{Probe{Back}}
	}
	return m.record()
}

func (m *Machine) probedBack(e Probed) []Effect {
	if e.Err != nil {
		m.warn("after the rollback nothing could be probed: %v", e.Err)
	}
	for _, what := range e.Wrong {
		m.warn("after the rollback %s", what)
	}
	return m.record()
}

// record writes the outcome down before anybody is told.
func (m *Machine) record() []Effect {
	if m.Journal {
		return []Effect{Fail{Outcome: m.outcome, Err: m.err}}
	}
	return m.report(m.outcome, m.err)
}

// step closes the journal. It stays open when the outcome could not be written
// or the host is not as it was: the next recovery goes back once more.
func (e Recorded) step(m *Machine) []Effect {
	m.expect(e, RollingBack)
	if e.Err != nil {
		m.warn("how this change ended could not be written down; its journal stays and is looked at again before the next one: %v", e.Err)
	}
	if e.Err != nil || m.outcome == RollbackFailed {
		return m.report(m.outcome, m.err)
	}
	return m.close(m.outcome, m.err)
}
