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
type Effect interface {
	fmt.Stringer
	effect()
}

// The effects. TakeCheckpoint, Apply, Verify, Repair, Wait, RollBack and
// Release are answered by one event each; there is never more than one of them
// under way.
type (
	// Enter tells that a phase begins. It comes before the phase's first
	// effect, so that what has to be on record before it can be put there.
	Enter struct{ Phase Phase }
	// TakeCheckpoint takes the picture to come back to.
	TakeCheckpoint struct{}
	// Apply carries the plan out.
	Apply struct{}
	// Cancel makes the effect that is under way end early; it is answered all
	// the same.
	Cancel struct{}
	// Verify reads the host and compares.
	Verify struct{}
	// Repair plans again from what is there now and carries that out.
	Repair struct{}
	// Wait waits.
	Wait struct{ For time.Duration }
	// RollBack takes the host back to the checkpoint and verifies that.
	RollBack struct{}
	// Release lets the checkpoint go.
	Release struct{}
	// Report is the end: what became of the host, and why.
	Report struct {
		Outcome  Outcome
		Err      error
		Warnings []string
	}
)

func (Enter) effect()          {}
func (TakeCheckpoint) effect() {}
func (Apply) effect()          {}
func (Cancel) effect()         {}
func (Verify) effect()         {}
func (Repair) effect()         {}
func (Wait) effect()           {}
func (RollBack) effect()       {}
func (Release) effect()        {}
func (Report) effect()         {}

// String is "enter PHASE".
func (e Enter) String() string { return "enter " + string(e.Phase) }

// String is the effect's name.
func (TakeCheckpoint) String() string { return "checkpoint" }

// String is the effect's name.
func (Apply) String() string { return "apply" }

// String is the effect's name.
func (Cancel) String() string { return "cancel" }

// String is the effect's name.
func (Verify) String() string { return "verify" }

// String is the effect's name.
func (Repair) String() string { return "repair" }

// String is "wait DURATION".
func (e Wait) String() string { return "wait " + e.For.String() }

// String is the effect's name.
func (RollBack) String() string { return "roll back" }

// String is the effect's name.
func (Release) String() string { return "release" }

// String is "report OUTCOME" with the error, its hint and the warnings, quoted.
func (e Report) String() string {
	var b strings.Builder
	b.WriteString("report " + string(e.Outcome))
	if e.Err != nil {
		fmt.Fprintf(&b, " error %q", e.Err.Error())
		if fault, ok := errors.AsType[*engine.Error](e.Err); ok && fault.Hint != "" {
			fmt.Fprintf(&b, " hint %q", fault.Hint)
		}
	}
	for _, w := range e.Warnings {
		fmt.Fprintf(&b, " warning %q", w)
	}
	return b.String()
}
