package transaction

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"holdfast/engine"
)

// Effect is something that the Machine wants done. Its text is the trace of
// the scripts in testdata.
type Effect interface{ fmt.Stringer }

// The effects that are answered by one event each. There is never more than one
// of them under way.
type (
	// Probe asks what must be reachable.
	Probe struct{ When Occasion }
	// TakeCheckpoint takes the picture to come back to.
	TakeCheckpoint struct{}
	// Prepare writes the transaction down, with the checkpoint.
	Prepare struct{}
	// Begin writes down that the host is about to be changed. From here until
	// the end of apply or rollback nothing is written but marks.
	Begin struct{}
	// Apply carries the plan out.
	Apply struct{}
	// Verify reads the host and compares.
	Verify struct{}
	// Repair plans again from what is there now and carries that out.
	Repair struct{}
	// Wait waits.
	Wait struct{ For time.Duration }
	// Mark notes a phase where a restart of the process finds it and one of the
	// host does not. It comes before the phase's first effect.
	Mark struct {
		// Phase is Waiting or RollingBack.
		Phase Phase
		// Attempts counts the rollbacks, the one that begins included.
		Attempts int
	}
	// Commit makes the change the newest generation: the point of no return.
	Commit struct{}
	// Reopen gets the checkpoint back from the journal.
	Reopen struct{}
	// RollBack takes the host back to the checkpoint and verifies that.
	RollBack struct{}
	// Release lets the checkpoint go.
	Release struct{}
	// Fail writes down how a transaction ended that was not committed.
	Fail struct {
		Outcome Outcome
		Err     error
	}
	// Finish closes the journal.
	Finish struct{}
	// Drop takes a prepared transaction that changed nothing off the record.
	Drop struct{}
)

// The effects that are not answered.
type (
	// Enter tells that a phase begins. It comes before the phase's first effect.
	Enter struct{ Phase Phase }
	// Cancel makes the effect that is under way end early; it is answered all
	// the same.
	Cancel struct{}
	// AwaitAnswer tells that nothing is done until one of Confirmed,
	// RollbackAsked, DeadlinePassed, Interrupted or Left comes.
	AwaitAnswer struct{}
	// Refuse tells who asked by the event just taken that it cannot be; Err says
	// why. Without a Refuse what was asked for is granted, and the report tells
	// what it came to.
	Refuse struct{ Err error }
	// Report is the end: what became of the host, and why.
	Report struct {
		Outcome  Outcome
		Err      error
		Warnings []string
	}
)

// String is "probe WHEN".
func (e Probe) String() string { return "probe " + string(e.When) }

// String is the effect's name.
func (TakeCheckpoint) String() string { return "checkpoint" }

// String is the effect's name.
func (Prepare) String() string { return "prepare" }

// String is the effect's name.
func (Begin) String() string { return "begin" }

// String is the effect's name.
func (Apply) String() string { return "apply" }

// String is the effect's name.
func (Verify) String() string { return "verify" }

// String is the effect's name.
func (Repair) String() string { return "repair" }

// String is "wait DURATION".
func (e Wait) String() string { return "wait " + e.For.String() }

// String is "mark PHASE", with the attempt if it is not the first.
func (e Mark) String() string {
	if e.Attempts > 1 {
		return fmt.Sprintf("mark %s, attempt %d", e.Phase, e.Attempts)
	}
	return "mark " + string(e.Phase)
}

// String is the effect's name.
func (Commit) String() string { return "commit" }

// String is the effect's name.
func (Reopen) String() string { return "reopen" }

// String is the effect's name.
func (RollBack) String() string { return "roll back" }

// String is the effect's name.
func (Release) String() string { return "release" }

// String is "fail OUTCOME" with the error, quoted.
func (e Fail) String() string { return told("fail", e.Outcome, e.Err) }

// String is the effect's name.
func (Finish) String() string { return "finish" }

// String is the effect's name.
func (Drop) String() string { return "drop" }

// String is "enter PHASE".
func (e Enter) String() string { return "enter " + string(e.Phase) }

// String is the effect's name.
func (Cancel) String() string { return "cancel" }

// String is the effect's name.
func (AwaitAnswer) String() string { return "await answer" }

// String is "refuse" with the error, quoted.
func (e Refuse) String() string { return fmt.Sprintf("refuse %q", e.Err.Error()) }

// String is "report OUTCOME" with the error, its hint and the warnings, quoted.
func (e Report) String() string {
	var b strings.Builder
	b.WriteString(told("report", e.Outcome, e.Err))
	if fault, ok := errors.AsType[*engine.Error](e.Err); ok && fault.Hint != "" {
		fmt.Fprintf(&b, " hint %q", fault.Hint)
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&b, " warning %q", w)
	}
	return b.String()
}

func told(what string, outcome Outcome, err error) string {
	if err == nil {
		return what + " " + string(outcome)
	}
	return fmt.Sprintf("%s %s error %q", what, outcome, err.Error())
}
