// Package transaction changes a host so that it ends as was asked for, or as
// it was before.
//
// A Machine decides: it is pure, takes events and answers with effects, so
// that every course of a transaction is a script in testdata. A Runner
// performs the effects with an engine. One run goes through the phases
// preparing (checkpoint), applying, verifying (read back, wait for what is
// asynchronous, repair once what others changed meanwhile) and committing; a
// failure, a signal or the time limit before committing leads to rolling back,
// which the engine verifies itself.
package transaction

import (
	"strings"

	"holdfast/engine"
	"holdfast/plan"
)

// Outcome is what became of the host; the list is closed and crosses the API.
type Outcome string

// The outcomes.
const (
	// Unchanged says that the host was not touched.
	Unchanged Outcome = "unchanged"
	// Applied says that the change is in force and verified.
	Applied Outcome = "applied"
	// Pending says that the change is in force and waits to be confirmed.
	Pending Outcome = "pending"
	// RolledBack says that the change failed and the host is as it was.
	RolledBack Outcome = "rolled-back"
	// RollbackFailed says that the change failed and the host is not as it
	// was; the error tells in what it differs.
	RollbackFailed Outcome = "rollback-failed"
	// UnknownOutcome says that nobody knows, because the answer was lost.
	UnknownOutcome Outcome = "unknown"
)

// Phase is how far a transaction is.
type Phase string

// The phases, in the order in which a transaction goes through them. From
// each before Committing it may go to RollingBack.
const (
	// Preparing takes the checkpoint; nothing is changed.
	Preparing Phase = "preparing"
	// Applying carries the plan out.
	Applying Phase = "applying"
	// Verifying reads back and waits for what is asynchronous.
	Verifying Phase = "verifying"
	// Committing lets the checkpoint go; there is no way back from here.
	Committing Phase = "committing"
	// RollingBack takes the host back to the checkpoint.
	RollingBack Phase = "rolling back"
	// Done is the end.
	Done Phase = "done"
)

// Result is what a transaction came to.
type Result struct {
	// ID names the transaction in logs and answers.
	ID string
	// Outcome is what became of the host.
	Outcome Outcome
	// Steps counts the plan's steps that were carried out, repairs included;
	// they are undone if Outcome says so.
	Steps int
	// Warnings are what the caller should know, one sentence each.
	Warnings []string
	// Err is why Outcome is not Applied; nil if it is. After a rollback that
	// failed it holds both the cause and the *engine.RollbackError.
	Err error
}

// Progress is how far a transaction is, for people who wait.
type Progress struct {
	// Phase is what is being done.
	Phase Phase
	// Done and Total count the plan's steps; they are of use in Applying.
	Done, Total int
	// Step is the one that was just done, nil before the first.
	Step *plan.Step
	// Waiting is one line about what is waited for in Verifying; empty as long
	// as nothing is.
	Waiting string
}

// VerifyError tells that the host did not become what was asked for. It comes
// wrapped in an *engine.Error of kind verification.
type VerifyError struct {
	// Wrong lists what differs, one line each.
	Wrong []string
}

// Error lists the differences.
func (e *VerifyError) Error() string {
	if len(e.Wrong) == 1 {
		return "after the change " + e.Wrong[0]
	}
	return "the host did not become what was asked for:\n  " + strings.Join(e.Wrong, "\n  ")
}

func verifyError(wrong []string, hint string) error {
	return &engine.Error{Kind: engine.Verification, Hint: hint, Err: &VerifyError{Wrong: wrong}}
}
