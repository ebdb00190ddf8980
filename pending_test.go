package holdfast_test

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/transaction"
)

// kept is a host in memory whose directories the test knows.
type kept struct {
	*bench
	state, run string
}

func keep(t *testing.T) *kept {
	t.Helper()
	return again(t, enginetest.NewMemory(parse(t, before)), t.TempDir(), t.TempDir())
}

// again opens the same host another time, as the next process would.
func again(t *testing.T, memory *enginetest.Memory, stateDir, runDir string) *kept {
	t.Helper()
	host, err := holdfast.Open(holdfast.Options{Carrier: memory, StateDir: stateDir, RunDir: runDir})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Host: host, memory: memory}
	b.was = b.text(t)
	return &kept{bench: b, state: stateDir, run: runDir}
}

// photograph copies the directories as they are now: what a process that is
// killed at this moment leaves behind.
func (k *kept) photograph(t *testing.T) (stateDir, runDir string) {
	t.Helper()
	stateDir, runDir = t.TempDir(), t.TempDir()
	for from, to := range map[string]string{k.state: stateDir, k.run: runDir} {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(stateDir, 0o700); err != nil {
		t.Fatal(err)
	}
	return stateDir, runDir
}

func (k *kept) history(t *testing.T) string {
	t.Helper()
	entries, damages, err := k.History(t.Context())
	if err != nil || len(damages) > 0 {
		t.Fatal(err, damages)
	}
	var words []string
	for _, e := range entries {
		words = append(words, string(e.Outcome))
	}
	return strings.Join(words, " ")
}

func TestGenerations(t *testing.T) {
	k := keep(t)
	result, err := k.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Applied, "")
	if result.Generation != 1 {
		t.Errorf("generation %d", result.Generation)
	}
	result, err = k.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Unchanged, "")
	if k.history(t) != "applied" {
		t.Errorf("applying the same again is in the history: %s", k.history(t))
	}
	if differences, n, err := k.Drift(t.Context()); err != nil || n != 1 || len(differences) > 0 {
		t.Errorf("drift from generation %d: %v %v", n, differences, err)
	}
	if pending, err := k.Pending(t.Context()); pending != nil || err != nil {
		t.Errorf("pending %+v %v", pending, err)
	}
	first := k.text(t)
	result, err = k.Apply(t.Context(), parse(t, "interfaces: [{name: br0, mtu: 1400}, {name: d0, type: dummy}]"), holdfast.ApplyOptions{Temporary: true})
	expect(t, result, err, holdfast.Applied, "")
	if names, err := k.Temporary(t.Context()); err != nil || strings.Join(names, " ") != "d0" {
		t.Errorf("temporary %v %v", names, err)
	}
	result, err = k.ReturnTo(t.Context(), 1, holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Applied, "")
	if now := k.text(t); now != first {
		t.Errorf("generation 1 was\n%s\nis\n%s", first, now)
	}
	if got := k.history(t); got != "applied applied applied" {
		t.Errorf("history %s", got)
	}
	if _, err = k.ReturnTo(t.Context(), 7, holdfast.ApplyOptions{}); holdfast.KindOf(err) != engine.NotFound {
		t.Errorf("an unknown generation: %v", err)
	}
}

func TestPersist(t *testing.T) {
	k := keep(t)
	result, err := k.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{Temporary: true})
	expect(t, result, err, holdfast.Applied, "")
	result, err = k.Persist(t.Context(), []string{"br0"}, holdfast.Who{})
	expect(t, result, err, holdfast.Unchanged, engine.Invalid)
	result, err = k.Persist(t.Context(), []string{"br0", "bond0"}, holdfast.Who{})
	expect(t, result, err, holdfast.Unchanged, "")
	if names, _ := k.Temporary(t.Context()); result.Generation != 2 || strings.Join(names, " ") != "eth0 eth1" {
		t.Errorf("generation %d, temporary %v", result.Generation, names)
	}
	result, err = k.Persist(t.Context(), nil, holdfast.Who{})
	expect(t, result, err, holdfast.Unchanged, "")
	if names, _ := k.Temporary(t.Context()); len(names) > 0 {
		t.Errorf("temporary %v", names)
	}
	result, err = k.Persist(t.Context(), nil, holdfast.Who{})
	if expect(t, result, err, holdfast.Unchanged, ""); result.Generation != 0 {
		t.Errorf("persisting twice made generation %d", result.Generation)
	}
	result, err = k.Unpersist(t.Context(), []string{"bond0"}, holdfast.Who{})
	expect(t, result, err, holdfast.Unchanged, engine.Invalid)
	result, err = k.Apply(t.Context(), parse(t, "interfaces: [{name: v, type: vlan, vlan: {base-iface: d0, id: 5}}, {name: d0, type: dummy}]"), holdfast.ApplyOptions{Temporary: true})
	expect(t, result, err, holdfast.Applied, "")
	result, err = k.Apply(t.Context(), parse(t, "interfaces: [{name: v, mtu: 1400}]"), holdfast.ApplyOptions{})
	if expect(t, result, err, holdfast.Unchanged, engine.Invalid); !strings.Contains(err.Error(), "d0, which it stands on, is temporary") {
		t.Error(err)
	}
}

func TestConfirm(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer func(*kept, string) (*holdfast.Result, error)
		want   holdfast.Outcome
		kind   holdfast.Kind
	}{
		{"kept", func(k *kept, id string) (*holdfast.Result, error) {
			return k.Confirm(t.Context(), id, holdfast.Who{})
		}, holdfast.Applied, ""},
		{"undone", func(k *kept, _ string) (*holdfast.Result, error) {
			return k.Rollback(t.Context(), "", holdfast.Who{})
		}, holdfast.RolledBack, engine.Conflict},
		{"nobody", func(*kept, string) (*holdfast.Result, error) { return nil, nil }, holdfast.RolledBack, engine.Timeout},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := keep(t)
			within := time.Minute
			if test.name == "nobody" {
				within = 300 * time.Millisecond
			}
			answered := make(chan error, 1)
			result, err := k.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{Confirm: within, Pending: func(r *holdfast.Result) {
				if r.Outcome != holdfast.Pending {
					t.Errorf("the outcome is %s while it waits", r.Outcome)
				}
				go func() {
					answer, err := test.answer(k, r.Transaction)
					if answer != nil && answer.Outcome != test.want {
						t.Errorf("the answer is %s", answer.Outcome)
					}
					answered <- err
				}()
			}})
			expect(t, result, err, test.want, test.kind)
			if err := <-answered; err != nil {
				t.Error(err)
			}
			if test.want == holdfast.RolledBack {
				k.unchanged(t)
			}
			if got := k.history(t); got != string(test.want) {
				t.Errorf("history %s", got)
			}
		})
	}
	k := keep(t)
	if _, err := k.Confirm(t.Context(), "", holdfast.Who{}); holdfast.KindOf(err) != engine.NotFound {
		t.Errorf("nothing to confirm: %v", err)
	}
}

// TestRecover takes the directories as a process that is killed in each phase
// leaves them, and lets the next process find them on the host as it is then or
// became since.
func TestRecover(t *testing.T) {
	for _, phase := range []transaction.Phase{transaction.Applying, transaction.Verifying, transaction.Waiting, transaction.Committing} {
		t.Run(string(phase), func(t *testing.T) {
			k := keep(t)
			var stateDir, runDir string
			options := holdfast.ApplyOptions{Progress: func(p holdfast.Progress) {
				if p.Phase == phase && stateDir == "" {
					stateDir, runDir = k.photograph(t)
				}
			}}
			if phase == transaction.Waiting {
				options.Confirm = time.Minute
				options.Pending = func(*holdfast.Result) {
					stateDir, runDir = k.photograph(t)
					go func() { _, _ = k.Confirm(t.Context(), "", holdfast.Who{}) }()
				}
			}
			result, err := k.Apply(t.Context(), parse(t, move), options)
			expect(t, result, err, holdfast.Applied, "")
			next := again(t, k.memory, stateDir, runDir)
			next.was = k.was
			if phase == transaction.Waiting {
				result, err := next.Apply(t.Context(), parse(t, "interfaces: [{name: eth1, mtu: 1400}]"), holdfast.ApplyOptions{})
				expect(t, result, err, holdfast.Unchanged, engine.Busy)
				result, err = next.Confirm(t.Context(), "", holdfast.Who{})
				expect(t, result, err, holdfast.Applied, "")
			} else {
				left, err := next.Recover(t.Context(), true)
				if err != nil || left.Outcome != holdfast.RolledBack {
					t.Fatalf("%+v, %v", left, err)
				}
				next.unchanged(t)
			}
			if pending, err := next.Pending(t.Context()); pending != nil || err != nil {
				t.Errorf("still pending: %+v, %v", pending, err)
			}
			if left, err := next.Recover(t.Context(), true); left != nil || err != nil {
				t.Errorf("a second recovery: %+v, %v", left, err)
			}
		})
	}
}

// TestConfirmAgain asks three times at once, then changes the host again: nobody
// is refused because the process that carried the change has not left it yet.
func TestConfirmAgain(t *testing.T) {
	for range 20 {
		k := keep(t)
		pending, left := make(chan string, 1), make(chan struct{})
		go func() {
			defer close(left)
			result, err := k.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{
				Confirm: time.Minute,
				Pending: func(r *holdfast.Result) { pending <- r.Transaction },
				Guard:   func(string) func() { return func() { time.Sleep(10 * time.Millisecond) } },
			})
			if result.Outcome != holdfast.Applied || err != nil {
				t.Error(result, err)
			}
		}()
		id := <-pending
		var asking sync.WaitGroup
		for _, name := range []string{"", "", id} {
			asking.Go(func() {
				if result, err := k.Confirm(t.Context(), name, holdfast.Who{}); (err != nil || result.Outcome != holdfast.Applied) && holdfast.KindOf(err) != engine.NotFound {
					t.Error(result, err)
				}
			})
		}
		asking.Wait()
		result, err := k.Apply(t.Context(), parse(t, "interfaces: [{name: d0, type: dummy}]"), holdfast.ApplyOptions{})
		expect(t, result, err, holdfast.Applied, "")
		<-left
		if got := k.history(t); got != "applied applied" {
			t.Errorf("history %s", got)
		}
	}
}
