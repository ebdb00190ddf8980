package transaction

import (
	"context"
	"errors"
	"time"

	"holdfast/engine"
	"holdfast/plan"
)

// Recorder keeps a transaction on record. Its methods are called by one
// goroutine at a time, in the order that the Machine has. What they write
// outlives the process, and but for Mark's also the host, when they return.
type Recorder interface {
	Journal
	// Commit makes the change the newest generation. After an error the change
	// is rolled back: the generation must not count then, once the process that
	// carries it is gone, unless the host is started anew.
	Commit() error
	// Fail writes down how a change ended that was not committed; cause says why.
	// It is called again, after a recovery, for a change whose Fail or Finish did
	// not come to an end.
	Fail(outcome Outcome, cause error, took time.Duration) error
}

// Journal is the pending transaction on record.
type Journal interface {
	// Prepare writes the change and the journal. After an error Drop is called.
	Prepare(Record) error
	// Begin writes that the host is about to be changed. After an error Drop is
	// called.
	Begin() error
	// Mark notes a phase, Waiting or RollingBack, where it is lost with the
	// host's memory, which is how it may be written while the network is half-way.
	// Deadline is the time to confirm by, since the host was started; 0 is none.
	Mark(phase Phase, deadline time.Duration, attempts int) error
	// Finish closes the journal.
	Finish() error
	// Drop takes a transaction that changed nothing off the record, also after a
	// Prepare or Begin that failed half-way. That there is none is no error.
	Drop() error
}

// Record is what Prepare writes of a transaction, beside what the caller knows
// of it.
type Record struct {
	// Transaction is the Job's ID.
	Transaction string
	// Plan is what is about to be carried out.
	Plan *plan.Plan
	// Checkpoint is stored, for engine.Engine.Reopen.
	Checkpoint []byte
	// ConfirmWithin is the time to confirm in; 0 if nobody has to.
	ConfirmWithin time.Duration
	// Deadline is the end of that time, since the host was started, suspended
	// time included (CLOCK_BOOTTIME); 0 if nobody has to confirm.
	Deadline time.Duration
}

func (Prepare) do(_ context.Context, r *Run) Event {
	r.checkpoint.Applied(r.job.Plan)
	stored, err := r.checkpoint.Store()
	if err != nil {
		return Prepared{&engine.Error{Op: "store the checkpoint", Kind: engine.Internal, Err: err}}
	}
	return Prepared{onRecord("prepare the change", r.job.Recorder.Prepare(Record{
		Transaction:   r.job.ID,
		Plan:          r.job.Plan,
		Checkpoint:    stored,
		ConfirmWithin: r.job.ConfirmWithin,
		Deadline:      r.deadline,
	}))}
}

func (Begin) do(_ context.Context, r *Run) Event {
	return Begun{onRecord("begin the change", r.job.Recorder.Begin())}
}

func (e Mark) do(_ context.Context, r *Run) Event {
	return Marked{onRecord("mark the change", r.job.Recorder.Mark(e.Phase, r.deadline, e.Attempts))}
}

func (Commit) do(_ context.Context, r *Run) Event {
	return Committed{onRecord("commit the change", r.job.Recorder.Commit())}
}

func (e Fail) do(_ context.Context, r *Run) Event {
	return Recorded{onRecord("write down how the change ended", r.job.Recorder.Fail(e.Outcome, e.Err, time.Since(r.began)))}
}

func (Finish) do(_ context.Context, r *Run) Event {
	return Finished{onRecord("close the journal", r.job.Recorder.Finish())}
}

func (Drop) do(_ context.Context, r *Run) Event {
	return Dropped{onRecord("drop the journal", r.job.Recorder.Drop())}
}

func (Prepare) failed(err error) Event { return Prepared{err} }
func (Begin) failed(err error) Event   { return Begun{err} }
func (Mark) failed(err error) Event    { return Marked{err} }
func (Commit) failed(err error) Event  { return Committed{err} }
func (Fail) failed(err error) Event    { return Recorded{err} }
func (Finish) failed(err error) Event  { return Finished{err} }
func (Drop) failed(err error) Event    { return Dropped{err} }

// onRecord gives a recorder's error a kind and a hint, unless it has them.
func onRecord(op string, err error) error {
	if err == nil {
		return nil
	}
	if known, ok := errors.AsType[*engine.Error](err); ok {
		return known
	}
	return &engine.Error{
		Op: op, Kind: engine.Internal, Err: err,
		Hint: "holdfast needs a state directory that can be written (--state-dir)",
	}
}
