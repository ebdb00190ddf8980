package holdfast

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
	"holdfast/transaction"
)

// Outcome is what became of the host.
type Outcome = transaction.Outcome

// The outcomes of Apply.
const (
	// Unchanged says that the host was not touched: there was nothing to do,
	// or the error says why not.
	Unchanged = transaction.Unchanged
	// Applied says that the change is in force and verified.
	Applied = transaction.Applied
	// RolledBack says that the change failed and the host is as it was.
	RolledBack = transaction.RolledBack
	// RollbackFailed says that the change failed and the host is not as it was.
	RollbackFailed = transaction.RollbackFailed
)

// Progress is how far an Apply is.
type Progress = transaction.Progress

// ApplyOptions say how to apply. The zero options are good.
type ApplyOptions struct {
	// Force allows what is otherwise refused (plan.Options).
	Force bool
	// NoVerify takes the change for done when every step is, without reading
	// the host back.
	NoVerify bool
	// Timeout is the limit for applying and verifying; when it passes the host
	// is rolled back. 0 chooses a generous one by the size of the change.
	Timeout time.Duration
	// Purpose is told to others who are refused meanwhile; "apply" if empty.
	Purpose string
	// Progress, if not nil, is told how far the change is, by one goroutine at
	// a time.
	Progress func(Progress)
}

// Result is what an Apply came to.
type Result struct {
	// Outcome is what became of the host.
	Outcome Outcome
	// Transaction names the change in logs; empty if there was none.
	Transaction string
	// Steps counts the steps that were carried out, repairs included; they are
	// undone if Outcome says so.
	Steps int
	// Warnings are what the caller should know, one sentence each.
	Warnings []string
	// Plan is what was carried out, in whole or in part; nil if Apply did not
	// come that far.
	Plan *plan.Plan
}

// Apply makes the host what is desired, as one transaction. The result is
// never nil, and its Outcome says what became of the host also when there is
// an error:
//
//   - Unchanged: the state is invalid, the change is refused, somebody else
//     changes the host (kind busy), or, without an error, there is nothing to
//     do;
//   - Applied: the change is in force; the error is nil;
//   - RolledBack: a step failed, the host did not become what was asked for, or
//     ctx ended; the error says which;
//   - RollbackFailed: and the host is not as it was: the error holds the cause
//     and an *engine.RollbackError that lists in what.
//
// When ctx ends Apply rolls back before it returns.
func (h *Host) Apply(ctx context.Context, desired *state.State, options ApplyOptions) (*Result, error) {
	unchanged := &Result{Outcome: Unchanged}
	if err := desired.Validate(); err != nil {
		return unchanged, err
	}
	if options.Purpose == "" {
		options.Purpose = "apply"
	}
	release, err := h.lock(ctx, options.Purpose)
	if err != nil {
		return unchanged, err
	}
	defer func() { _ = release() }()

	current, err := h.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return unchanged, err
	}
	d, err := draft(current, desired, plan.Options{Force: options.Force})
	if err != nil {
		return unchanged, err
	}
	if d.Plan.Empty() {
		return &Result{Outcome: Unchanged, Warnings: d.Plan.Warnings, Plan: d.Plan}, nil
	}
	if err := ctx.Err(); err != nil {
		return unchanged, &engine.Error{Kind: engine.Timeout, Err: context.Cause(ctx)}
	}
	return h.transact(ctx, d, desired, options)
}

// transact carries a draft out. The lock is held.
func (h *Host) transact(ctx context.Context, d *Draft, desired *state.State, options ApplyOptions) (*Result, error) {
	runner := transaction.Runner{Engine: h.engine, Logger: h.logger}
	done := runner.Run(ctx, transaction.Job{
		ID:   newID(),
		Plan: d.Plan,
		Check: func(result *state.State) []transaction.Mismatch {
			return mismatches(d.Plan, result)
		},
		Replan: func(current *state.State) (*plan.Plan, error) {
			again, err := draft(current, desired, plan.Options{Force: options.Force})
			if err != nil {
				return nil, err
			}
			return again.Plan, nil
		},
		NoVerify: options.NoVerify,
		Timeout:  options.Timeout,
		Progress: options.Progress,
	})
	return &Result{
		Outcome:     done.Outcome,
		Transaction: done.ID,
		Steps:       done.Steps,
		Warnings:    slices.Concat(d.Plan.Warnings, done.Warnings),
		Plan:        d.Plan,
	}, done.Err
}

func mismatches(p *plan.Plan, result *state.State) []transaction.Mismatch {
	var list []transaction.Mismatch
	for _, m := range plan.Mismatches(p, result) {
		list = append(list, transaction.Mismatch{
			Object: m.Object, Key: m.Key, What: mismatchText(m), Pending: m.Pending, Minor: m.Minor,
		})
	}
	return list
}

// mismatchText says a mismatch in one line.
func mismatchText(m plan.Mismatch) string {
	switch m.Key {
	case "carrier":
		return m.Object + " has no carrier"
	case plan.KeyPartner:
		return m.Object + " has no LACP partner"
	case "":
		return fmt.Sprintf("%s: want %s, have %s", m.Object, m.Want, orNothing(m.Have))
	}
	return fmt.Sprintf("%s: %s: want %s, have %s", m.Object, m.Key, m.Want, orNothing(m.Have))
}

func orNothing(text string) string {
	if text == "" {
		return "nothing"
	}
	return text
}

// newID names a transaction so that it is found in logs and no two are alike.
func newID() string { return strings.ToLower(rand.Text()[:10]) }

// WithSignals makes a context for Apply that ends at SIGINT and SIGTERM, so
// that the host is rolled back, and lets SIGHUP and SIGPIPE do nothing until
// stop is called. The cause of the context tells the signal.
func WithSignals(parent context.Context) (ctx context.Context, stop func()) {
	return transaction.WithSignals(parent)
}
