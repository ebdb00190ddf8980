package transaction

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"holdfast/engine"
	"holdfast/plan"
)

// safely performs an effect and turns a panic into its error, so that even a
// fault of our own is rolled back.
func (r *run) safely(ctx context.Context, effect Effect) (answer Event) {
	defer func() {
		if fault := recover(); fault != nil {
			r.logger.Error("internal error", "err", fault, "stack", string(debug.Stack()))
			answer = failed(effect, &engine.Error{
				Op:   effect.String(),
				Kind: engine.Internal,
				Err:  fmt.Errorf("internal error: %v", fault),
			})
		}
	}()
	return r.do(ctx, effect)
}

func (r *run) do(ctx context.Context, effect Effect) Event {
	switch effect := effect.(type) {
	case TakeCheckpoint:
		var err error
		r.checkpoint, err = r.engine.Checkpoint(ctx)
		return Checkpointed{err}
	case Apply:
		err := r.apply(ctx, r.Plan, r.Plan)
		return AppliedPlan{Err: err, Untouched: r.untouched(ctx, err)}
	case Verify:
		return r.verify(ctx)
	case Repair:
		return Repaired{r.repair(ctx)}
	case Wait:
		select {
		case <-ctx.Done():
		case <-time.After(effect.For):
		}
		return TimerFired{}
	case RollBack:
		return RolledBackTo{r.checkpoint.Rollback(ctx)}
	case Release:
		return Released{r.checkpoint.Release(ctx)}
	}
	panic(fmt.Sprintf("internal error: transaction: nobody performs %q", effect))
}

// failed is the answer to an effect that did not work.
func failed(effect Effect, err error) Event {
	switch effect.(type) {
	case TakeCheckpoint:
		return Checkpointed{err}
	case Apply:
		return AppliedPlan{Err: err}
	case Verify:
		return Verified{Err: err}
	case RollBack:
		return RolledBackTo{err}
	case Release:
		return Released{err}
	}
	return Repaired{err}
}

// apply carries p out; the checkpoint is told of all that is or was done, in
// announced.
func (r *run) apply(ctx context.Context, p, announced *plan.Plan) error {
	before := r.result.Steps
	r.checkpoint.Applied(announced)
	return r.engine.Apply(ctx, p, func(progress engine.Progress) {
		r.began = true
		r.result.Steps = before + progress.Done
		if progress.Warning != "" {
			r.logger.Warn(progress.Warning)
			r.warnings = append(r.warnings, progress.Warning)
			return
		}
		if r.Progress != nil {
			r.Progress(Progress{Phase: r.machine.Phase(), Done: progress.Done, Total: progress.Total, Step: progress.Step})
		}
	})
}

// repair carries out what is missing since others changed the host while it
// was being changed.
func (r *run) repair(ctx context.Context) error {
	if r.Replan == nil {
		return nil
	}
	current, err := r.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return err
	}
	p, err := r.Replan(current)
	if err != nil {
		return err
	}
	if p.Empty() {
		return nil
	}
	r.logger.Info("repair what changed meanwhile", "steps", len(p.Steps))
	all := *r.Plan
	all.Steps = slices.Concat(r.Plan.Steps, p.Steps)
	return r.apply(ctx, p, &all)
}

// untouched tells whether the engine refused the plan before its first change:
// it tells progress from there on. What it looked at before may be a step, so
// that the kind of error says nothing.
func (r *run) untouched(ctx context.Context, err error) bool {
	return err != nil && !r.began && ctx.Err() == nil
}
