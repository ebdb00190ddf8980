// Package engine is the contract between holdfast and what carries a plan out
// on a host.
package engine

import (
	"context"

	"holdfast/plan"
	"holdfast/state"
)

// Engine shows a host's network and changes it. Its methods may be called from
// several goroutines, but there is one Apply or Rollback at a time.
type Engine interface {
	// Name is "kernel", "nm" or "memory".
	Name() string
	// Show reads what is on the host now.
	Show(ctx context.Context, options ShowOptions) (*state.State, error)
	// Apply carries the plan out, level by level, and returns at the first
	// step that fails with a *StepError; what was done stays done. It tells
	// progress, if not nil, from the goroutine that called it, for the first
	// time right before the first change: an error without any progress has
	// changed nothing. An empty plan writes nothing.
	Apply(ctx context.Context, p *plan.Plan, progress func(Progress)) error
	// Checkpoint takes a picture of the host to come back to.
	Checkpoint(ctx context.Context) (Checkpoint, error)
	// Reopen gives a stored checkpoint back, after a crash for example.
	Reopen(ctx context.Context, stored []byte) (Checkpoint, error)
	// Close lets go of what the engine holds. The host stays as it is.
	Close() error
}

// ShowOptions say what Show reads beyond configuration.
type ShowOptions struct {
	// Names limits the interfaces, all if empty.
	Names []string
	// Details reads what is slow and only for people: ethtool's features,
	// rings and coalescing.
	Details bool
}

// Checkpoint is a picture of the host that it can be taken back to.
type Checkpoint interface {
	// Applied tells the checkpoint which plan is about to be carried out, so
	// that Rollback removes exactly what its steps made.
	Applied(p *plan.Plan)
	// Rollback takes the host back and verifies it. A *RollbackError lists in
	// what the host still differs.
	Rollback(ctx context.Context) error
	// Release forgets the checkpoint; what was changed stays, and what the
	// applied plan owns is recorded as ours.
	Release(ctx context.Context) error
	// Store gives a form that Reopen takes.
	Store() ([]byte, error)
}

// Progress is how far Apply has come.
type Progress struct {
	// Done and Total count steps.
	Done, Total int
	// Step is the one that was just done, nil before the first.
	Step *plan.Step
	// Warning is what the caller should know of how it went, one sentence;
	// empty in most.
	Warning string
}
