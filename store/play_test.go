package store_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast/state"
	"holdfast/store"
	"holdfast/store/storetest"
)

const (
	stateDir = "/var/lib/holdfast"
	runDir   = "/run/holdfast"
	halfWay  = "half-way" // what the host is while it is being changed
)

// newDisk is a disk as a host has it before anything was stored.
func newDisk() *storetest.Disk { return storetest.NewDisk("/var/lib") }

func openStore(t testing.TB, disk store.FS, boot string) *store.Store {
	t.Helper()
	s, err := store.Open(store.Options{StateDir: stateDir, RunDir: runDir, FS: disk, Boot: boot})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// named is a configuration that can be told from others by its host name.
func named(name string) *state.State {
	return &state.State{Hostname: &state.Hostname{Config: &name}}
}

func nameOf(g *store.Generation) string {
	if g == nil {
		return ""
	}
	return *g.Running.Hostname.Config
}

// belief is whether a change may have begun.
type belief string

const (
	no    belief = "no"
	maybe belief = "maybe"
	yes   belief = "yes"
)

// A moment is what has been promised, and what the host is, after a number of
// the disk's operations.
type moment struct {
	ops int
	// host is the name of the configuration that the kernel has.
	host string
	// began is whether a change may have begun, after a crash of the process
	// and after a power cut.
	began, beganCut belief
	// committed is the configuration that is in force, and trying the one that may
	// be by now, after a crash of the process and after a power cut.
	committed, trying, tryingCut string
	// history is what must be in history: outcomes by the transaction's name.
	history map[string]store.Outcome
	// lost is set when the host was given up: it may be anything.
	lost bool
}

// A play is a host with a store that transactions are carried out on, as the
// transaction package does. It notes a moment whenever a promise or the host
// changes.
type play struct {
	t     testing.TB
	disk  *storetest.Disk
	store *store.Store
	boot  string
	moment
	moments []moment
}

func newPlay(t testing.TB, disk *storetest.Disk, boot string) *play {
	p := &play{t: t, disk: disk, store: openStore(t, disk, boot), boot: boot}
	p.began, p.beganCut = no, no
	p.history = map[string]store.Outcome{}
	p.note()
	return p
}

// note keeps the moment; how changes it before.
func (p *play) note(how ...func()) {
	for _, f := range how {
		f()
	}
	p.ops = len(p.disk.Ops())
	m := p.moment
	m.history = maps.Clone(p.history)
	p.moments = append(p.moments, m)
}

func (p *play) setBegan(b belief) { p.began, p.beganCut = b, b }

// at gives what may be the case when the crash is after that many operations.
func (p *play) at(ops int) []moment {
	var list []moment
	var before moment
	for _, m := range p.moments {
		switch {
		case m.ops < ops:
			before = m
		case m.ops == ops:
			list = append(list, m)
		}
	}
	if len(p.moments) > 0 && p.moments[0].ops < ops {
		list = append(list, before)
	}
	return list
}

// journal is a transaction whose checkpoint is the host as it is.
func (p *play) journal(name string) *store.Journal {
	checkpoint, err := json.Marshal(p.host)
	if err != nil {
		p.t.Fatal(err)
	}
	return &store.Journal{
		Meta:       store.Meta{Transaction: name, Summary: []string{"hostname " + p.host + " → " + name}},
		Boot:       p.boot,
		Checkpoint: checkpoint,
	}
}

// The courses that a transaction can take.
type course struct {
	// drop gives up before the first change, unchanged after none was made.
	drop, unchanged bool
	// wait marks the change as waiting to be confirmed.
	wait bool
	// fails makes the change fail half-way, and stuck the rollback, too.
	fails, stuck bool
}

// change carries a transaction out and tells its outcome.
func (p *play) change(name string, c course) store.Outcome {
	old := p.host
	err := p.store.Prepare(p.journal(name), &store.Generation{Running: named(name), Persistent: named(name)})
	if err != nil {
		_ = p.store.Drop()
		return store.Unchanged
	}
	if c.drop {
		p.check(p.store.Drop())
		return store.Unchanged
	}
	p.note(func() { p.setBegan(maybe) })
	if err := p.store.Begin(); err != nil {
		p.note(func() { p.began = no })
		if p.store.Drop() == nil {
			p.note(func() { p.setBegan(no) })
		}
		return store.Unchanged
	}
	p.note(func() { p.setBegan(yes) })
	if c.unchanged {
		return p.fail(name, store.Unchanged)
	}
	p.note(func() { p.host = halfWay })
	if c.fails || c.stuck {
		return p.rollBack(name, old, c.stuck)
	}
	p.note(func() { p.host = name })
	if c.wait {
		_ = p.store.Mark(store.Waiting, 1, 0)
	}
	p.note(func() { p.trying, p.tryingCut = name, name })
	if err := p.store.Commit(); err != nil {
		p.note(func() { p.trying = "" })
		return p.rollBack(name, old, false)
	}
	p.note(func() {
		p.committed, p.trying, p.tryingCut = name, "", ""
		p.history[name] = store.Applied
	})
	p.finish()
	return store.Applied
}

// rollBack takes the host back, or does not manage to.
func (p *play) rollBack(name, old string, stuck bool) store.Outcome {
	_ = p.store.Mark(store.RollingBack, 0, 1)
	p.note(func() { p.host = halfWay })
	if stuck {
		return p.fail(name, store.RollbackFailed)
	}
	p.note(func() { p.host = old })
	return p.fail(name, store.RolledBack)
}

// fail records an outcome and closes the journal if it is to be closed.
func (p *play) fail(name string, outcome store.Outcome) store.Outcome {
	p.note(func() { delete(p.history, name) })
	if err := p.store.Fail(outcome, errors.New("it did not work"), time.Second); err != nil {
		return outcome
	}
	p.note(func() { p.history[name], p.trying, p.tryingCut = outcome, "", "" })
	if outcome != store.RollbackFailed {
		p.finish()
	}
	return outcome
}

func (p *play) finish() {
	p.note(func() { p.setBegan(maybe) })
	if p.store.Finish() == nil {
		p.note(func() { p.setBegan(no) })
	}
}

func (p *play) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// recover ends what is pending, as the next start does.
func (p *play) recover() error {
	for range 5 {
		j, err := p.store.Pending()
		if err != nil {
			return err
		}
		if j == nil {
			return p.store.Clean()
		}
		switch j.Phase {
		case store.Prepared:
			err = p.store.Drop()
		case store.Applying, store.Waiting, store.RollingBack:
			var old string
			if err := json.Unmarshal(j.Checkpoint, &old); err != nil {
				return err
			}
			if err := p.store.Mark(store.RollingBack, 0, j.Attempts+1); err != nil {
				return err
			}
			p.note(func() { p.host = halfWay })
			p.note(func() { p.host = old })
			p.fail(j.Transaction, store.RolledBack)
		case store.Committed:
			if p.host != j.Transaction && !p.lost {
				return fmt.Errorf("the host is %q and %q counts as committed", p.host, j.Transaction)
			}
			p.finish()
		case store.Ended:
			p.finish()
		}
		if err != nil {
			return err
		}
	}
	return errors.New("something is pending still")
}

// verify tells what is wrong with what a crash left.
func (p *play) verify(c storetest.Crash, m moment) error {
	s := openStore(p.t, c.Disk, bootAfter(p.boot, c))
	newest, damages, err := s.Newest()
	if err != nil || len(damages) > 0 {
		return fmt.Errorf("newest: %v, %w", damages, orNothing(err))
	}
	began, trying := m.began, m.trying
	if c.Power {
		began, trying = m.beganCut, m.tryingCut
	}
	if name := nameOf(newest); name != m.committed && (trying == "" || name != trying) {
		return fmt.Errorf("%q is in force, not %q", name, m.committed)
	}
	j, err := s.Pending()
	if err != nil {
		return fmt.Errorf("pending: %w", err)
	}
	pending := j != nil && j.Phase != store.Prepared
	if pending && began == no || !pending && began == yes {
		return fmt.Errorf("pending is %+v, a change may have begun: %s", j, began)
	}
	return checkHistory(s, m)
}

// orNothing is an error to print where there is none.
func orNothing(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

func checkHistory(s *store.Store, m moment) error {
	entries, damages, err := s.History()
	if err != nil || len(damages) > 0 {
		return fmt.Errorf("history: %v, %w", damages, orNothing(err))
	}
	for name, outcome := range m.history {
		if !slices.ContainsFunc(entries, func(e store.Entry) bool { return e.Transaction == name && e.Outcome == outcome }) {
			return fmt.Errorf("history does not tell that %s was %s: %+v", name, outcome, entries)
		}
	}
	return nil
}

func bootAfter(boot string, c storetest.Crash) string {
	if c.Power {
		return boot + "+"
	}
	return boot
}

// restart is the play that goes on after a crash, recovered.
func (p *play) restart(c storetest.Crash, m moment) (*play, error) {
	next := newPlay(p.t, c.Disk, bootAfter(p.boot, c))
	next.moment = m
	next.history = maps.Clone(m.history)
	next.ops = 0
	// What the interrupted one may have done by itself is not known.
	if next.began, next.beganCut = maybe, maybe; m.trying == "" && m.tryingCut != "" && c.Power {
		next.trying = m.tryingCut
	}
	if c.Power {
		// Another boot: the host gets what is in force.
		g, _, err := next.store.Newest()
		if err != nil {
			return nil, err
		}
		next.host = nameOf(g)
	}
	next.moments = nil
	next.note()
	if err := next.recover(); err != nil {
		return next, fmt.Errorf("recovery: %w", err)
	}
	return next, next.settled()
}

// settled tells what is wrong when nothing is pending any more: the host must
// be what is in force, and nothing may be left behind.
func (p *play) settled() error {
	g, _, err := p.store.Newest()
	if err != nil {
		return err
	}
	if p.host != nameOf(g) && !p.lost {
		return fmt.Errorf("the host is %q, in force is %q", p.host, nameOf(g))
	}
	for _, path := range p.disk.Names("/") {
		if strings.HasSuffix(path, ".tmp") || strings.Contains(path, "prepared") || strings.HasSuffix(path, "journal.json") || strings.HasSuffix(path, "phase.json") {
			return fmt.Errorf("%s is left behind", path)
		}
	}
	return nil
}
