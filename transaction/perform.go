package transaction

import (
	"context"
	"fmt"
	"runtime/debug"
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
		return AppliedPlan{r.apply(ctx, r.Plan)}
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
		return AppliedPlan{err}
	case Verify:
		return Verified{Err: err}
	case RollBack:
		return RolledBackTo{err}
	case Release:
		return Released{err}
	}
	return Repaired{err}
}

func (r *run) apply(ctx context.Context, p *plan.Plan) error {
	before := r.result.Steps
	r.checkpoint.Applied(p)
	return r.engine.Apply(ctx, p, func(progress engine.Progress) {
		r.result.Steps = before + progress.Done
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
	return r.apply(ctx, p)
}
