package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// errSetAside is the cause of what was set aside.
var errSetAside = errors.New("set aside before it had ended")

// Abandon moves the journal out of the way, also one that cannot be read, so
// that others can begin, and tells where it went. The host stays as it is.
// History gets outcome Unknown for it, unless it has one, or it was committed,
// or it never began. ErrNothing tells that there was no journal.
func (s *Store) Abandon() (string, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.carry(nil)
	if err := s.nothingPending(); err == nil {
		return "", ErrNothing
	} else if _, pending := errors.AsType[*PendingError](err); !pending {
		return "", err
	}
	name := "damaged"
	j, err := s.readPending()
	switch {
	case err != nil:
		if _, unusable := errors.AsType[*JournalError](err); !unusable {
			return "", err
		}
		if err := s.abandonTries(); err != nil {
			return "", err
		}
	case j != nil && j.Transaction != "":
		name = j.Transaction
		if err := s.abandonTry(j); err != nil {
			return "", err
		}
	}
	return s.setAside(name)
}

// abandonTry records that nobody knows how a transaction ended.
func (s *Store) abandonTry(j *Journal) error {
	switch {
	case j.Phase == Prepared, j.Phase == Committed, j.Phase == Ended, j.Outcome != "":
		return nil
	}
	return s.record(j, Unknown, errSetAside, 0)
}

// abandonTries does the same where the journal does not tell whose it is: it
// belongs to what was not committed.
func (s *Store) abandonTries() error {
	slots, err := s.slots()
	if err != nil {
		return err
	}
	m := s.readMark()
	for _, slot := range slots {
		if slot.pending() || slot.committed() && m.takenBack(slot.number) {
			if err := s.recordByName(slot.number, Unknown); err != nil {
				return err
			}
		}
	}
	return nil
}

// setAside moves the journal to a name that is free.
func (s *Store) setAside(name string) (string, error) {
	dir := s.inState(setAsideName)
	if err := s.makeDir(dir, stateMode, true); err != nil {
		return "", err
	}
	var last string
	for _, from := range []string{preparedName, journalName} {
		there, err := s.exists(s.inState(from))
		if err != nil {
			return "", err
		}
		if !there {
			continue
		}
		if last, err = s.free(dir, "journal-"+plain(name)); err != nil {
			return "", err
		}
		if err := s.fs.Rename(s.inState(from), last); err != nil {
			return "", err
		}
	}
	err := errors.Join(s.fs.SyncDir(dir), s.fs.SyncDir(s.stateDir))
	s.sweep()
	return last, err
}

// free is a path in a directory that nothing has.
func (s *Store) free(dir, name string) (string, error) {
	for n := 1; ; n++ {
		path := filepath.Join(dir, name+".json")
		if n > 1 {
			path = filepath.Join(dir, fmt.Sprintf("%s-%d.json", name, n))
		}
		there, err := s.exists(path)
		if err != nil || !there {
			return path, err
		}
	}
}

// plain makes a file name of a transaction's name.
func plain(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, name)
	return name[:min(len(name), 64)]
}
