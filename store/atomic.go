package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// The modes of the directories.
const (
	stateMode = 0o700
	runMode   = 0o755 // others keep files there that everybody may read
)

// write puts a file into the state directory, whole and durable, or not at all
// as far as the disk allows.
func (s *Store) write(path string, data []byte) error {
	temp := path + temporary
	if err := s.remove(temp); err != nil {
		return err
	}
	err := s.fill(temp, data, true)
	if err == nil {
		err = s.fs.Rename(temp, path)
	}
	if err != nil {
		_ = s.fs.Remove(temp)
		return err
	}
	return s.fs.SyncDir(filepath.Dir(path))
}

// fill writes a new file, to the disk if durable is set.
func (s *Store) fill(path string, data []byte, durable bool) error {
	f, err := s.fs.Create(path)
	if err != nil {
		return err
	}
	n, err := f.Write(data)
	if err == nil && n < len(data) {
		err = fmt.Errorf("write %s: %w", path, io.ErrShortWrite)
	}
	if err == nil && durable {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// remove removes a file if it is there.
func (s *Store) remove(path string) error {
	err := s.fs.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// exists tells whether anything has that name.
func (s *Store) exists(path string) (bool, error) {
	_, err := s.fs.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// makeDir makes a directory with what is missing above it, on disk if durable is
// set.
func (s *Store) makeDir(path string, mode fs.FileMode, durable bool) error {
	there, err := s.exists(path)
	if there || err != nil {
		return err
	}
	above := filepath.Dir(path)
	if above == path {
		return nil
	}
	if err := s.makeDir(above, 0o755, durable); err != nil {
		return err
	}
	err = s.fs.Mkdir(path, mode)
	if err != nil && !errors.Is(err, fs.ErrExist) || !durable {
		return err
	}
	return s.fs.SyncDir(above)
}

// ready makes the state directory fit to be written to.
func (s *Store) ready() error {
	version, err := s.format()
	if err != nil {
		return err
	}
	for _, dir := range []string{s.stateDir, s.generations()} {
		if err := s.makeDir(dir, stateMode, true); err != nil {
			return err
		}
		if err := s.ours(dir); err != nil {
			return err
		}
	}
	if version == Version {
		return nil
	}
	return s.write(s.inState(formatName), []byte(formatPrefix+strconv.Itoa(Version)+"\n"))
}

// Clean removes what a crash left, if nothing is pending: temporary files, the
// mark, generations that were prepared, and those that an outcome has taken the
// place of. Prepare and Finish do so, too. What cannot be removed does no harm, and
// is logged; the error is of reading only.
func (s *Store) Clean() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	err := s.nothingPending()
	if _, pending := errors.AsType[*PendingError](err); pending {
		return nil
	}
	if err != nil {
		return err
	}
	s.sweep()
	return nil
}

// sweep is Clean when nothing is pending.
func (s *Store) sweep() {
	s.clean(s.markFile())
	s.clean(s.markFile() + temporary)
	for _, dir := range []string{s.stateDir, s.generations()} {
		names, err := s.fs.ReadDir(dir)
		if err != nil {
			if !errors.Is(err, fs.ErrNotExist) {
				s.logger.Warn("the state directory cannot be cleaned", "err", err)
			}
			continue
		}
		for _, name := range names {
			if strings.HasSuffix(name, temporary) {
				s.clean(filepath.Join(dir, name))
			}
		}
	}
	slots, err := s.slots()
	if err != nil {
		return
	}
	for _, slot := range slots {
		s.cleanSlot(slot)
	}
}

// cleanSlot removes those files of a generation that another one outdates.
func (s *Store) cleanSlot(slot slot) {
	keep, failed := slot.failed()
	if !failed {
		keep = committedPart
	}
	for _, part := range slot.parts {
		if part != keep {
			s.clean(s.file(slot.number, part))
		}
	}
}

// clean removes a file that does no harm if it stays.
func (s *Store) clean(path string) {
	if err := s.remove(path); err != nil {
		s.logger.Warn("a file that is of no use any more cannot be removed", "file", path, "err", err)
	}
}
