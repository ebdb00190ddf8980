package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// patience is how long the suite waits for what a host does by itself. It is
// there for slow hosts, an emulated one for example.
const patience = 2 * time.Minute

// Suite is what every engine must pass. open gives an engine on a host that
// has no interface whose name begins with "hf"; it is called once for each
// test and closes the engine when the test ends. The suite makes its own
// interfaces, dummies in the place of NICs, and removes them. calm runs f and
// fails t if f changed anything on the host; nil if nobody can tell.
func Suite(t *testing.T, calm func(t *testing.T, f func()), open func(t *testing.T) engine.Engine) {
	if calm == nil {
		calm = func(_ *testing.T, f func()) { f() }
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s *suite)
	}{
		{"walk", walk},
		{"rollback of every step", rollbackOfEveryStep},
		{"rollback of a removal", rollbackOfRemoval},
		{"stored checkpoint", storedCheckpoint},
		{"release", release},
		{"progress", progress},
		{"end of the context", endOfContext},
		{"show meanwhile", showMeanwhile},
		{"watch", watchChanges},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := &suite{engine: open(t), calm: calm}
			t.Cleanup(func() { s.reach(context.Background(), t, closed(t, Document{})) })
			test.run(t, s)
		})
	}
}

// suite is one test of the suite.
type suite struct {
	engine engine.Engine
	calm   func(t *testing.T, f func())
}

// show reads the host.
func (s *suite) show(t *testing.T) *state.State {
	t.Helper()
	current, err := s.engine.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatalf("show: %v", err)
	}
	return current
}

// plan plans the way to a document.
func (s *suite) plan(ctx context.Context, t *testing.T, desired *state.State) (*plan.Plan, *state.Target) {
	t.Helper()
	current, err := s.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		t.Fatalf("show: %v", err)
	}
	target, err := state.Merge(current, desired)
	if err != nil {
		t.Fatalf("merge: %v", err)
	}
	if err := state.ValidateTarget(target, current); err != nil {
		t.Fatalf("validate the target: %v", err)
	}
	p, err := plan.Make(current, target, plan.Options{})
	if err != nil {
		t.Fatalf("plan: %v", err)
	}
	return p, target
}

// reach applies a document, waits until the host is as it says, and makes sure
// that there is nothing more to do.
func (s *suite) reach(ctx context.Context, t *testing.T, desired *state.State) {
	t.Helper()
	p, target := s.plan(ctx, t, desired)
	if err := s.engine.Apply(ctx, p, nil); err != nil {
		t.Fatalf("apply: %v\nplan:\n%s", err, steps(p))
	}
	s.become(ctx, t, target)
	again, _ := s.plan(ctx, t, desired)
	if !again.Empty() {
		t.Fatalf("there is still something to do:\n%s", steps(again))
	}
	s.calm(t, func() {
		if err := s.engine.Apply(ctx, again, nil); err != nil {
			t.Errorf("apply an empty plan: %v", err)
		}
	})
}

// become waits until the host is what was asked for.
func (s *suite) become(ctx context.Context, t *testing.T, target *state.Target) {
	t.Helper()
	var differences []state.Difference
	eventually(t, func() string {
		have, err := s.engine.Show(ctx, engine.ShowOptions{})
		if err != nil {
			return err.Error()
		}
		if differences = state.Compare(target.Desired, have); len(differences) > 0 {
			return fmt.Sprintf("differs: %v", differences)
		}
		return ""
	})
}

// same waits until what the suite made prints as it did.
func (s *suite) same(t *testing.T, before *state.State) {
	t.Helper()
	want := ours(before)
	eventually(t, func() string { return cmp.Diff(want, ours(s.show(t))) })
}

// ours prints the suite's interfaces with their routes, and its rules. The
// kernel's own addresses are left out: they come a moment after their link.
func ours(host *state.State) string {
	s := host.Clone()
	s.DNS, s.Hostname = nil, nil
	s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i *state.Interface) bool { return !slices.Contains(objects, i.Name) })
	for _, i := range s.Interfaces {
		if i.IPv6 != nil {
			i.IPv6.Address = slices.DeleteFunc(i.IPv6.Address, func(a state.Address) bool { return a.Facts != nil && a.Facts.Foreign })
		}
	}
	if s.Routes != nil {
		other := func(r *state.Route) bool {
			return !slices.Contains(objects, value(r.NextHopInterface)) && !slices.Contains(destinations, r.Destination)
		}
		s.Routes.Running, s.Routes.Config = nil, slices.DeleteFunc(s.Routes.Config, other)
	}
	if s.Rules != nil {
		s.Rules.Config = slices.DeleteFunc(s.Rules.Config, func(r *state.Rule) bool { return !slices.Contains(priorities, value(r.Priority)) })
	}
	return string(state.EncodeYAML(s))
}

// eventually waits until check finds nothing wrong, and fails with its last
// word when that takes too long.
func eventually(t *testing.T, check func() string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	pause := time.Millisecond
	for {
		wrong := check()
		if wrong == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %s: %s", patience, wrong)
		}
		time.Sleep(pause)
		pause = min(2*pause, time.Second)
	}
}

// steps is a plan in one line a step, for messages.
func steps(p *plan.Plan) string {
	var b strings.Builder
	for i := range p.Steps {
		step := &p.Steps[i]
		fmt.Fprintf(&b, "  %d (level %d) %s %s %v: %s\n", i, step.Level, step.Verb, step.Object, step.Keys, step.Why)
	}
	return b.String()
}

// walk goes from each document to the next, and back again.
func walk(t *testing.T, s *suite) {
	documents := Documents()
	for _, d := range slices.Concat(documents, reversed(documents)) {
		if !t.Run(d.Name, func(t *testing.T) { s.reach(t.Context(), t, closed(t, d)) }) {
			return
		}
	}
}

func reversed(list []Document) []Document {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list[1:]
}

// rollbackOfEveryStep fails before each step of a plan in turn, and once after
// the last one.
func rollbackOfEveryStep(t *testing.T, s *suite) {
	s.reach(t.Context(), t, closed(t, plain))
	s.rollbacks(t, closed(t, stacked))
}

// rollbackOfRemoval does the same for a plan that takes everything away.
func rollbackOfRemoval(t *testing.T, s *suite) {
	s.reach(t.Context(), t, closed(t, stacked))
	s.rollbacks(t, closed(t, Document{}))
}

func (s *suite) rollbacks(t *testing.T, desired *state.State) {
	t.Helper()
	before := s.show(t)
	p, _ := s.plan(t.Context(), t, desired)
	for n := 0; n <= len(p.Steps); n++ {
		ok := t.Run(fmt.Sprintf("step %d", n), func(t *testing.T) {
			checkpoint, err := s.engine.Checkpoint(t.Context())
			if err != nil {
				t.Fatalf("checkpoint: %v", err)
			}
			checkpoint.Applied(p)
			err = s.engine.Apply(t.Context(), failing(p, n), nil)
			failed, isStep := errors.AsType[*engine.StepError](err)
			if !isStep || failed.Index != n {
				t.Fatalf("apply a plan whose step %d fails: %v", n, err)
			}
			if fault, ok := errors.AsType[*engine.Error](err); !ok || fault.Kind != engine.NotFound {
				t.Errorf("fault %v is not of kind %s", err, engine.NotFound)
			}
			if err := checkpoint.Rollback(t.Context()); err != nil {
				t.Fatalf("rollback: %v\nplan:\n%s", err, steps(p))
			}
			s.same(t, before)
		})
		if !ok {
			return
		}
	}
}

// failing is the plan up to step n, and in its place one that every engine
// refuses: an interface that is not there.
func failing(p *plan.Plan, n int) *plan.Plan {
	cut := *p
	level := 0
	if n > 0 {
		level = p.Steps[n-1].Level + 1
	}
	cut.Steps = append(slices.Clone(p.Steps[:n]), plan.Step{Verb: plan.SetUp, Object: "hf-nowhere", Level: level})
	return &cut
}

// storedCheckpoint goes back by a checkpoint that was stored and reopened, as
// after a crash.
func storedCheckpoint(t *testing.T, s *suite) {
	s.reach(t.Context(), t, closed(t, plain))
	before := s.show(t)
	p, _ := s.plan(t.Context(), t, closed(t, stacked))
	checkpoint, err := s.engine.Checkpoint(t.Context())
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	checkpoint.Applied(p)
	stored, err := checkpoint.Store()
	if err != nil {
		t.Fatalf("store: %v", err)
	}
	if err := s.engine.Apply(t.Context(), p, nil); err != nil {
		t.Fatalf("apply: %v", err)
	}
	reopened, err := s.engine.Reopen(t.Context(), stored)
	if err != nil {
		t.Fatalf("reopen: %v", err)
	}
	if err := reopened.Rollback(t.Context()); err != nil {
		t.Fatalf("rollback: %v", err)
	}
	s.same(t, before)
	if _, err := s.engine.Reopen(t.Context(), []byte("no checkpoint")); err == nil {
		t.Error("reopened what is no checkpoint")
	}
}

// release keeps what was changed.
func release(t *testing.T, s *suite) {
	p, target := s.plan(t.Context(), t, closed(t, plain))
	checkpoint, err := s.engine.Checkpoint(t.Context())
	if err != nil {
		t.Fatalf("checkpoint: %v", err)
	}
	checkpoint.Applied(p)
	if err := s.engine.Apply(t.Context(), p, nil); err != nil {
		t.Fatalf("apply: %v", err)
	}
	if err := checkpoint.Release(t.Context()); err != nil {
		t.Fatalf("release: %v", err)
	}
	s.become(t.Context(), t, target)
}

// progress is told step by step, never back, from before the first one to the
// end.
func progress(t *testing.T, s *suite) {
	p, _ := s.plan(t.Context(), t, closed(t, plain))
	done, told := 0, false
	err := s.engine.Apply(t.Context(), p, func(now engine.Progress) {
		if !told && (now.Done != 0 || now.Step != nil) {
			t.Errorf("progress begins with %+v", now)
		}
		told = true
		if now.Total != len(p.Steps) || now.Done < done {
			t.Errorf("progress %d of %d after %d of %d", now.Done, now.Total, done, len(p.Steps))
		}
		done = now.Done
	})
	if err != nil || done != len(p.Steps) {
		t.Errorf("ended at %d of %d: %v", done, len(p.Steps), err)
	}
}

// endOfContext stops an Apply before its first change.
func endOfContext(t *testing.T, s *suite) {
	s.reach(t.Context(), t, closed(t, Document{}))
	before := s.show(t)
	p, _ := s.plan(t.Context(), t, closed(t, plain))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.engine.Apply(ctx, p, nil); err == nil {
		t.Error("applied although the context had ended")
	}
	s.same(t, before)
}

// showMeanwhile reads while the host is being changed.
func showMeanwhile(t *testing.T, s *suite) {
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				if _, err := s.engine.Show(t.Context(), engine.ShowOptions{}); err != nil {
					t.Errorf("show meanwhile: %v", err)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	defer func() {
		close(done)
		readers.Wait()
	}()
	for _, d := range []Document{plain, stacked, {}} {
		s.reach(t.Context(), t, closed(t, d))
	}
}
