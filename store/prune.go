package store

import (
	"errors"
	"slices"
	"time"
)

// Prune removes old history: what lies beyond the newest keep generations, and
// beyond the newest keep tries that were not committed, and what is older than
// age; 0 sets no such limit. It never removes the newest generation that can be
// read, or one after it; the one that a pending transaction is about, or would
// go back to; and history's last, from which the numbers go on. A damaged file
// counts like any other, and has no age; one of a newer format never goes. While
// there is nothing beyond the numbers, and no limit of age, nothing is read.
func (s *Store) Prune(keep int, age time.Duration) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	slots, err := s.slots()
	if err != nil || len(slots) == 0 {
		return err
	}
	p := pruning{store: s, keep: keep}
	if age > 0 {
		p.before = time.Now().Add(-age)
	}
	if !p.needed(slots) {
		return nil
	}
	if err := p.protect(slots); err != nil {
		return err
	}
	removed, err := p.run(slots)
	if removed {
		err = errors.Join(err, s.fs.SyncDir(s.generations()))
	}
	return err
}

// A pruning is one run of Prune.
type pruning struct {
	store *Store
	keep  int
	// before is the time before which everything is too old; zero for none.
	before time.Time
	// newest is the lowest number of those that stay because they, or the next
	// lower one that can be read, are in force.
	newest int
	// pending is the pending transaction's number, and base what was in force
	// when it began; 0 if there is none.
	pending, base int
}

// needed tells whether anything might go.
func (p *pruning) needed(slots []slot) bool {
	if !p.before.IsZero() {
		return true
	}
	committed := 0
	for _, slot := range slots {
		if slot.committed() {
			committed++
		}
	}
	return p.keep > 0 && max(committed, len(slots)-committed) > p.keep
}

// protect finds what must stay.
func (p *pruning) protect(slots []slot) error {
	j, err := p.store.Pending()
	if err != nil {
		return err
	}
	if j != nil {
		p.pending = j.Number
	}
	for _, slot := range slices.Backward(slots) {
		if !slot.committed() {
			continue
		}
		_, err := p.store.readOutcome(slot.number, committedPart)
		if err != nil && !isDamage(err) {
			return err
		}
		if p.newest == 0 && err == nil {
			p.newest = slot.number
		}
		if slot.number < p.pending && err == nil {
			p.base = slot.number
		}
		if p.newest != 0 && (p.base != 0 || p.pending == 0) {
			break
		}
	}
	return nil
}

// run removes what may go, from the newest to the oldest.
func (p *pruning) run(slots []slot) (removed bool, err error) {
	slots = slices.DeleteFunc(slots, slot.pending)
	committed, tries := 0, 0
	for i, slot := range slices.Backward(slots) {
		count := &tries
		if slot.committed() {
			count = &committed
		}
		*count++
		last := i == len(slots)-1
		if last || p.protected(slot) || !p.goes(slot, *count) {
			continue
		}
		for _, part := range slot.parts {
			if failed := p.store.remove(p.store.file(slot.number, part)); failed != nil {
				err = errors.Join(err, failed)
			} else {
				removed = true
			}
		}
	}
	return removed, err
}

func (p *pruning) protected(slot slot) bool {
	switch {
	case slot.number == p.pending, slot.number == p.base:
		return true
	case slot.committed() && slot.number >= p.newest:
		return true
	}
	return false
}

// goes tells whether a slot, the count-th newest of its sort, is too old.
func (p *pruning) goes(slot slot, count int) bool {
	beyond := p.keep > 0 && count > p.keep
	if !beyond && p.before.IsZero() {
		return false
	}
	part, _ := slot.failed()
	file, err := p.store.readOutcome(slot.number, part)
	if err != nil {
		_, newer := errors.AsType[*VersionError](err)
		return beyond && isDamage(err) && !newer
	}
	return beyond || file.Time.Before(p.before)
}
