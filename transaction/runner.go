package transaction

import (
	"context"
	"log/slog"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// Runner performs what a Machine decides. It runs one transaction at a time;
// the caller holds the host's lock until the Run is done.
type Runner struct {
	// Engine carries plans out.
	Engine engine.Engine
	// Clock is the time since the host was started; BootTime if nil.
	Clock func() time.Duration
	// Logger is told decisions; nil is nobody.
	Logger *slog.Logger
}

// Job is one transaction.
type Job struct {
	// ID names it in logs and answers.
	ID string
	// Plan is what to carry out. It is not empty: a plan without steps is not
	// worth a checkpoint. nil when a transaction is recovered.
	Plan *plan.Plan
	// Recorder keeps it on record. nil keeps nothing: a crash can then not be
	// recovered from.
	Recorder Recorder
	// Check tells in what the host that was read back differs from what was
	// asked for; nil for nothing.
	Check func(result *state.State) []Mismatch
	// Replan plans again from what is on the host now to what was asked for,
	// to repair what others changed while the plan was carried out. nil never
	// repairs.
	Replan func(current *state.State) (*plan.Plan, error)
	// Probe asks what must be reachable; nil for nothing.
	Probe Prober
	// ProbeBudget is how long Probe may take on one occasion; it is added to a
	// limit that is not given.
	ProbeBudget time.Duration
	// NoVerify leaves verification out: the change is done when every step is.
	NoVerify bool
	// Timeout is the limit from the beginning to the end of verifying and
	// probing. 0 chooses one by the plan, the bridges and the probes, and extends
	// it while progress is made; one that is given is kept.
	Timeout time.Duration
	// ConfirmWithin is how long somebody may take to confirm, counted from before
	// the first change; when it passes the host is rolled back, also in the midst
	// of applying. 0 does not wait for anybody.
	ConfirmWithin time.Duration
	// Attended tells that the end of the context while waiting for confirmation
	// is somebody's wish to go back (Ctrl-C at a terminal). Otherwise the change
	// goes on waiting after whoever asked for it is gone.
	Attended bool
	// Progress, if not nil, is told how far the transaction is, by one
	// goroutine at a time.
	Progress func(Progress)
}

// Restart is what is on record of a transaction that another process left
// behind.
type Restart struct {
	// Phase is how far it came: Preparing (on disk and nothing was changed),
	// Applying, Waiting, RollingBack, Committing (the generation is there) or Done
	// (how it failed is written down, and only the journal is open).
	Phase Phase
	// Outcome is what is written down, in Done.
	Outcome Outcome
	// OwnerAlive is set when somebody still carries it; it is left alone then,
	// and the error is of kind busy.
	OwnerAlive bool
	// SameBoot is set when the host was not started anew since.
	SameBoot bool
	// Checkpoint is what was stored of it.
	Checkpoint []byte
	// Deadline is when it is rolled back unless it is confirmed, since the host
	// was started; 0 is never.
	Deadline time.Duration
	// Attempts counts the rollbacks that were begun.
	Attempts int
	// Asked is set when a person asked for the rollback: what is done by itself is
	// tried three times only.
	Asked bool
}

// Start begins the job and returns at once. When ctx ends before the change is
// verified and probed the host is rolled back; what its end means later says
// Job.Attended. The cause of ctx becomes part of the result's error.
func (r *Runner) Start(ctx context.Context, job Job) *Run {
	run := r.newRun(job, Machine{
		NoVerify: job.NoVerify,
		Journal:  job.Recorder != nil,
		Probes:   job.Probe != nil,
		Confirm:  job.ConfirmWithin > 0,
		Attended: job.Attended,
	})
	run.limit = newLimit(run.began, &job)
	go run.loop(ctx, Started{})
	return run
}

// Run carries the job out and tells what became of the host. It returns when
// nothing is under way and nothing pending any more.
func (r *Runner) Run(ctx context.Context, job Job) *Result {
	run := r.Start(ctx, job)
	<-run.Done()
	return run.Result()
}

// Recover takes up what is on record and returns at once. Of job the ID, the
// Recorder, Probe, Attended and Progress count. While it is rolled back the end
// of ctx changes nothing.
//
// The outcome is Unchanged when nothing had begun (or, with an error of kind
// busy, when somebody still carries it), RolledBack or RollbackFailed with the
// reason as the error, and Applied when it was committed, or is confirmed now.
func (r *Runner) Recover(ctx context.Context, job Job, restart Restart) *Run {
	run := r.newRun(job, Machine{Journal: true, Probes: job.Probe != nil, Attended: job.Attended})
	run.stored = restart.Checkpoint
	if restart.Phase == Waiting && restart.Deadline > 0 {
		run.deadline = restart.Deadline
	}
	go run.loop(ctx, Restarted{
		Phase:         restart.Phase,
		Outcome:       restart.Outcome,
		OwnerAlive:    restart.OwnerAlive,
		SameBoot:      restart.SameBoot,
		DeadlineAhead: restart.Deadline == 0 || restart.Deadline > run.clock(),
		Attempts:      restart.Attempts,
		Asked:         restart.Asked,
	})
	return run
}

func (r *Runner) newRun(job Job, machine Machine) *Run {
	logger, clock := r.Logger, r.Clock
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	if clock == nil {
		clock = BootTime
	}
	run := &Run{
		job:     job,
		engine:  r.Engine,
		clock:   clock,
		logger:  logger.With("transaction", job.ID, "engine", r.Engine.Name()),
		machine: machine,
		began:   time.Now(),
		result:  Result{ID: job.ID},
		answers: make(chan Event, 1),
		asks:    make(chan *ask),
		settled: make(chan struct{}),
		done:    make(chan struct{}),
	}
	if job.Plan != nil {
		run.steps = len(job.Plan.Steps)
	}
	return run
}
