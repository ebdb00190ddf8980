package store

import (
	"errors"
	"io/fs"
	"slices"
)

// errVanished tells that a file went away between being listed and being read:
// somebody committed or pruned meanwhile.
var errVanished = errors.New("a file of the state directory went away while it was read")

// patience is how often a listing is made anew when files vanish.
const patience = 100

// steady runs look on a listing, and anew when a file of it vanished.
func (s *Store) steady(look func([]slot) error) error {
	err := errVanished
	for range patience {
		slots, listed := s.slots()
		if listed != nil {
			return listed
		}
		if err = look(slots); !errors.Is(err, errVanished) {
			return err
		}
	}
	return err
}

// Newest gives the generation in force, nil if there was none yet. Damaged
// generations are skipped and listed. One of a newer format is an error: what
// came before it is not what was in force.
func (s *Store) Newest() (*Generation, []Damage, error) {
	var newest *Generation
	var damages []Damage
	err := s.steady(func(slots []slot) error {
		newest, damages = nil, nil
		m := s.readMark()
		for _, slot := range slices.Backward(slots) {
			if !slot.committed() || m.takenBack(slot.number) {
				continue
			}
			g, damage, err := s.readGeneration(slot.number)
			if err != nil {
				return err
			}
			if damage == nil {
				newest = g
				return nil
			}
			if _, newer := errors.AsType[*VersionError](damage.Err); newer {
				return *damage
			}
			damages = append(damages, *damage)
		}
		return nil
	})
	return newest, damages, err
}

// Generation gives one that was committed. A *NumberError tells that there is
// none of that number, or that it was never in force; a Damage that it cannot
// be read.
func (s *Store) Generation(number int) (*Generation, error) {
	var g *Generation
	err := s.steady(func(slots []slot) error {
		slot := find(slots, number)
		if part, failed := slot.failed(); failed {
			return s.notCommitted(number, part)
		}
		if !slot.committed() || s.readMark().takenBack(number) {
			return &NumberError{Number: number}
		}
		var damage *Damage
		var err error
		if g, damage, err = s.readGeneration(number); damage != nil {
			err = *damage
		}
		return err
	})
	return g, err
}

// notCommitted tells what became of a number.
func (s *Store) notCommitted(number int, part string) error {
	file, err := s.readOutcome(number, part)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errVanished
	case err != nil:
		return err
	}
	return &NumberError{Number: number, Outcome: file.Outcome}
}

// readGeneration reads one; damage, if any, is told apart from not being able
// to read at all.
func (s *Store) readGeneration(number int) (*Generation, *Damage, error) {
	path := s.file(number, committedPart)
	data, err := s.fs.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, errVanished
	case isDamage(err):
		return nil, &Damage{Path: path, Err: err}, nil
	case err != nil:
		return nil, nil, err
	}
	g, err := decodeGeneration(path, data)
	if err == nil && g.Number != number {
		err = errNumber
	}
	if err != nil {
		return nil, &Damage{Path: path, Err: err}, nil
	}
	return g, nil, nil
}

// History lists what was committed and what was tried, the oldest first, and
// the files of it that cannot be read. The pending transaction is not in it
// before it is committed or its outcome recorded.
func (s *Store) History() ([]Entry, []Damage, error) { return s.Since(0) }

// Since is History of the numbers above one. It reads the files of those only.
func (s *Store) Since(number int) ([]Entry, []Damage, error) {
	var entries []Entry
	var damages []Damage
	err := s.steady(func(slots []slot) error {
		entries, damages = nil, nil
		m := s.readMark()
		for _, slot := range slots {
			part, failed := slot.failed()
			if slot.number <= number || !failed && (!slot.committed() || m.takenBack(slot.number)) {
				continue
			}
			file, err := s.readOutcome(slot.number, part)
			damage, damaged := errors.AsType[Damage](err)
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return errVanished
			case damaged:
				damages = append(damages, damage)
			case isDamage(err):
				damages = append(damages, Damage{Path: s.file(slot.number, part), Err: err})
			case err != nil:
				return err
			default:
				entries = append(entries, file.entry())
			}
		}
		return nil
	})
	return entries, damages, err
}
