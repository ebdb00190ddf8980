package plan_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

// FuzzMake plans between any two documents: it never panics, what needs
// something comes after it, a plan from a state to itself is empty, and the
// same input makes the same plan.
func FuzzMake(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		text := map[string]string{}
		for _, member := range archive.Files {
			text[member.Name] = string(member.Data)
		}
		f.Add(text["current.yml"], text["desired.yml"])
	}
	f.Fuzz(fuzzMake)
}

func fuzzMake(t *testing.T, currentText, desiredText string) {
	shown, target := fuzzInput(t, currentText, desiredText)
	if target == nil {
		return
	}
	p, err := plan.Make(shown, target, plan.Options{Force: true})
	if err != nil {
		return
	}
	checkOrder(t, p)
	again, err := plan.Make(shown, target, plan.Options{Force: true})
	if err != nil || string(again.JSON()) != string(p.JSON()) {
		t.Errorf("the same input makes another plan, error %v", err)
	}
	for _, same := range []*state.State{shown, shown.Clone()} {
		p, err := plan.Make(shown, &state.Target{State: same, Desired: &state.State{}}, plan.Options{})
		if err != nil || !p.Empty() {
			t.Errorf("a plan to where we are is not empty, error %v", err)
		}
	}
}

// fuzzInput is what a host in memory shows, and the target on it; nil if the
// documents are not valid.
func fuzzInput(t *testing.T, currentText, desiredText string) (*state.State, *state.Target) {
	current, err := state.Parse("current.yml", []byte(currentText))
	if err != nil || current.Validate() != nil {
		return nil, nil
	}
	desired, err := state.Parse("desired.yml", []byte(desiredText))
	if err != nil || desired.Validate() != nil {
		return nil, nil
	}
	shown, err := enginetest.NewMemory(current).Show(context.Background(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := state.Merge(shown, desired)
	if err != nil || state.ValidateTarget(target, shown) != nil {
		return nil, nil
	}
	return shown, target
}
