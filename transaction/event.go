package transaction

import "time"

// Event is something that happened, for the Machine to answer. What an event
// leads to stands with the course that it belongs to: forward.go, waiting.go,
// back.go and recovery.go.
type Event interface {
	// step changes the machine and tells what to do.
	step(m *Machine) []Effect
}

// The events that begin a transaction.
type (
	// Started begins a new one.
	Started struct{}
	// Restarted takes one up that another process left behind; Machine.Journal
	// is set, since it comes from there.
	Restarted struct {
		// Phase is how far the journal says that it came: Preparing (nothing was
		// changed), Applying, Waiting, RollingBack, Committing (the generation is
		// there) or Done (how it failed is written down).
		Phase Phase
		// Outcome is what is written down, in Done.
		Outcome Outcome
		// OwnerAlive is set when somebody still carries it.
		OwnerAlive bool
		// SameBoot is set when the host was not started anew since.
		SameBoot bool
		// DeadlineAhead is set when there is time left to confirm.
		DeadlineAhead bool
		// Attempts counts the rollbacks that were begun.
		Attempts int
		// Asked is set when a person asked for the rollback, who may ask as often
		// as they like.
		Asked bool
	}
)

// The events that answer effects. Err is nil where what was tried worked.
type (
	// Probed answers Probe.
	Probed struct {
		// Err is why nothing could be probed.
		Err error
		// Wrong lists what must be reachable and is not, one line each.
		Wrong []string
		// Warnings lists what else is worth telling.
		Warnings []string
	}
	// Checkpointed answers TakeCheckpoint.
	Checkpointed struct{ Err error }
	// Prepared answers Prepare.
	Prepared struct{ Err error }
	// Begun answers Begin.
	Begun struct{ Err error }
	// AppliedPlan answers Apply.
	AppliedPlan struct {
		Err error
		// Untouched is set when Err came before the first change.
		Untouched bool
	}
	// Verified answers Verify.
	Verified struct {
		// Err is why the host could not be read.
		Err error
		// Wrong lists what is not as it was asked for, one line each.
		Wrong []string
		// Final is set when repairing Wrong is of no use: an address that
		// another host has, for example.
		Final bool
		// Waiting lists what is not there yet but may still come.
		Waiting []Outstanding
		// Elapsed is the time since verifying began.
		Elapsed time.Duration
		// Left is the time to the transaction's limit.
		Left time.Duration
	}
	// Repaired answers Repair.
	Repaired struct{ Err error }
	// TimerFired answers Wait.
	TimerFired struct{}
	// Marked answers Mark.
	Marked struct{ Err error }
	// Committed answers Commit.
	Committed struct{ Err error }
	// Released answers Release.
	Released struct{ Err error }
	// Reopened answers Reopen.
	Reopened struct{ Err error }
	// RolledBackTo answers RollBack.
	RolledBackTo struct{ Err error }
	// Recorded answers Fail.
	Recorded struct{ Err error }
	// Finished answers Finish.
	Finished struct{ Err error }
	// Dropped answers Drop.
	Dropped struct{ Err error }
)

// The events that come from outside, at any time.
type (
	// Interrupted tells that the caller gave up, a signal came, or the limit for
	// applying passed; Err says which.
	Interrupted struct{ Err error }
	// Confirmed tells that somebody wants to keep the change.
	Confirmed struct{ Who string }
	// RollbackAsked tells that somebody wants the change undone.
	RollbackAsked struct{ Who string }
	// DeadlinePassed tells that nobody confirmed in time; Err says so.
	DeadlinePassed struct{ Err error }
	// Left tells that this process ends and that another one will take the
	// transaction up. Up to Waiting it goes on; from there it is left alone.
	Left struct{}
)

// Outstanding is something asynchronous that has not come true yet: duplicate
// address detection, a carrier, an LACP partner.
type Outstanding struct {
	// What is one line for people.
	What string
	// Budget is how long to wait for it before it counts as missing.
	Budget time.Duration
	// Minor things that are missing are a warning, others a failure.
	Minor bool
}
