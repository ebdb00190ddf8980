package holdfast_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"holdfast"
	"holdfast/engine/enginetest"
	"holdfast/monitor"
	"holdfast/plan"
	"holdfast/state"
)

// TestWatch watches an Apply of the same Host: its steps are told, what they did
// to the host, and the outcome last.
func TestWatch(t *testing.T) {
	memory := enginetest.NewMemory(&state.State{})
	host, err := holdfast.Open(holdfast.Options{Carrier: memory, StateDir: t.TempDir(), RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	desired, err := state.Parse("desired", []byte("interfaces: [{name: d0, type: dummy, state: up}]"))
	if err != nil {
		t.Fatal(err)
	}
	applied := make(chan error, 1)
	var steps, appeared, outcome, began int
	events := 0
	err = host.Watch(ctx, func(e holdfast.Event) error {
		events++
		switch {
		case e.Kind == monitor.Ready:
			go func() {
				_, err := host.Apply(ctx, desired, holdfast.ApplyOptions{})
				applied <- err
			}()
		case e.What == monitor.Step:
			steps++
		case e.What == monitor.Appeared && e.Object == "d0":
			appeared = events
		case e.Kind == monitor.Transaction && e.What == "applied":
			outcome = events
			return memory.Edit(plan.Step{Verb: plan.RemoveLink, Object: "d0"})
		case e.Kind == monitor.Drift:
			began = events
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Errorf("watch: %v", err)
	}
	if err := <-applied; err != nil {
		t.Errorf("apply: %v", err)
	}
	if steps == 0 || appeared == 0 || outcome < appeared || began < outcome {
		t.Errorf("%d steps, the link in event %d, the outcome in %d, drift in %d", steps, appeared, outcome, began)
	}
}

// TestWatchEnds gives back what the reader says, and nothing when the context
// ends.
func TestWatchEnds(t *testing.T) {
	host, err := holdfast.Open(holdfast.Options{Carrier: enginetest.NewMemory(&state.State{}), StateDir: t.TempDir(), RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	if err := host.Watch(t.Context(), func(holdfast.Event) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("watch ended with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if err := host.Watch(ctx, func(holdfast.Event) error { cancel(); return nil }); err != nil {
		t.Errorf("watch ended with %v", err)
	}
}

// plugIn makes a link behind holdfast's back.
func plugIn(memory *enginetest.Memory, i *state.Interface) error {
	return memory.Edit(plan.Step{Verb: plan.CreateLink, Object: i.Name, Link: i})
}
