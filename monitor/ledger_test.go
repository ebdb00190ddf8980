package monitor

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/state"
	"holdfast/store"
)

// TestLedger takes transactions through a real store and looks from another
// one, as another process does. Each step says what is told after it.
func TestLedger(t *testing.T) {
	options := store.Options{StateDir: t.TempDir(), RunDir: t.TempDir(), Boot: "boot"}
	writer, reader := openStore(t, options), openStore(t, options)
	l := &ledger{store: reader}
	if err := l.begin(); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("bond0: no such device")
	prepare := func(id string) func() error {
		return func() error {
			g := &store.Generation{Running: &state.State{}, Persistent: &state.State{}}
			return writer.Prepare(&store.Journal{Meta: store.Meta{Transaction: id}}, g)
		}
	}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"nothing", func() error { return nil }, ""},
		{"prepare a", prepare("a"), "a prepared 1;"},
		{"again", func() error { return nil }, ""},
		{"begin a", writer.Begin, "a applying 1;"},
		{"commit a", writer.Commit, ";a applied 1"},
		{"finish a", writer.Finish, ""},
		{"prepare b", prepare("b"), "b prepared 2;"},
		{"begin b", writer.Begin, "b applying 2;"},
		{"b waits", func() error { return writer.Mark(store.Waiting, 7, 0) }, "b waiting 2;"},
		{"b goes back", func() error { return writer.Mark(store.RollingBack, 0, 1) }, "b rolling-back 2;"},
		{"b fails", func() error { return writer.Fail(store.RollbackFailed, cause, time.Second) }, ";b rollback-failed 2: bond0: no such device"},
		{"b goes back again", func() error { return writer.Mark(store.RollingBack, 0, 2) }, ""},
		{"b is back", func() error { return writer.Fail(store.RolledBack, cause, time.Second) }, ";b rolled-back 2: bond0: no such device"},
		{"finish b", writer.Finish, ""},
		{"prepare c", prepare("c"), "c prepared 3;"},
		{"drop c", writer.Drop, ""},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := ""
		n, err := l.look()
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		for _, e := range n.phases {
			got += text(e) + ";"
		}
		for _, e := range n.outcomes {
			got += ";" + text(e)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	if l.generation() != 1 || l.changing() || len(l.told) != 0 {
		t.Errorf("generation %d, changing %v, told %v", l.generation(), l.changing(), l.told)
	}
}

// TestLedgerAtOnce looks only when several transactions are over: no outcome is
// missed.
func TestLedgerAtOnce(t *testing.T) {
	options := store.Options{StateDir: t.TempDir(), RunDir: t.TempDir(), Boot: "boot"}
	writer := openStore(t, options)
	l := &ledger{store: openStore(t, options)}
	run := func(id string) {
		t.Helper()
		g := &store.Generation{Running: &state.State{}, Persistent: &state.State{}}
		err := writer.Prepare(&store.Journal{Meta: store.Meta{Transaction: id}}, g)
		for _, do := range []func() error{writer.Begin, writer.Commit, writer.Finish} {
			if err == nil {
				err = do()
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run("before")
	if err := l.begin(); err != nil {
		t.Fatal(err)
	}
	run("a")
	run("b")
	n, err := l.look()
	if err != nil || len(n.phases) != 0 || len(n.outcomes) != 2 || text(n.outcomes[0]) != "a applied 2" || text(n.outcomes[1]) != "b applied 3" {
		t.Errorf("got %v, error %v", n, err)
	}
	if l.generation() != 3 {
		t.Errorf("generation %d", l.generation())
	}
}

func openStore(t *testing.T, options store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
