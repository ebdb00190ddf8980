package transaction

import (
	"context"
	"fmt"
	"slices"

	"holdfast/engine"
)

// ask is an event from outside, whose refusal somebody waits for.
type ask struct {
	event Event
	// refused has room for one error, so that nobody has to wait for its reader.
	refused chan error
}

// Confirm keeps the change of a transaction that waits for it; who says in one
// line who wants that. It returns when the outcome is on disk: with a nil error
// if the change is kept. The error is of kind not-found if id is another
// transaction's, conflict if it is too early or too late; otherwise it tells why
// the change could not be kept. When ctx ends it returns, and the change is
// confirmed all the same.
func (r *Run) Confirm(ctx context.Context, id, who string) (*Result, error) {
	return r.ask(ctx, id, who, Confirmed{Who: who}, Applied)
}

// RollBack undoes the change of a transaction that waits, or is still under
// way; who says in one line who wants that. It returns when the outcome is on
// disk: with a nil error if the host is as it was. The error is of kind not-found
// if id is another transaction's, conflict if it is too late; otherwise it tells
// in what the host differs. When ctx ends it returns, and the change is undone
// all the same.
func (r *Run) RollBack(ctx context.Context, id, who string) (*Result, error) {
	return r.ask(ctx, id, who, RollbackAsked{Who: who}, RolledBack, Unchanged)
}

// Leave lets go of the transaction for another process to take up with Recover:
// what is under way is done first, and a change that waits for confirmation stays
// pending. It returns when the Run is done, or ctx ends.
func (r *Run) Leave(ctx context.Context) *Result {
	_, _ = r.ask(ctx, r.job.ID, "the owner", Left{})
	return r.Result()
}

// ask brings an event to the machine and waits for the end. The outcomes are
// the ones that were wanted.
func (r *Run) ask(ctx context.Context, id, who string, event Event, wanted ...Outcome) (*Result, error) {
	if id != r.job.ID {
		return nil, &engine.Error{
			Kind: engine.NotFound, Hint: "the pending transaction is " + r.job.ID,
			Err: fmt.Errorf("there is no pending transaction %q", id),
		}
	}
	a := &ask{event: event, refused: make(chan error, 1)}
	select {
	case r.asks <- a:
		r.logger.Info("asked from outside", "event", fmt.Sprintf("%T", event), "who", who)
	case <-r.done:
		return r.over(wanted)
	case <-ctx.Done():
		return nil, gaveUp(ctx)
	}
	select {
	case err := <-a.refused:
		return nil, err
	case <-r.done:
		return r.granted(a, wanted)
	case <-ctx.Done():
		return nil, gaveUp(ctx)
	}
}

// granted is the answer to who asked in time.
func (r *Run) granted(a *ask, wanted []Outcome) (*Result, error) {
	select {
	case err := <-a.refused:
		return nil, err
	default:
	}
	result := r.Result()
	if slices.Contains(wanted, result.Outcome) {
		return result, nil
	}
	return result, result.Err
}

// over is the answer to who asked after the end.
func (r *Run) over(wanted []Outcome) (*Result, error) {
	result := r.Result()
	if slices.Contains(wanted, result.Outcome) {
		return result, nil
	}
	return result, &engine.Error{
		Kind: engine.Conflict, Err: fmt.Errorf("the transaction %s is over: %s", result.ID, result.Outcome),
	}
}
