package store

import "errors"

// Next is the number that the next generation gets.
func (s *Store) Next() (int, error) {
	slots, err := s.slots()
	if err != nil {
		return 0, err
	}
	next := 1
	for _, slot := range slots {
		if !slot.pending() {
			next = slot.number + 1
		}
	}
	return next, nil
}

// Prepare puts a transaction on disk before anything is changed: the generation
// that it is to become, and its journal in phase Prepared. It numbers the
// journal, and gives the generation the journal's Meta; the Store carries the
// transaction from here on. After an error nothing is pending, unless the disk
// refused to take back what it had: Drop tries that again. A *PendingError
// tells that another transaction has to be ended first.
func (s *Store) Prepare(j *Journal, g *Generation) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if j.Transaction == "" {
		return errors.New("a transaction needs a name")
	}
	if err := s.nothingPending(); err != nil {
		return err
	}
	if err := s.ready(); err != nil {
		return err
	}
	s.sweep()
	next, err := s.Next()
	if err != nil {
		return err
	}
	j.Number, j.Time = next, j.Time.UTC().Round(0)
	j.Phase, j.Attempts, j.Outcome = Prepared, 0, ""
	g.Meta = j.Meta
	if err := s.writePrepared(j, g); err != nil {
		_ = s.fs.Remove(s.inState(preparedName))
		_ = s.fs.Remove(s.file(next, preparedPart))
		return err
	}
	own := *j
	s.carry(&own)
	return nil
}

// nothingPending tells whether there is no journal, of whatever sort.
func (s *Store) nothingPending() error {
	for _, name := range []string{journalName, preparedName} {
		there, err := s.exists(s.inState(name))
		if err != nil {
			return err
		}
		if there {
			return &PendingError{Path: s.inState(name)}
		}
	}
	return nil
}

func (s *Store) writePrepared(j *Journal, g *Generation) error {
	generation, err := encodeGeneration(g)
	if err != nil {
		return err
	}
	journal, err := encodeJournal(j)
	if err != nil {
		return err
	}
	if err := s.write(s.file(j.Number, preparedPart), generation); err != nil {
		return err
	}
	return s.write(s.inState(preparedName), journal)
}

// Begin puts on disk that the host may be changed from now on. After an error
// it must not be changed: Drop the transaction.
func (s *Store) Begin() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	j, err := s.carried("begin", Prepared)
	if err != nil {
		return err
	}
	err = s.fs.Rename(s.inState(preparedName), s.inState(journalName))
	if err == nil {
		err = s.fs.SyncDir(s.stateDir)
	}
	if err == nil {
		s.change(func(j *Journal) { j.Phase = Applying })
		return nil
	}
	// The disk may hold either name; both ways say in this boot that nothing
	// began.
	_ = s.writeMark(*j)
	_ = s.fs.Rename(s.inState(journalName), s.inState(preparedName))
	return err
}

// Drop forgets a transaction in phase Prepared. It leaves no trace in history;
// Fail with Unchanged does.
func (s *Store) Drop() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if _, err := s.carried("drop", Prepared); err != nil {
		return err
	}
	return s.closeJournal()
}

// closeJournal removes the journal, and then what was kept for it.
func (s *Store) closeJournal() error {
	s.carry(nil)
	err := errors.Join(s.remove(s.inState(journalName)), s.remove(s.inState(preparedName)))
	if err != nil {
		return err
	}
	err = s.fs.SyncDir(s.stateDir)
	s.sweep()
	return err
}
