package store

import (
	"errors"
	"io/fs"
)

// Mark notes in the run directory, and nowhere else, that the transaction waits
// to be confirmed until deadline, or that the attempts-th rollback begins. It is
// not synced: it is to outlive this process, not this boot. Phase is Waiting or
// RollingBack. Without the mark the transaction is rolled back when it is
// recovered, so an error is no reason to stop.
func (s *Store) Mark(phase Phase, deadline int64, attempts int) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	j, err := s.carried("mark "+string(phase), Applying, Waiting, RollingBack)
	if err != nil {
		return err
	}
	if phase != Waiting && phase != RollingBack || phase == Waiting && j.Phase == RollingBack {
		return &PhaseError{Op: "mark " + string(phase), Transaction: j.Transaction, Phase: j.Phase}
	}
	s.change(func(j *Journal) { j.Phase, j.Deadline, j.Attempts = phase, deadline, attempts })
	return s.writeMark(*s.carrying())
}

// writeMark notes how far a transaction is.
func (s *Store) writeMark(j Journal) error {
	data, err := encodeMark(mark{
		Transaction: j.Transaction, Number: j.Number, Boot: s.boot,
		Phase: j.Phase, Deadline: j.Deadline, Attempts: j.Attempts,
	})
	if err != nil {
		return err
	}
	if err := s.makeRunDir(); err != nil {
		return err
	}
	temp := s.markFile() + temporary
	if err := s.remove(temp); err != nil {
		return err
	}
	if err = s.fill(temp, data, false); err == nil {
		err = s.fs.Rename(temp, s.markFile())
	}
	if err != nil {
		_ = s.fs.Remove(temp)
	}
	return err
}

// makeRunDir makes the run directory; nothing of it need be durable.
func (s *Store) makeRunDir() error {
	err := s.fs.Mkdir(s.runDir, runMode)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return s.makeDir(s.runDir, runMode, false)
	}
	return err
}

// readMark reads the mark, nil if there is none that counts: one of another
// boot, or a damaged one, is none. Without it what is pending counts as
// half-way, which is always safe to roll back.
func (s *Store) readMark() *mark {
	data, err := s.fs.ReadFile(s.markFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var m *mark
	if err == nil {
		m, err = decodeMark(data)
	}
	if err != nil {
		s.logger.Warn("the mark of the pending transaction cannot be read", "file", s.markFile(), "err", err)
		return nil
	}
	if m.Boot != s.boot {
		return nil
	}
	return m
}

// takenBack tells whether the generation of that number must not count as
// committed although its file is there: the disk did not acknowledge the
// commit, and the rollback began.
func (m *mark) takenBack(number int) bool {
	return m != nil && m.Phase == RollingBack && m.Number == number
}
