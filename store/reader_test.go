package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"holdfast/store"
)

// TestReaders lets many read, through the writer's Store and through others,
// while a writer commits, fails, and prunes on the real file system. Nobody
// sees damage, a generation that is half there, or time going backwards.
func TestReaders(t *testing.T) {
	dir := t.TempDir()
	options := store.Options{StateDir: filepath.Join(dir, "state"), RunDir: filepath.Join(dir, "run"), Boot: "boot"}
	writer, err := store.Open(options)
	check(t, err)
	r := &reading{}
	var group sync.WaitGroup
	for i := range 3 {
		s := writer
		if i%2 == 0 {
			s, err = store.Open(options)
			check(t, err)
		}
		group.Go(func() {
			for last := false; !last; runtime.Gosched() {
				last = r.done.Load()
				if err := r.look(s); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 24 {
		if err := r.write(writer, i); err != nil {
			t.Error(err)
			break
		}
	}
	r.done.Store(true)
	group.Wait()
	t.Logf("%d looks", r.looks.Load())
}

// reading is what readers are held against.
type reading struct {
	// committed is the newest number whose commit was acknowledged.
	committed atomic.Int64
	done      atomic.Bool
	looks     atomic.Int64
}

// look reads everything once.
func (r *reading) look(s *store.Store) error {
	least := r.committed.Load()
	if err := lookAtNewest(s, least); err != nil {
		return err
	}
	if _, err := s.Pending(); err != nil {
		return fmt.Errorf("pending: %w", err)
	}
	entries, damages, err := s.History()
	if err != nil || len(damages) > 0 {
		return fmt.Errorf("history: %v, %w", damages, orNothing(err))
	}
	for i := range entries {
		if i > 0 && entries[i].Number <= entries[i-1].Number {
			return fmt.Errorf("history is out of order: %+v", entries)
		}
	}
	if least > 0 {
		if _, err := s.Generation(int(least)); err != nil && !isType[*store.NumberError](err) {
			return fmt.Errorf("generation %d: %w", least, err)
		}
	}
	r.looks.Add(1)
	return nil
}

// lookAtNewest reads what is in force, which is no older than that number.
func lookAtNewest(s *store.Store, least int64) error {
	g, damages, err := s.Newest()
	switch {
	case err != nil || len(damages) > 0:
		return fmt.Errorf("newest: %v, %w", damages, orNothing(err))
	case g == nil && least > 0, g != nil && int64(g.Number) < least:
		return fmt.Errorf("the newest is %+v after %d was committed", g, least)
	case g != nil && nameOf(g) != g.Transaction:
		return fmt.Errorf("generation %d of %s holds %s", g.Number, g.Transaction, nameOf(g))
	}
	return nil
}

// write carries one transaction out; every third fails.
func (r *reading) write(s *store.Store, i int) error {
	name := fmt.Sprintf("change-%d", i)
	j := &store.Journal{Meta: store.Meta{Transaction: name}}
	g := &store.Generation{Running: named(name), Persistent: named(name)}
	err := errors.Join(s.Prepare(j, g), s.Begin(), s.Mark(store.Waiting, 1, 0))
	if err != nil {
		return err
	}
	if i%3 == 2 {
		err = s.Fail(store.RolledBack, errors.New("no"), 0)
	} else if err = s.Commit(); err == nil {
		r.committed.Store(int64(j.Number))
	}
	return errors.Join(err, s.Finish(), s.Prune(5, 0))
}
