package cli

import (
	"context"
	"time"

	"holdfast"
	"holdfast/engine"
)

// keepEvery is how often the daemon looks whether a change was left behind.
const keepEvery = 2 * time.Second

// keeper is the task that takes up changes that nobody carries any more: one
// that waits for confirmation since before the daemon was started, or one of a
// command that was killed together with its guardian.
type keeper struct {
	*daemon
	// given is the transaction that could not be brought to an end: that is for
	// people.
	given string
}

// String names the task.
func (k *keeper) String() string { return "keeper" }

// Run looks until ctx ends. A change that waits then stays pending.
func (k *keeper) Run(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		p, err := k.host.Pending(ctx)
		switch {
		case err != nil:
			k.log.Debug("the journal cannot be read", "err", err)
		case p != nil && p.Owner == "" && p.Transaction != k.given:
			k.take(ctx, p.Transaction)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// take stays with a change until it is confirmed, undone or too late, or ctx
// ends.
func (k *keeper) take(ctx context.Context, id string) {
	ended := make(chan struct{})
	left := make(chan struct{})
	quiet := context.AfterFunc(ctx, func() {
		defer close(left)
		k.leave(ctx, ended)
	})
	recovered, err := k.host.Recover(context.WithoutCancel(ctx), true)
	close(ended)
	if !quiet() {
		<-left
	}
	switch {
	case holdfast.KindOf(err) == engine.Busy: // somebody was quicker
	case err != nil:
		k.given = id
		k.log.Error("a change that was left behind cannot be brought to an end", "transaction", id, "err", err)
	case recovered != nil:
		if recovered.Outcome != holdfast.Pending {
			k.given = id
		}
		k.log.Warn("a change that was left behind has ended", "transaction", id, "outcome", string(recovered.Outcome), "err", recovered.Err)
	}
}

// leave lets go of the change, until that has happened.
func (k *keeper) leave(ctx context.Context, ended <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		k.host.Leave(context.WithoutCancel(ctx))
		select {
		case <-tick.C:
		case <-ended:
			return
		}
	}
}
