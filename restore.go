package holdfast

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/renameio/v2"

	"holdfast/engine"
	"holdfast/state"
)

const (
	// markName is the file in the run directory that tells that this boot's
	// restore was done.
	markName = "restored.json"
	// settleLimit is how long restore waits for udev to have named what is there.
	settleLimit = 30 * time.Second
)

// Restoration is what a Restore came to.
type Restoration struct {
	// Recovered is what became of a change that was pending; nil if none was.
	Recovered *Recovery
	// Again is set when this boot was restored already: nothing else was done.
	Again bool
	// Generation is the one whose persistent configuration was restored; 0 if
	// there is none.
	Generation int
	// Steps counts what was done.
	Steps int
	// Missing lists what could not be restored, one sentence each. With any the
	// host is degraded.
	Missing []string
	// Warnings are what else is worth telling.
	Warnings []string
}

// RestoreOptions say how to restore.
type RestoreOptions struct {
	// Force restores also when this boot was restored already, and although a
	// link has to go down that the root file system may be reached by.
	Force bool
	// Who asked; the user that the program runs as if empty.
	Who Who
}

// Restore makes the host what is persistent, as at boot: part by part, as far
// as each gets, and what works is not rolled back because of what does not. What
// a process left behind that is gone is recovered first. The error is why
// nothing could be tried; what could not be restored is in Missing.
func (h *Host) Restore(ctx context.Context, options RestoreOptions) (*Restoration, error) {
	done := &Restoration{}
	release, err := h.lock(ctx, "restore")
	if err != nil {
		return done, err
	}
	defer func() { _ = release() }()
	if done.Recovered, err = h.takeUp(ctx, takeUp{}); err != nil {
		return done, err
	}
	if r := done.Recovered; r != nil {
		done.Warnings = append(done.Warnings, r.warning())
		switch r.Outcome {
		case Pending:
			return done, nil
		case RollbackFailed:
			done.Missing = append(done.Missing, r.refusal().Error())
		}
	}
	if !options.Force && h.restored() {
		done.Again = true
		return done, nil
	}
	newest, damages, err := h.store.Newest()
	if err != nil {
		return done, storeError("read the newest generation", err)
	}
	for _, d := range damages {
		done.Missing = append(done.Missing, fmt.Sprintf("a damaged generation was left out: %v", d))
	}
	if newest != nil {
		done.Generation = newest.Number
		settle(ctx, settleLimit)
		if err := h.restore(ctx, newest, options, done); err != nil {
			return done, err
		}
	}
	return done, h.markRestored()
}

// restore carries the persistent configuration out.
func (h *Host) restore(ctx context.Context, newest *Generation, options RestoreOptions, done *Restoration) error {
	current, err := h.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return err
	}
	set := newest.Persistent
	if absent := state.Missing(set, current); len(absent) > 0 {
		var dropped []string
		set, dropped = set.Without(slices.Collect(maps.Keys(absent)))
		done.Missing = append(done.Missing, missingNICs(absent)...)
		for _, name := range dropped {
			done.Missing = append(done.Missing, name+" cannot be made without what it stands on")
		}
	}
	guard := rootLinks(current)
	if options.Force {
		guard = nil
	}
	for _, part := range set.Parts() {
		r := &restoring{host: h, left: part, guard: guard, done: done}
		if err := r.run(ctx); err != nil {
			return err
		}
	}
	if sameText(newest.Running, newest.Persistent) {
		return nil
	}
	if _, err := h.note(&Result{}, sets{newest.Persistent, newest.Persistent}, ApplyOptions{Purpose: "restore", Who: options.Who}, nil, nil); err != nil {
		done.Missing = append(done.Missing, err.Error())
	}
	return nil
}

func missingNICs(absent map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(absent)) {
		text := "there is no " + name
		if now := absent[name]; now != "" {
			text += "; the NIC with its permanent address is called " + now + " now"
		}
		list = append(list, text)
	}
	return list
}

// mark is the content of the file that tells that a boot was restored.
type mark struct {
	Boot      string `json:"boot"`
	Namespace string `json:"namespace"`
}

// restored tells whether this boot was restored already.
func (h *Host) restored() bool {
	data, err := os.ReadFile(filepath.Join(h.options.RunDir, markName))
	var m mark
	return err == nil && json.Unmarshal(data, &m) == nil && m == mark{bootID(), h.namespace}
}

func (h *Host) markRestored() error {
	data, err := json.Marshal(mark{bootID(), h.namespace})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.options.RunDir, 0o755); err != nil {
		return storeError("note that this boot is restored", err)
	}
	err = renameio.WriteFile(filepath.Join(h.options.RunDir, markName), append(data, '\n'), 0o644)
	return storeError("note that this boot is restored", err)
}
