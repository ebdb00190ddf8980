package store_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/state"
	"holdfast/store"
	"holdfast/store/storetest"
)

// TestTransaction follows one from beginning to end on the real file system.
func TestTransaction(t *testing.T) {
	dir := t.TempDir()
	options := store.Options{StateDir: filepath.Join(dir, "a", "state"), RunDir: filepath.Join(dir, "b", "run"), Boot: "boot"}
	s, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if g, damages, err := s.Newest(); g != nil || damages != nil || err != nil {
		t.Errorf("of nothing the newest is %v, %v, %v", g, damages, err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading made something: %v", err)
	}
	j := wholeJournal()
	g := &store.Generation{Running: named("one"), Persistent: named("other")}
	check(t, s.Prepare(j, g))
	wantPhase(t, options, store.Prepared)
	if err := s.Prepare(wholeJournal(), g); !isType[*store.PendingError](err) {
		t.Errorf("a second one is prepared: %v", err)
	}
	if err := s.Commit(); !isType[*store.PhaseError](err) {
		t.Errorf("committed before it began: %v", err)
	}
	check(t, s.Begin())
	wantPhase(t, options, store.Applying)
	check(t, s.Mark(store.Waiting, 77, 0))
	got := wantPhase(t, options, store.Waiting)
	want := *j
	want.Phase, want.Deadline = store.Waiting, 77
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("pending (-want +got)\n%s", diff)
	}
	check(t, s.Commit())
	wantPhase(t, options, store.Committed)
	check(t, s.Finish())
	wantPhase(t, options, "")
	if err := s.Finish(); !errors.Is(err, store.ErrNothing) {
		t.Errorf("finished twice: %v", err)
	}
	wantGeneration(t, options, j.Meta)
}

func wantGeneration(t *testing.T, options store.Options, meta store.Meta) {
	t.Helper()
	s, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	newest, _, err := s.Newest()
	if err != nil {
		t.Fatal(err)
	}
	one, err := s.Generation(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []*store.Generation{newest, one} {
		if diff := cmp.Diff(meta, g.Meta); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if !same(g.Running, named("one")) || !same(g.Persistent, named("other")) {
			t.Errorf("running %s, persistent %s", state.EncodeJSON(g.Running), state.EncodeJSON(g.Persistent))
		}
	}
	if _, err := s.Generation(2); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("generation 2: %v", err)
	}
	entries, _, err := s.History()
	if diff := cmp.Diff([]store.Entry{{Meta: meta, Outcome: store.Applied}}, entries); diff != "" || err != nil {
		t.Errorf("history: %v (-want +got)\n%s", err, diff)
	}
}

// same compares as the schema prints: no list of interfaces is an empty one.
func same(a, b *state.State) bool { return bytes.Equal(state.EncodeJSON(a), state.EncodeJSON(b)) }

func wholeJournal() *store.Journal {
	return &store.Journal{
		Meta: store.Meta{
			Transaction: "tx-1", Time: time.Date(2026, 3, 14, 10, 15, 2, 5, time.FixedZone("CET", 3600)),
			Who: store.Who{UID: 7, User: "anna", Command: "holdfast apply <a&b>", Via: "cli"}, Purpose: "why not",
			Summary: []string{"br0: created"}, Engine: "kernel", Temporary: true,
		},
		Boot: "boot", Namespace: "net:[1]", Owner: 4711,
		Request: []byte(`{"desired":1}`), Plan: []byte(`{"steps":[]}`), Checkpoint: []byte("\x00 any bytes"),
		ConfirmWithin: time.Minute, Deadline: 55,
	}
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantPhase asks another process, as it were, for what is pending.
func wantPhase(t *testing.T, options store.Options, phase store.Phase) *store.Journal {
	t.Helper()
	s, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	j, err := s.Pending()
	if err != nil {
		t.Fatal(err)
	}
	var got store.Phase
	if j != nil {
		got = j.Phase
	}
	if got != phase {
		t.Errorf("pending is in phase %q, want %q", got, phase)
	}
	return j
}

// TestOutcomes records every way in which a try can end.
func TestOutcomes(t *testing.T) {
	disk := newDisk()
	p := newPlay(t, disk, "boot")
	p.change("one", course{})
	p.change("two", course{fails: true})
	p.change("three", course{unchanged: true})
	p.change("four", course{stuck: true})
	j, err := p.store.Pending()
	if err != nil || j == nil || j.Phase != store.RollingBack || j.Outcome != store.RollbackFailed || j.Attempts != 1 {
		t.Fatalf("after a rollback that failed pending is %+v, %v", j, err)
	}
	if err := p.store.Finish(); !isType[*store.PhaseError](err) {
		t.Errorf("a rollback that failed is finished: %v", err)
	}
	path, err := p.store.Abandon()
	if err != nil || path != stateDir+"/set-aside/journal-four.json" {
		t.Errorf("set aside at %q, %v", path, err)
	}
	if _, err := p.store.Abandon(); !errors.Is(err, store.ErrNothing) {
		t.Errorf("set aside twice: %v", err)
	}
	_, err = p.store.Generation(2)
	if number, ok := errors.AsType[*store.NumberError](err); !ok || number.Outcome != store.RolledBack {
		t.Errorf("generation 2: %v", err)
	}
	wantHistory(t, p.store, "one applied  0s", "two rolled-back it did not work 1s",
		"three unchanged it did not work 1s", "four rollback-failed it did not work 1s")
}

// wantHistory compares history, one line for each.
func wantHistory(t *testing.T, s *store.Store, want ...string) {
	t.Helper()
	entries, damages, err := s.History()
	if err != nil || damages != nil {
		t.Fatal(damages, err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, strings.Join([]string{e.Transaction, string(e.Outcome), e.Error, e.Took.String()}, " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got)\n%s", diff)
	}
}

// TestAbandonWhileApplying leaves an outcome that says so, and a journal that
// can be looked at; a second one gets another name.
func TestAbandonWhileApplying(t *testing.T) {
	disk := newDisk()
	s := openStore(t, disk, "boot")
	for _, want := range []string{"journal-tx_1__.json", "journal-tx_1__-2.json"} {
		j := wholeJournal()
		j.Transaction = "tx/1.." // no way out of the directory
		check(t, s.Prepare(j, &store.Generation{Running: named("a"), Persistent: named("a")}))
		check(t, s.Begin())
		path, err := s.Abandon()
		if err != nil || filepath.Base(path) != want || filepath.Dir(path) != stateDir+"/set-aside" {
			t.Errorf("set aside at %q, %v, want %s", path, err, want)
		}
	}
	entries, _, err := s.History()
	if err != nil || len(entries) != 2 || entries[1].Outcome != store.Unknown || !strings.Contains(entries[1].Error, "set aside") {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestPrepareTakesBack leaves nothing when the disk is full, or fails once in a
// sync.
func TestPrepareTakesBack(t *testing.T) {
	for _, f := range []fault{
		{err: syscall.ENOSPC, kinds: growing},
		{err: syscall.EIO, kinds: syncing, once: true},
	} {
		prepareTakesBack(t, f)
	}
}

func prepareTakesBack(t *testing.T, f fault) {
	t.Helper()
	disk := newDisk()
	p := newPlay(t, disk, "boot")
	p.change("one", course{})
	before := disk.Names("/")
	for at := range 40 {
		disk.Inject(f.from(at))
		err := p.store.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")})
		disk.Inject(nil)
		if err == nil {
			check(t, p.store.Drop())
			continue
		}
		if !errors.Is(err, f.err) {
			t.Errorf("the error is %v", err)
		}
		if diff := cmp.Diff(before, disk.Names("/")); diff != "" {
			t.Errorf("from call %d (-before +after)\n%s", at, diff)
		}
		if j, err := p.store.Pending(); j != nil || err != nil {
			t.Errorf("pending is %v, %v", j, err)
		}
	}
}

// TestFailedRecordIsLetGo leaves a transaction whose outcome the disk refuses to
// whoever comes next, and does not hold on to what it knew.
func TestFailedRecordIsLetGo(t *testing.T) {
	disk := newDisk()
	p := newPlay(t, disk, "boot")
	check(t, p.store.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
	check(t, p.store.Begin())
	disk.Inject(fault{kinds: changing, err: syscall.EROFS}.from(0))
	if err := p.store.Fail(store.RolledBack, nil, 0); !errors.Is(err, syscall.EROFS) {
		t.Errorf("fail: %v", err)
	}
	if err := p.store.Finish(); !isType[*store.PhaseError](err) {
		t.Errorf("finished although nothing is recorded: %v", err)
	}
	disk.Inject(nil)
	next := openStore(t, disk, "boot")
	check(t, next.Fail(store.RolledBack, nil, 0))
	check(t, next.Finish())
	if j, err := p.store.Pending(); j != nil || err != nil {
		t.Errorf("pending is %+v, %v", j, err)
	}
}

// TestAnsweredElsewhere lets another process end a change that waits: who left
// it there takes note, and does not touch what was committed.
func TestAnsweredElsewhere(t *testing.T) {
	for _, asked := range []bool{true, false} {
		disk := newDisk()
		s := openStore(t, disk, "boot")
		check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
		check(t, s.Begin())
		check(t, s.Mark(store.Waiting, 9, 0))
		if j, err := s.Pending(); err != nil || j.Phase != store.Waiting {
			t.Errorf("pending is %+v, %v", j, err)
		}
		other := openStore(t, disk, "boot")
		check(t, other.Commit())
		check(t, other.Finish())
		if asked {
			if j, err := s.Pending(); j != nil || err != nil {
				t.Errorf("pending is %+v, %v", j, err)
			}
		}
		if err := s.Commit(); !errors.Is(err, store.ErrNothing) {
			t.Errorf("committed once more: %v", err)
		}
		if j, err := s.Pending(); j != nil || err != nil {
			t.Errorf("afterwards pending is %+v, %v", j, err)
		}
		if g, _, err := s.Newest(); err != nil || nameOf(g) != "a" {
			t.Errorf("%q, %v", nameOf(g), err)
		}
	}
}

// TestNothingIsWrittenWhileApplying counts what touches the state directory
// between the first change and the end of it.
func TestNothingIsWrittenWhileApplying(t *testing.T) {
	disk := newDisk()
	s := openStore(t, disk, "boot")
	check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
	check(t, s.Begin())
	disk.Inject(func(_ int, op storetest.Op) storetest.Verdict {
		if strings.HasPrefix(op.Path, stateDir) {
			t.Errorf("%s", op)
		}
		return storetest.Verdict{}
	})
	if j, err := s.Pending(); err != nil || j.Phase != store.Applying {
		t.Errorf("pending is %+v, %v", j, err)
	}
	check(t, s.Mark(store.Waiting, 1, 0))
	check(t, s.Mark(store.RollingBack, 0, 1))
	if j, err := s.Pending(); err != nil || j.Phase != store.RollingBack || !bytes.Equal(j.Checkpoint, wholeJournal().Checkpoint) {
		t.Errorf("pending is %+v, %v", j, err)
	}
	if err := s.Mark(store.Waiting, 1, 0); !isType[*store.PhaseError](err) {
		t.Errorf("a rollback is made to wait: %v", err)
	}
}

// TestMarkOfAnotherBoot says nothing, nor does a damaged one.
func TestMarkOfAnotherBoot(t *testing.T) {
	for name, spoil := range map[string]func(disk *storetest.Disk){
		"another boot": func(*storetest.Disk) {},
		"damaged":      func(d *storetest.Disk) { d.Put(runDir+"/phase.json", []byte("{")) },
		"a directory":  func(d *storetest.Disk) { d.Put(runDir+"/phase.json", nil) },
	} {
		disk := newDisk()
		s := openStore(t, disk, "boot")
		check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
		check(t, s.Begin())
		check(t, s.Mark(store.Waiting, 9, 0))
		spoil(disk)
		boot := "boot"
		if name == "another boot" {
			boot = "next"
		}
		j, err := openStore(t, disk, boot).Pending()
		if err != nil || j.Phase != store.Applying || j.Deadline != 55 {
			t.Errorf("%s: %+v, %v", name, j, err)
		}
	}
}

// TestNothingPending refuses what needs a transaction, and transactions that
// lack something.
func TestNothingPending(t *testing.T) {
	s := openStore(t, newDisk(), "boot")
	for name, do := range map[string]func() error{
		"begin": s.Begin, "commit": s.Commit, "finish": s.Finish, "drop": s.Drop,
		"mark": func() error { return s.Mark(store.Waiting, 0, 0) },
		"fail": func() error { return s.Fail(store.RolledBack, nil, 0) },
	} {
		if err := do(); !errors.Is(err, store.ErrNothing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, j := range map[string]*store.Journal{"no name": {}, "no JSON": {Meta: store.Meta{Transaction: "a"}, Plan: []byte("{")}} {
		if err := s.Prepare(j, &store.Generation{Running: named("a"), Persistent: named("a")}); err == nil {
			t.Errorf("%s: prepared", name)
		}
	}
	if _, err := store.Open(store.Options{RunDir: runDir}); err == nil {
		t.Error("a store without a state directory is opened")
	}
	if err := s.Prepare(wholeJournal(), &store.Generation{Running: named("a")}); err == nil {
		t.Error("a generation without a persistent state is prepared")
	}
}
