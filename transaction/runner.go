package transaction

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// The limits of a transaction.
const (
	// baseLimit and stepLimit make up the limit for applying when the caller
	// does not give one: generous, since it is there for what hangs.
	baseLimit = 3 * time.Minute
	stepLimit = 100 * time.Millisecond
	// wayBackLimit is how long a rollback or a release may take. It is not the
	// caller's to choose: a host left half-way is worse than a late answer.
	wayBackLimit = 10 * time.Minute
)

// Runner performs what a Machine decides. It runs one transaction at a time;
// the caller holds the host's lock.
type Runner struct {
	// Engine carries plans out.
	Engine engine.Engine
	// Logger is told decisions; nil is nobody.
	Logger *slog.Logger
}

// Job is one transaction.
type Job struct {
	// ID names it in logs and answers.
	ID string
	// Plan is what to carry out. It is not empty: a plan without steps is not
	// worth a checkpoint.
	Plan *plan.Plan
	// Check tells in what the host that was read back differs from what was
	// asked for; nil for nothing.
	Check func(result *state.State) []Mismatch
	// Replan plans again from what is on the host now to what was asked for,
	// to repair what others changed while the plan was carried out. nil never
	// repairs.
	Replan func(current *state.State) (*plan.Plan, error)
	// NoVerify leaves verification out: the change is done when every step is.
	NoVerify bool
	// Timeout is the limit from the checkpoint to the end of verification; 0
	// chooses one by the plan's size.
	Timeout time.Duration
	// Progress, if not nil, is told how far the transaction is, by one
	// goroutine at a time.
	Progress func(Progress)
}

// Run carries the job out and tells what became of the host. When ctx ends
// before the change is verified the host is rolled back; Run does not return
// before that is done. The cause of ctx becomes part of the result's error.
func (r *Runner) Run(ctx context.Context, job Job) *Result {
	logger := r.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if job.Timeout == 0 {
		job.Timeout = baseLimit + time.Duration(len(job.Plan.Steps))*stepLimit
	}
	run := &run{
		Job:     job,
		engine:  r.Engine,
		logger:  logger.With("transaction", job.ID, "engine", r.Engine.Name()),
		machine: Machine{NoVerify: job.NoVerify},
		result:  Result{ID: job.ID},
		until:   time.Now().Add(job.Timeout),
		answers: make(chan Event, 1),
	}
	return run.loop(ctx)
}

// run is one transaction under way. The machine and the effects belong to the
// goroutine of loop; an effect that takes time runs in its own goroutine, one
// at a time, and gives what it wrote back with its answer.
type run struct {
	Job
	engine  engine.Engine
	logger  *slog.Logger
	machine Machine
	result  Result
	// until is the end of Timeout, since that of verifying's begin.
	until, since time.Time
	checkpoint   engine.Checkpoint
	// began is set when the engine told that the first change is next.
	began bool
	// warnings are what the engine told on the way; a rollback makes them void.
	warnings []string
	// answers holds the one answer of the effect that is under way.
	answers chan Event
	// cancel ends that effect early.
	cancel context.CancelFunc
}

func (r *run) loop(ctx context.Context) *Result {
	limit := time.NewTimer(r.Timeout)
	defer limit.Stop()
	caller := ctx.Done()
	effects := r.machine.Step(Started{})
	for {
		for _, effect := range effects {
			r.perform(ctx, effect)
		}
		if r.machine.Phase() == Done {
			return &r.result
		}
		select {
		case answer := <-r.answers:
			r.cancel()
			effects = r.machine.Step(answer)
			r.tellWaiting(answer)
		case <-caller:
			caller = nil
			effects = r.machine.Step(Interrupted{gaveUp(ctx)})
		case <-limit.C:
			effects = r.machine.Step(Interrupted{r.late()})
		}
	}
}

// tellWaiting tells what the host has not become yet, when that is waited for.
func (r *run) tellWaiting(answer Event) {
	v, ok := answer.(Verified)
	if ok && len(v.Waiting) > 0 && r.Progress != nil && r.machine.Phase() == Verifying {
		r.Progress(Progress{Phase: Verifying, Total: len(r.Plan.Steps), Waiting: v.Waiting[0].What})
	}
}

func (r *run) perform(ctx context.Context, effect Effect) {
	switch effect := effect.(type) {
	case Enter:
		r.enter(effect.Phase)
	case Cancel:
		r.cancel()
	case Report:
		r.report(effect)
	default:
		r.start(ctx, effect)
	}
}

// enter is the place where a phase is put on record before its first effect.
func (r *run) enter(phase Phase) {
	if phase == Verifying {
		r.since = time.Now()
	}
	if phase == RollingBack {
		r.logger.Info(string(phase), "steps", r.result.Steps, "err", r.machine.cause)
	} else {
		r.logger.Debug(string(phase), "steps", len(r.Plan.Steps))
	}
	if r.Progress != nil {
		r.Progress(Progress{Phase: phase, Total: len(r.Plan.Steps)})
	}
}

func (r *run) report(effect Report) {
	r.result.Outcome, r.result.Err, r.result.Warnings = effect.Outcome, effect.Err, effect.Warnings
	if effect.Outcome == Applied {
		r.result.Warnings = slices.Concat(r.warnings, effect.Warnings)
	}
	if effect.Err != nil {
		r.logger.Error("transaction failed", "outcome", effect.Outcome, "steps", r.result.Steps, "err", effect.Err)
	} else {
		r.logger.Info("transaction done", "outcome", effect.Outcome, "steps", r.result.Steps)
	}
}

// start begins an effect that is answered later. What the caller's context
// carries stays, its end does not: that goes through the machine.
func (r *run) start(ctx context.Context, effect Effect) {
	ctx = context.WithoutCancel(ctx)
	switch effect.(type) {
	case RollBack, Release:
		ctx, r.cancel = context.WithTimeout(ctx, wayBackLimit)
	default:
		ctx, r.cancel = context.WithCancel(ctx)
	}
	go func() { r.answers <- r.safely(ctx, effect) }()
}

// gaveUp is the error of a caller that does not want to wait any longer.
func gaveUp(ctx context.Context) error {
	return &engine.Error{Kind: engine.Timeout, Err: context.Cause(ctx)}
}

// moreTime is the hint where the caller's limit cut something short.
const moreTime = "give it more time with --timeout"

// late is the error of a transaction that reached its limit.
func (r *run) late() error {
	return &engine.Error{
		Kind: engine.Timeout,
		Hint: moreTime,
		Err:  fmt.Errorf("not applied and verified within %s", r.Timeout),
	}
}
