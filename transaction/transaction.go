// Package transaction changes a host so that it ends as was asked for, or as
// it was before, whatever is killed when.
//
// A Machine decides: it is pure, takes events and answers with effects, so
// that every course of a transaction, and a crash after each of its effects, is
// a script in testdata. A Runner performs the effects with an engine, a Recorder
// and a Prober, and gives a Run that can be confirmed and rolled back from
// outside.
//
// One run goes through the phases preparing (probe, checkpoint, journal),
// applying, verifying (read back, wait for what is asynchronous, repair once
// what others changed meanwhile), probing, waiting for confirmation and
// committing; a failure, a signal, the time limit, or nobody's confirming before
// committing leads to rolling back, which the engine verifies itself. Between the
// first change and the end of applying or rolling back nothing is written but
// marks in the run directory: the state directory may lie on storage that is
// reached over the very network.
package transaction

import (
	"time"

	"holdfast/plan"
)

// Result is what a transaction came to.
type Result struct {
	// ID names the transaction in logs and answers.
	ID string
	// Outcome is what became of the host.
	Outcome Outcome
	// Steps counts the plan's steps that were carried out, repairs included;
	// they are undone if Outcome says so. It is 0 after a recovery.
	Steps int
	// Warnings are what the caller should know, one sentence each.
	Warnings []string
	// Probes are the answers of all probes, in the order of the occasions.
	Probes []ProbeAnswer
	// ConfirmedBy tells who confirmed; empty if nobody did or had to.
	ConfirmedBy string
	// Took is how long it took, waiting for confirmation included.
	Took time.Duration
	// Err is why Outcome is not Applied or Pending; nil if it is. After a
	// rollback that failed it holds both the cause and the
	// *engine.RollbackError.
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
	// Left is the time to confirm, in Waiting.
	Left time.Duration
}
