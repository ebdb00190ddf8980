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

// task is an effect that is answered.
type task interface {
	Effect
	// do performs it, in a goroutine of its own.
	do(ctx context.Context, r *Run) Event
	// failed is the answer when it could not be performed.
	failed(err error) Event
}

// safely performs an effect and turns a panic into its error, so that even a
// fault of our own is rolled back.
func (r *Run) safely(ctx context.Context, effect task) (answer Event) {
	defer func() {
		if fault := recover(); fault != nil {
			r.logger.Error("internal error", "err", fault, "stack", string(debug.Stack()))
			answer = effect.failed(&engine.Error{
				Op:   effect.String(),
				Kind: engine.Internal,
				Err:  fmt.Errorf("internal error: %v", fault),
			})
		}
	}()
	return effect.do(ctx, r)
}

func (TakeCheckpoint) do(ctx context.Context, r *Run) Event {
	var err error
	r.checkpoint, err = r.engine.Checkpoint(ctx)
	return Checkpointed{err}
}

func (Apply) do(ctx context.Context, r *Run) Event {
	err := r.apply(ctx, r.job.Plan, r.job.Plan)
	return AppliedPlan{Err: err, Untouched: r.untouched(ctx, err)}
}

func (Verify) do(ctx context.Context, r *Run) Event { return r.verify(ctx) }

func (Repair) do(ctx context.Context, r *Run) Event { return Repaired{r.repair(ctx)} }

func (e Wait) do(ctx context.Context, _ *Run) Event {
	timer := time.NewTimer(e.For)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
	return TimerFired{}
}

func (Reopen) do(ctx context.Context, r *Run) Event {
	var err error
	r.checkpoint, err = r.engine.Reopen(ctx, r.stored)
	return Reopened{err}
}

func (RollBack) do(ctx context.Context, r *Run) Event {
	return RolledBackTo{r.checkpoint.Rollback(ctx)}
}

// do lets the checkpoint go; one of a change that was never begun is told that
// there is none, so that nothing of it is taken for ours.
func (Release) do(ctx context.Context, r *Run) Event {
	if r.machine.phase == Preparing && r.machine.Journal {
		r.checkpoint.Applied(&plan.Plan{})
	}
	return Released{r.checkpoint.Release(ctx)}
}

func (TakeCheckpoint) failed(err error) Event { return Checkpointed{err} }
func (Apply) failed(err error) Event          { return AppliedPlan{Err: err} }
func (Verify) failed(err error) Event         { return Verified{Err: err} }
func (Repair) failed(err error) Event         { return Repaired{err} }
func (Wait) failed(error) Event               { return TimerFired{} }
func (Reopen) failed(err error) Event         { return Reopened{err} }
func (RollBack) failed(err error) Event       { return RolledBackTo{err} }
func (Release) failed(err error) Event        { return Released{err} }

// apply carries p out; the checkpoint is told of all that is or was done, in
// announced.
func (r *Run) apply(ctx context.Context, p, announced *plan.Plan) error {
	before, phase := r.result.Steps, r.machine.phase
	r.checkpoint.Applied(announced)
	return r.engine.Apply(ctx, p, func(progress engine.Progress) {
		r.touched = true
		r.result.Steps = before + progress.Done
		r.limit.progress()
		if progress.Warning != "" {
			r.logger.Warn(progress.Warning)
			r.warnings = append(r.warnings, progress.Warning)
			return
		}
		if r.job.Progress != nil {
			r.job.Progress(Progress{Phase: phase, Done: progress.Done, Total: progress.Total, Step: progress.Step})
		}
	})
}

// repair carries out what is missing since others changed the host while it
// was being changed.
func (r *Run) repair(ctx context.Context) error {
	if r.job.Replan == nil {
		return nil
	}
	current, err := r.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return err
	}
	p, err := r.job.Replan(current)
	if err != nil {
		return err
	}
	if p.Empty() {
		return nil
	}
	r.logger.Info("repair what changed meanwhile", "steps", len(p.Steps))
	all := *r.job.Plan
	all.Steps = slices.Concat(r.job.Plan.Steps, p.Steps)
	return r.apply(ctx, p, &all)
}

// untouched tells whether the engine refused the plan before its first change:
// it tells progress from there on. What it looked at before may be a step, so
// that the kind of error says nothing.
func (r *Run) untouched(ctx context.Context, err error) bool {
	return err != nil && !r.touched && ctx.Err() == nil
}
