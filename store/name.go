package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// The names in the state directory.
const (
	formatName      = "format"
	generationsName = "generations"
	setAsideName    = "set-aside"
	journalName     = "journal.json"
	// preparedName is the journal before the first change: its name tells the
	// phase, so that beginning is one rename and needs no room on the disk.
	preparedName = "journal.prepared.json"
	// markName is in the run directory.
	markName = "phase.json"
	// temporary ends the names of files that are being written.
	temporary = ".tmp"
)

// The parts that a generation's files have in their names, besides the words of
// failures.
const (
	committedPart = ""
	preparedPart  = "prepared"
	outcomePart   = "outcome"
)

// maxNumber bounds the numbers of generations, so that there is always a next.
const maxNumber = 1_000_000_000_000

// fileName is a file of a generation: "00000012.json" or "00000012.PART.json".
func fileName(number int, part string) string {
	if part != "" {
		part = "." + part
	}
	return fmt.Sprintf("%08d%s.json", number, part)
}

// parseName is fileName's way back; ok is false for a name that fileName does
// not give.
func parseName(name string) (number int, part string, ok bool) {
	digits, rest, _ := strings.Cut(name, ".")
	number, err := strconv.Atoi(digits)
	if err != nil || number < 1 || number > maxNumber {
		return 0, "", false
	}
	part = strings.TrimSuffix(strings.TrimSuffix(rest, "json"), ".")
	switch {
	case fileName(number, part) != name:
		return 0, "", false
	case part == committedPart, part == preparedPart, part == outcomePart:
		return number, part, true
	}
	return number, part, slices.Contains(failures, Outcome(part))
}

// A slot is what lies in the directory of generations under one number.
type slot struct {
	number int
	// parts are the parts of the names that are there.
	parts []string
}

func (s slot) has(part string) bool { return slices.Contains(s.parts, part) }

// failed tells whether an outcome is on record, and the part of the name of
// the file that holds it. Being on record wins over having been committed: a
// commit whose end the disk did not acknowledge was taken back.
func (s slot) failed() (part string, ok bool) {
	if s.has(outcomePart) {
		return outcomePart, true
	}
	for _, word := range failures {
		if s.has(string(word)) {
			return string(word), true
		}
	}
	return "", false
}

// committed tells whether this is a generation that was in force.
func (s slot) committed() bool {
	_, failed := s.failed()
	return s.has(committedPart) && !failed
}

// pending tells whether nothing but a prepared file is there: a try under way,
// or the remains of one that never began.
func (s slot) pending() bool { return len(s.parts) == 1 && s.has(preparedPart) }

// slots lists what lies in the directory of generations, by number.
func (s *Store) slots() ([]slot, error) {
	names, err := s.fs.ReadDir(s.generations())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []slot
	for _, name := range names {
		number, part, ok := parseName(name)
		if !ok {
			continue
		}
		i, found := slices.BinarySearchFunc(list, number, func(s slot, n int) int { return s.number - n })
		if !found {
			list = slices.Insert(list, i, slot{number: number})
		}
		list[i].parts = append(list[i].parts, part)
	}
	return list, nil
}

// find is the slot of a number, an empty one if there is none.
func find(slots []slot, number int) slot {
	for _, s := range slots {
		if s.number == number {
			return s
		}
	}
	return slot{number: number}
}

// The places of the store's files.
func (s *Store) generations() string        { return filepath.Join(s.stateDir, generationsName) }
func (s *Store) inState(name string) string { return filepath.Join(s.stateDir, name) }
func (s *Store) file(number int, part string) string {
	return filepath.Join(s.stateDir, generationsName, fileName(number, part))
}
func (s *Store) markFile() string { return filepath.Join(s.runDir, markName) }
