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
	"holdfast/probe"
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
	// Pending says that the change is in force and waits to be confirmed.
	Pending = transaction.Pending
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
	// Timeout is the limit for applying, verifying and probing; when it passes
	// the host is rolled back. 0 chooses a generous one by the size of the change,
	// which is extended while progress is made.
	Timeout time.Duration
	// Confirm is how long somebody may take to confirm the change, counted from
	// before its first step; when it passes the host is rolled back. 0 waits for
	// nobody.
	Confirm time.Duration
	// Attended tells that whoever ends the context while the change waits for
	// confirmation wants to go back. Otherwise the change goes on waiting.
	Attended bool
	// Temporary makes a change that lasts until the next boot.
	Temporary bool
	// Probes are what must be reachable before the change and after it.
	Probes []probe.Spec
	// Client answers probes of kind client; nil if nobody can.
	Client probe.Ask
	// Who asked; the user that the program runs as if empty.
	Who Who
	// Purpose is told to others who are refused meanwhile, and kept in the
	// history; "apply" if empty.
	Purpose string
	// Progress, if not nil, is told how far the change is, by one goroutine at
	// a time.
	Progress func(Progress)
	// Pending, if not nil, is told when the change begins to wait for
	// confirmation.
	Pending func(*Result)
	// Guard, if not nil, is called before anything is written of a change that
	// has something to do: it may have somebody watch this process. What it
	// returns is called at the end.
	Guard func(transaction string) (dismiss func())
}

// Result is what an Apply came to.
type Result struct {
	// Outcome is what became of the host.
	Outcome Outcome
	// Transaction names the change in logs; empty if there was none.
	Transaction string
	// Generation is the number of the change in the history; 0 if it is not
	// there.
	Generation int
	// Steps counts the steps that were carried out, repairs included; they are
	// undone if Outcome says so.
	Steps int
	// Warnings are what the caller should know, one sentence each.
	Warnings []string
	// Probes are the answers of all probes.
	Probes []transaction.ProbeAnswer
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
//   - RolledBack: a step failed, the host did not become what was asked for, it
//     cannot be reached as before, nobody confirmed, or ctx ended; the error says
//     which;
//   - RollbackFailed: and the host is not as it was: the error holds the cause
//     and an *engine.RollbackError that lists in what. Rollback tries again.
//
// When ctx ends Apply rolls back before it returns, unless the change waits for
// somebody else to confirm it. What an earlier change left behind whose process
// was killed is rolled back or finished first, and told in a warning.
func (h *Host) Apply(ctx context.Context, desired *state.State, options ApplyOptions) (*Result, error) {
	if err := desired.Validate(); err != nil {
		return &Result{Outcome: Unchanged}, err
	}
	if options.Purpose == "" {
		options.Purpose = "apply"
	}
	return h.change(ctx, options, func(sets) (wish, error) { return wish{desired: desired}, nil })
}

// A wish is what a change is to bring about.
type wish struct {
	desired *state.State
	// sets are what is owned afterwards; nil computes them.
	sets *sets
}

// change makes a wish come true, as one transaction.
func (h *Host) change(ctx context.Context, options ApplyOptions, wishes func(sets) (wish, error)) (*Result, error) {
	result := &Result{Outcome: Unchanged}
	release, warnings, err := h.begin(ctx, options.Purpose)
	if err != nil {
		return result, err
	}
	defer func() { _ = release() }()
	result.Warnings = warnings

	c := &change{host: h, options: options}
	if err := c.prepare(ctx, wishes); err != nil {
		return result, err
	}
	if err := ctx.Err(); err != nil {
		return result, &engine.Error{Kind: engine.Timeout, Err: context.Cause(ctx)}
	}
	if !c.draft.Plan.Empty() {
		recorder := h.recorder(newID(), options, c.wish.desired, c.draft.Plan)
		if err := c.decide(); err != nil {
			return result, err
		}
		recorder.meta.Summary, recorder.generation = planLines(c.draft.Plan), generationOf(c.next)
		return c.transact(ctx, result, recorder)
	}
	result.Warnings = append(result.Warnings, c.draft.Plan.Warnings...)
	result.Plan = c.draft.Plan
	if c.known() {
		return result, nil
	}
	if err := c.decide(); err != nil {
		return result, err
	}
	return h.note(result, c.next, options, c.wish.desired, nil)
}

// change is one under way.
type change struct {
	host      *Host
	options   ApplyOptions
	wish      wish
	current   *state.State
	draft     *Draft
	now, next sets
}

// prepare decides what is to be done. The host is not touched.
func (c *change) prepare(ctx context.Context, wishes func(sets) (wish, error)) (err error) {
	if c.now, err = c.host.owned(); err != nil {
		return err
	}
	if c.wish, err = wishes(c.now); err != nil {
		return err
	}
	if c.current, err = c.host.engine.Show(ctx, engine.ShowOptions{}); err != nil {
		return err
	}
	c.draft, err = draft(c.current, c.wish.desired, plan.Options{Force: c.options.Force})
	return err
}

// decide computes what is owned afterwards.
func (c *change) decide() (err error) {
	if c.wish.sets != nil {
		c.next = *c.wish.sets
		return nil
	}
	c.next, err = c.now.after(c.draft.Target, c.current, c.options.Temporary)
	return err
}

// known tells whether the newest generation says all that the document says.
func (c *change) known() bool {
	if c.wish.sets != nil {
		return c.wish.sets.equal(c.now)
	}
	return c.now.say(c.draft.Target, c.options.Temporary)
}

// transact carries the draft out. The lock is held.
func (c *change) transact(ctx context.Context, result *Result, recorder *recorder) (*Result, error) {
	h, p := c.host, c.draft.Plan
	probes := newProber(h, c.options, p)
	if c.options.Guard != nil {
		defer c.options.Guard(recorder.meta.Transaction)()
	}
	runner := transaction.Runner{Engine: h.engine, Logger: h.logger}
	run := runner.Start(ctx, transaction.Job{
		ID:       recorder.meta.Transaction,
		Plan:     p,
		Recorder: recorder,
		Check: func(result *state.State) []transaction.Mismatch {
			return mismatches(p, result)
		},
		Replan: func(current *state.State) (*plan.Plan, error) {
			again, err := draft(current, c.wish.desired, plan.Options{Force: c.options.Force})
			if err != nil {
				return nil, err
			}
			return again.Plan, nil
		},
		Probe:         probes.ask(),
		ProbeBudget:   probes.budget(),
		NoVerify:      c.options.NoVerify,
		Timeout:       c.options.Timeout,
		ConfirmWithin: c.options.Confirm,
		Attended:      c.options.Attended,
		Progress:      h.telling(recorder.meta.Transaction, c.options.Progress),
	})
	result.Plan = p
	result.Warnings = append(result.Warnings, p.Warnings...)
	return h.attend(run, result, recorder, c.options.Pending)
}

// attend stays with a transaction until its end, and lets others speak to it.
func (h *Host) attend(run *transaction.Run, result *Result, recorder *recorder, pending func(*Result)) (*Result, error) {
	leave := h.enter(run)
	defer leave()
	<-run.Settled()
	if settled := run.Result(); settled.Outcome == transaction.Pending && pending != nil {
		pending(result.with(settled, recorder.number))
	}
	<-run.Done()
	done := run.Result()
	if done.Outcome == Applied {
		h.prune()
	}
	return result.with(done, recorder.number), done.Err
}

// with is the result completed by what the transaction came to.
func (r *Result) with(done *transaction.Result, number int) *Result {
	out := *r
	out.Outcome, out.Transaction, out.Steps, out.Probes = done.Outcome, done.ID, done.Steps, done.Probes
	out.Warnings = slices.Concat(r.Warnings, done.Warnings)
	out.Generation = number
	return &out
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
