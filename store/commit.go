package store

import "time"

// Commit makes the prepared generation the one in force, the point of no
// return: before it recovery goes back, after it forward. After an error the
// transaction is in phase RollingBack: which of both the disk holds is not
// known, so the host must be rolled back and Fail called, which settles it.
// ErrNothing tells that another process has ended the transaction meanwhile.
func (s *Store) Commit() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	j, err := s.carried("commit", Applying, Waiting)
	if err != nil {
		return err
	}
	if there, err := s.exists(s.inState(journalName)); err == nil && !there {
		s.carry(nil)
		return ErrNothing
	}
	prepared, committed := s.file(j.Number, preparedPart), s.file(j.Number, committedPart)
	err = s.fs.Rename(prepared, committed)
	if err == nil {
		err = s.fs.SyncDir(s.generations())
	}
	if err == nil {
		s.change(func(j *Journal) { j.Phase = Committed })
		return nil
	}
	s.change(func(j *Journal) { j.Phase = RollingBack })
	_ = s.writeMark(*s.carrying())
	_ = s.fs.Rename(committed, prepared)
	return err
}

// Fail records how a transaction ended that was not committed, with its cause
// and how long it took. Outcome is Unchanged, RolledBack, RollbackFailed or
// Unknown; it may be recorded again after RollbackFailed and Unknown, which
// leave the journal where it is. When the disk has no room the prepared
// generation is renamed instead, and the cause is lost. After an error nothing
// is recorded and the transaction stays pending.
func (s *Store) Fail(outcome Outcome, cause error, took time.Duration) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	j, err := s.carried("record "+string(outcome), Prepared, Applying, Waiting, RollingBack)
	if err != nil {
		return err
	}
	if err := s.record(j, outcome, cause, took); err != nil {
		s.carry(nil)
		return err
	}
	if outcome == RollbackFailed || outcome == Unknown {
		s.carry(nil) // whoever tries again finds it on disk
		return nil
	}
	s.change(func(j *Journal) { j.Phase, j.Outcome = Ended, outcome })
	return nil
}

// Finish closes the journal of a transaction that is Committed or Ended, and
// removes its mark.
func (s *Store) Finish() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.carried("finish", Committed, Ended); err != nil {
		return err
	}
	return s.closeJournal()
}
