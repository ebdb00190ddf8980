package holdfast_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

// TestWatch watches an Apply of the same Host, and then somebody who takes away
// what it made: its steps are told, what they did to the host, the outcome, and
// the drift last.
func TestWatch(t *testing.T) {
	memory := enginetest.NewMemory(&state.State{})
	host, err := holdfast.Open(holdfast.Options{Carrier: memory, StateDir: t.TempDir(), RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	applied := make(chan error, 1)
	reactions := map[string]func() error{
		"ready": func() error {
			go func() { applied <- applyDummy(ctx, host) }()
			return nil
		},
		"transaction applied": func() error { return memory.Edit(plan.Step{Verb: plan.RemoveLink, Object: "d0"}) },
		"drift began": func() error {
			defer cancel()
			return <-applied
		},
	}
	var order []string
	err = host.Watch(ctx, func(e holdfast.Event) error {
		what := strings.TrimSpace(string(e.Kind) + " " + string(e.What))
		if !slices.Contains(order, what) {
			order = append(order, what)
		}
		if react := reactions[what]; react != nil {
			return react()
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	at := -1
	for _, what := range []string{"ready", "link appeared", "transaction applied", "drift began"} {
		found := slices.Index(order, what)
		if found <= at {
			t.Errorf("%q is not in its place among %q", what, order)
		}
		at = found
	}
	if !slices.Contains(order, "transaction step") {
		t.Errorf("no step among %q", order)
	}
}

func applyDummy(ctx context.Context, host *holdfast.Host) error {
	desired, err := state.Parse("desired", []byte("interfaces: [{name: d0, type: dummy, state: up}]"))
	if err == nil {
		_, err = host.Apply(ctx, desired, holdfast.ApplyOptions{})
	}
	return err
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
