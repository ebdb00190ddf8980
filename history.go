package holdfast

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
	"holdfast/store"
)

// Entry is one line of history: a change that was made, or tried.
type Entry = store.Entry

// Generation is the configuration that holdfast answered for after a change.
type Generation = store.Generation

// Damage is a file of the state directory that cannot be used.
type Damage = store.Damage

// History lists what was changed, and what was tried, the oldest first. Damaged
// files are reported and left out.
func (h *Host) History(context.Context) ([]Entry, []Damage, error) {
	entries, damages, err := h.store.History()
	return entries, damages, storeError("read the history", err)
}

// Generation gives the configuration of one change. The error is of kind
// not-found for one that was not kept.
func (h *Host) Generation(_ context.Context, number int) (*Generation, error) {
	g, err := h.store.Generation(number)
	return g, storeError(fmt.Sprintf("read generation %d", number), err)
}

// Newest is the configuration in force, nil if nothing was ever changed.
func (h *Host) Newest(context.Context) (*Generation, []Damage, error) {
	g, damages, err := h.store.Newest()
	return g, damages, storeError("read the newest generation", err)
}

// Drift tells in what the host differs from what holdfast answers for since
// generation number. The error is of kind not-found if that is nothing.
func (h *Host) Drift(ctx context.Context) (differences []state.Difference, number int, err error) {
	newest, _, err := h.Newest(ctx)
	if err != nil {
		return nil, 0, err
	}
	if newest == nil {
		return nil, 0, &engine.Error{
			Kind: engine.NotFound, Err: errors.New("nothing was applied yet"),
			Hint: "name a file to compare the host with",
		}
	}
	current, err := h.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return nil, 0, err
	}
	return state.Compare(newest.Running, current), newest.Number, nil
}

// ReturnTo makes the host what holdfast answered for in an earlier generation,
// as a transaction like Apply: what came since is removed, what is persistent
// is what was then.
func (h *Host) ReturnTo(ctx context.Context, number int, options ApplyOptions) (*Result, error) {
	unchanged := &Result{Outcome: Unchanged}
	then, err := h.Generation(ctx, number)
	if err != nil {
		return unchanged, err
	}
	if options.Purpose == "" {
		options.Purpose = fmt.Sprintf("return to generation %d", number)
	}
	return h.change(ctx, options, func(now sets) (wish, error) {
		return wish{
			desired: state.Return(now.running, then.Running),
			sets:    &sets{then.Running, then.Persistent},
		}, nil
	})
}

// Persist makes temporary interfaces permanent, all of them and everything else
// if there are no names. The host is not touched.
func (h *Host) Persist(ctx context.Context, names []string, who Who) (*Result, error) {
	return h.rewrite(ctx, "persist", names, who, func(now sets) (*state.State, error) {
		if len(names) == 0 {
			return now.running, nil
		}
		return state.Persist(now.running, now.persistent, names)
	})
}

// Unpersist makes permanent interfaces temporary: they last until the next
// boot. The host is not touched.
func (h *Host) Unpersist(ctx context.Context, names []string, who Who) (*Result, error) {
	return h.rewrite(ctx, "unpersist", names, who, func(now sets) (*state.State, error) {
		return state.Unpersist(now.running, now.persistent, names)
	})
}

// rewrite records another persistent set.
func (h *Host) rewrite(ctx context.Context, purpose string, names []string, who Who, persistent func(sets) (*state.State, error)) (*Result, error) {
	result := &Result{Outcome: Unchanged}
	release, warnings, err := h.begin(ctx, purpose)
	if err != nil {
		return result, err
	}
	defer func() { _ = release() }()
	result.Warnings = warnings
	now, err := h.owned()
	if err != nil {
		return result, err
	}
	next := now
	if next.persistent, err = persistent(now); err != nil || next.equal(now) {
		return result, err
	}
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = name + " " + purpose + "ed"
	}
	return h.note(result, next, ApplyOptions{Who: who, Purpose: purpose}, nil, lines)
}

// Temporary names the interfaces that holdfast answers for and that do not
// outlive a boot as they are.
func (h *Host) Temporary(ctx context.Context) ([]string, error) {
	newest, _, err := h.Newest(ctx)
	if newest == nil || err != nil {
		return nil, err
	}
	var names []string
	for _, i := range newest.Running.Interfaces {
		if newest.Persistent.Find(i.Name) == nil {
			names = append(names, i.Name)
		}
	}
	return names, nil
}

// keepGenerations is how many generations are kept.
const keepGenerations = 50

// note records sets without a change of the host.
func (h *Host) note(result *Result, next sets, options ApplyOptions, desired *state.State, lines []string) (*Result, error) {
	r := h.recorder(newID(), options, desired, nil)
	r.meta.Summary, r.generation = lines, generationOf(next)
	if err := r.note(h.engine.Name()); err != nil {
		return result, storeError("record what is owned", err)
	}
	result.Generation = r.number
	h.prune()
	return result, nil
}

// recorder records a change; it lacks the generation.
func (h *Host) recorder(id string, options ApplyOptions, desired *state.State, p *plan.Plan) *recorder {
	who := options.Who
	if who == (Who{}) {
		who = caller()
	}
	return &recorder{
		store: h.store, namespace: h.namespace,
		meta: store.Meta{
			Transaction: id, Time: time.Now(), Who: who, Purpose: options.Purpose,
			Engine: h.engine.Name(), Temporary: options.Temporary,
		},
		asked: encodeRequest(desired, options), steps: encodePlan(p),
	}
}

func (h *Host) prune() {
	if err := h.store.Prune(h.currentDefaults().Keep, 0); err != nil {
		h.logger.Warn("old generations stay", "err", err)
	}
}

// planLines is the summary of a plan, nil for none.
func planLines(p *plan.Plan) []string { return slices.Clip(summary(p)) }
