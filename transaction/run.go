package transaction

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"holdfast/engine"
)

// Run is one transaction under way. Its methods may be called from several
// goroutines.
//
// The machine and the effects belong to the goroutine of loop; an effect that
// takes time runs in its own goroutine, one at a time, and gives what it wrote
// back with its answer.
type Run struct {
	job     Job
	engine  engine.Engine
	clock   func() time.Duration
	logger  *slog.Logger
	machine Machine
	began   time.Time
	result  Result
	// steps counts the plan's.
	steps int
	// limit is nil where there is none; since is when verifying began.
	limit *limit
	since time.Time
	// deadline is the time to confirm by, 0 for none; alarm rings then.
	deadline   time.Duration
	alarm      *alarm
	checkpoint engine.Checkpoint
	stored     []byte
	// touched is set when the engine told that the first change is next.
	touched bool
	// warnings are what the engine told on the way; a rollback makes them void.
	warnings []string
	// answers holds the one answer of the effect that is under way, which cancel
	// ends early.
	answers chan Event
	cancel  context.CancelFunc
	// asks come from Confirm, RollBack and Leave; asking is the one that the
	// machine is looking at.
	asks   chan *ask
	asking *ask
	// settled is closed when the change is pending or done, done at the end.
	settled, done chan struct{}

	mu    sync.Mutex // guards what follows
	phase Phase
	shown *Result
}

// ID names the transaction.
func (r *Run) ID() string { return r.job.ID }

// Phase tells how far it is.
func (r *Run) Phase() Phase {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.phase
}

// Settled is closed when the change waits for confirmation, or is done.
func (r *Run) Settled() <-chan struct{} { return r.settled }

// Done is closed when nothing is under way any more.
func (r *Run) Done() <-chan struct{} { return r.done }

// Result is what the transaction came to: nil before Settled, with the outcome
// Pending before Done.
func (r *Run) Result() *Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown
}

func (r *Run) loop(ctx context.Context, first Event) {
	defer close(r.done)
	var limit <-chan time.Time
	if r.limit != nil {
		timer := time.NewTimer(r.limit.left())
		defer timer.Stop()
		limit = timer.C
	}
	if r.deadline > 0 {
		r.arm()
	}
	defer r.disarm()
	caller := ctx.Done()
	for effects := r.machine.Step(first); ; {
		r.performAll(ctx, effects)
		if r.machine.Phase() == Done {
			return
		}
		select {
		case answer := <-r.answers:
			r.cancel()
			effects = r.machine.Step(answer)
			r.tellWaiting(answer)
		case r.asking = <-r.asks:
			effects = r.machine.Step(r.asking.event)
		case <-caller:
			caller = nil
			effects = r.machine.Step(Interrupted{gaveUp(ctx)})
		case <-limit:
			limit, effects = r.limitPassed()
		case <-r.rings():
			effects = r.deadlinePassed()
		}
	}
}

// tellWaiting tells what the host has not become yet, when that is waited for.
func (r *Run) tellWaiting(answer Event) {
	v, ok := answer.(Verified)
	if ok && len(v.Waiting) > 0 && r.job.Progress != nil && r.machine.Phase() == Verifying {
		r.job.Progress(Progress{Phase: Verifying, Total: r.steps, Waiting: v.Waiting[0].What})
	}
}

func (r *Run) performAll(ctx context.Context, effects []Effect) {
	for _, effect := range effects {
		r.perform(ctx, effect)
	}
	r.asking = nil
}

func (r *Run) perform(ctx context.Context, effect Effect) {
	switch effect := effect.(type) {
	case Enter:
		r.enter(effect.Phase)
	case Cancel:
		r.cancel()
	case AwaitAnswer:
		r.settle(Pending)
	case Refuse:
		r.asking.refused <- effect.Err
	case Report:
		r.report(effect)
	case task:
		r.start(ctx, effect)
	}
}

// enter tells everybody that a phase begins.
func (r *Run) enter(phase Phase) {
	r.mu.Lock()
	r.phase = phase
	r.mu.Unlock()
	if r.limit != nil {
		r.limit.progress()
	}
	if phase == Verifying {
		r.since = time.Now()
	}
	progress := Progress{Phase: phase, Total: r.steps}
	switch phase {
	case RollingBack:
		r.logger.Info(string(phase), "steps", r.result.Steps, "err", r.machine.cause)
	case Waiting:
		progress.Left = r.deadline - r.clock()
		r.logger.Info(string(phase), "left", progress.Left)
	default:
		r.logger.Debug(string(phase), "steps", r.steps)
	}
	if r.job.Progress != nil {
		r.job.Progress(progress)
	}
}

// settle shows what the transaction came to so far.
func (r *Run) settle(outcome Outcome) {
	r.result.Outcome, r.result.Took = outcome, time.Since(r.began)
	r.result.ConfirmedBy = r.machine.confirmedBy
	shown := r.result
	shown.Warnings, shown.Probes = slices.Clone(r.machine.warnings), slices.Clone(r.result.Probes)
	if outcome == Applied || outcome == Pending {
		shown.Warnings = slices.Concat(r.warnings, r.machine.warnings)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown == nil {
		defer close(r.settled)
	}
	r.shown = &shown
}

func (r *Run) report(effect Report) {
	r.result.Err = effect.Err
	r.settle(effect.Outcome)
	if effect.Err != nil {
		r.logger.Error("transaction failed", "outcome", effect.Outcome, "steps", r.result.Steps, "err", effect.Err)
	} else {
		r.logger.Info("transaction done", "outcome", effect.Outcome, "steps", r.result.Steps)
	}
}

// start begins an effect that is answered later. What the caller's context
// carries stays, its end does not: that goes through the machine.
func (r *Run) start(ctx context.Context, effect task) {
	ctx = context.WithoutCancel(ctx)
	switch effect.(type) {
	case Prepare, Apply:
		r.arm()
		ctx, r.cancel = context.WithCancel(ctx)
	case RollBack, Release, Reopen:
		ctx, r.cancel = context.WithTimeout(ctx, wayBackLimit)
	default:
		ctx, r.cancel = context.WithCancel(ctx)
	}
	go func() { r.answers <- r.safely(ctx, effect) }()
}

// arm sets the time to confirm by, once, before the first change, and begins
// to look at the clock.
func (r *Run) arm() {
	if r.deadline == 0 && r.job.ConfirmWithin > 0 {
		r.deadline = r.clock() + r.job.ConfirmWithin
	}
	if r.deadline > 0 && r.alarm == nil {
		r.alarm = newAlarm(r.clock, r.deadline)
	}
}

func (r *Run) disarm() {
	if r.alarm != nil {
		r.alarm.timer.Stop()
	}
}

// rings gets a value when it is time to look at the clock; nil never does.
func (r *Run) rings() <-chan time.Time {
	if r.alarm == nil {
		return nil
	}
	return r.alarm.timer.C
}

func (r *Run) deadlinePassed() []Effect {
	if !r.alarm.rings() {
		return nil
	}
	late := &UnconfirmedError{}
	if r.job.ConfirmWithin > 0 {
		late.Within = r.job.ConfirmWithin.String()
	}
	return r.machine.Step(DeadlinePassed{&engine.Error{Kind: engine.Timeout, Err: late}})
}

// limitPassed interrupts, unless progress was made meanwhile or the change is
// verified and probed: the limit ends there.
func (r *Run) limitPassed() (again <-chan time.Time, effects []Effect) {
	switch r.machine.Phase() {
	case Preparing, Applying, Verifying, Probing:
	default:
		return nil, nil
	}
	if left := r.limit.left(); left > 0 {
		return time.After(left), nil
	}
	return nil, r.machine.Step(Interrupted{r.limit.late()})
}

// gaveUp is the error of a caller that does not want to wait any longer.
func gaveUp(ctx context.Context) error {
	return &engine.Error{Kind: engine.Timeout, Err: context.Cause(ctx)}
}
