package store

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// record puts on disk how a try ended.
func (s *Store) record(j *Journal, outcome Outcome, cause error, took time.Duration) error {
	if !slices.Contains(failures, outcome) {
		return fmt.Errorf("%q is no outcome of what was not committed", outcome)
	}
	file := outcomeFile{
		head: head{kindOutcome, Version}, Meta: j.Meta,
		Outcome: outcome, Took: span(took), Attempts: j.Attempts,
	}
	if cause != nil {
		file.Error = cut(cause.Error())
	}
	data, err := seal(file, wideDepth)
	if err != nil {
		return err
	}
	err = s.write(s.file(j.Number, outcomePart), data)
	if err == nil {
		s.outdate(j.Number, outcomePart)
		return nil
	}
	renamed := s.recordByName(j.Number, outcome)
	if renamed == nil {
		s.logger.Warn("the outcome is recorded without its cause", "transaction", j.Transaction, "outcome", outcome, "err", err)
		return nil
	}
	return errors.Join(err, renamed)
}

// cut shortens a text that is longer than history keeps.
func cut(text string) string {
	if len(text) <= maxError {
		return text
	}
	return strings.ToValidUTF8(text[:maxError], "") + " …"
}

// recordByName puts the outcome into the name of a file that is there already,
// for a disk that has no room for another.
func (s *Store) recordByName(number int, outcome Outcome) error {
	slots, err := s.slots()
	if err != nil {
		return err
	}
	slot := find(slots, number)
	part, failed := slot.failed()
	switch {
	case failed:
	case slot.has(committedPart):
		part = committedPart
	case slot.has(preparedPart):
		part = preparedPart
	default:
		return errors.New("there is no file to rename either")
	}
	if err := s.fs.Rename(s.file(number, part), s.file(number, string(outcome))); err != nil {
		return err
	}
	if err := s.fs.SyncDir(s.generations()); err != nil {
		return err
	}
	s.outdate(number, string(outcome))
	return nil
}

// outdate removes the other files of a number. Should one stay, the outcome
// counts all the same.
func (s *Store) outdate(number int, keep string) {
	slots, err := s.slots()
	if err != nil {
		return
	}
	for _, part := range find(slots, number).parts {
		if part != keep {
			s.clean(s.file(number, part))
		}
	}
}
