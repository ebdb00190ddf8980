package store

import (
	"errors"
	"io/fs"
	"slices"
	"syscall"
)

// Pending gives the transaction that has not ended, nil if there is none. Its
// phase comes from the journal's name, the mark in the run directory, and the
// files of its generation. A journal that cannot be used is a *JournalError,
// which names it and says what to do. While this Store carries the transaction
// nothing is read, unless it waits: another process may have answered it.
func (s *Store) Pending() (*Journal, error) {
	j := s.carrying()
	switch {
	case j == nil:
		return s.readPending()
	case j.Phase != Waiting:
		return j, nil
	}
	onDisk, err := s.readPending()
	if err != nil || onDisk != nil && onDisk.Transaction == j.Transaction && (onDisk.Phase == Waiting || onDisk.Phase == Applying) {
		return j, nil
	}
	if !s.letGo(j.Transaction) {
		return s.carrying(), nil // this Store moves on with it just now
	}
	return onDisk, nil
}

// letGo forgets a transaction that waits and that another process took over,
// unless a method of this Store is at work on it.
func (s *Store) letGo(transaction string) bool {
	if !s.writing.TryLock() {
		return false
	}
	defer s.writing.Unlock()
	j := s.carrying()
	if j == nil || j.Transaction != transaction || j.Phase != Waiting {
		return false
	}
	s.carry(nil)
	return true
}

// carrying is a copy of the transaction that this Store carries, nil if none.
func (s *Store) carrying() *Journal {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil
	}
	j := *s.now
	return &j
}

// carry takes a transaction on; nil lets go of it.
func (s *Store) carry(j *Journal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = j
}

// change changes what is known of the transaction that is carried.
func (s *Store) change(how func(*Journal)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	how(s.now)
}

// carried gives the transaction to work on: the one that this Store carries,
// else the one on disk, which it carries from now on. It must be in one of the
// phases.
func (s *Store) carried(op string, phases ...Phase) (*Journal, error) {
	j := s.carrying()
	var err error
	if j == nil {
		j, err = s.readPending()
	}
	switch {
	case err != nil:
		return nil, err
	case j == nil:
		return nil, ErrNothing
	case !slices.Contains(phases, j.Phase):
		return nil, &PhaseError{Op: op, Transaction: j.Transaction, Phase: j.Phase}
	}
	if s.carrying() == nil {
		own := *j
		s.carry(&own)
	}
	return j, nil
}

// readPending reads the journal, whatever its name is. Beginning renames it
// from the second name to the first, so that who found neither looks at the
// first once more.
func (s *Store) readPending() (*Journal, error) {
	for _, name := range []string{journalName, preparedName, journalName} {
		data, err := s.fs.ReadFile(s.inState(name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case isDamage(err):
			return nil, &JournalError{Path: s.inState(name), Err: err}
		case err != nil:
			return nil, err
		}
		return s.readJournal(name, data)
	}
	return nil, nil
}

// readJournal makes a pending transaction of a journal and of what else tells
// its phase. One that cannot be read does no harm as long as its name says that
// nothing began.
func (s *Store) readJournal(name string, data []byte) (*Journal, error) {
	j, err := decodeJournal(data)
	if err != nil {
		_, newer := errors.AsType[*VersionError](err)
		if newer || name != preparedName {
			return nil, &JournalError{Path: s.inState(name), Err: err}
		}
		s.logger.Warn("the journal of a transaction that never began cannot be read", "file", s.inState(name), "err", err)
		return &Journal{Phase: Prepared}, nil
	}
	if name == preparedName {
		j.Phase = Prepared
		return j, nil
	}
	return j, s.merge(j)
}

// merge completes a journal whose transaction may have begun.
func (s *Store) merge(j *Journal) error {
	m := s.readMark()
	if m != nil && m.Transaction != j.Transaction {
		m = nil
	}
	if m != nil {
		j.Attempts = m.Attempts
		if m.Deadline != 0 {
			j.Deadline = m.Deadline
		}
	}
	slots, err := s.slots()
	if err != nil {
		return err
	}
	slot := find(slots, j.Number)
	part, failed := slot.failed()
	switch {
	case failed:
		return s.mergeOutcome(j, part)
	case m != nil && m.Phase != Waiting: // the disk refused to begin or to commit, or a rollback began
		j.Phase = m.Phase
	case slot.committed():
		j.Phase = Committed
	case m != nil:
		j.Phase = Waiting
	default:
		j.Phase = Applying
	}
	return nil
}

// mergeOutcome completes a journal with the outcome that is recorded already.
// One that cannot be read leaves open what became of the host.
func (s *Store) mergeOutcome(j *Journal, part string) error {
	file, err := s.readOutcome(j.Number, part)
	if err != nil && !isDamage(err) {
		return err
	}
	if err != nil {
		s.logger.Warn("the outcome of the pending transaction cannot be read", "err", err)
		file = &outcomeFile{Outcome: Unknown}
	}
	j.Outcome, j.Attempts = file.Outcome, max(j.Attempts, file.Attempts)
	j.Phase = Ended
	if j.Outcome == RollbackFailed || j.Outcome == Unknown {
		j.Phase = RollingBack
	}
	return nil
}

// readOutcome reads how a try ended from the file of that part.
func (s *Store) readOutcome(number int, part string) (*outcomeFile, error) {
	path := s.file(number, part)
	data, err := s.fs.ReadFile(path)
	if err != nil {
		return nil, err
	}
	file, err := decodeEntry(data)
	if err == nil && file.Number != number {
		err = errNumber
	}
	if err != nil {
		return nil, Damage{Path: path, Err: err}
	}
	if part != outcomePart && part != committedPart {
		file.Outcome = Outcome(part)
	}
	return file, nil
}

// errNumber tells that a file's name and its content disagree.
var errNumber = errors.New("it holds another number than its name says")

// isDamage tells whether an error is the fault of one file, so that others may
// be of use.
func isDamage(err error) bool {
	if _, ok := errors.AsType[Damage](err); ok {
		return true
	}
	return errors.Is(err, ErrNoFile) || errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EISDIR)
}
