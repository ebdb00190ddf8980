package transaction

import (
	"errors"
	"fmt"
	"strings"

	"holdfast/engine"
)

// errLeft and errOwned are causes that nobody has to tell apart.
var (
	errLeft  = errors.New("holdfast ends, and nothing is on record that could be taken up")
	errOwned = errors.New("the process that carries this change is alive")
)

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

// ProbeError tells what must be reachable and is not. It comes wrapped in an
// *engine.Error of kind unreachable.
type ProbeError struct {
	// Before is set when it was not reachable before the change either.
	Before bool
	// Wrong lists what is not reachable, one line each.
	Wrong []string
}

// Error lists what is not reachable.
func (e *ProbeError) Error() string {
	when := "after"
	if e.Before {
		when = "already before"
	}
	if len(e.Wrong) == 1 {
		return fmt.Sprintf("%s the change %s", when, e.Wrong[0])
	}
	return fmt.Sprintf("%s the change:\n  %s", when, strings.Join(e.Wrong, "\n  "))
}

// probeError is nil if nothing is wrong.
func probeError(phase Phase, wrong []string) error {
	if len(wrong) == 0 {
		return nil
	}
	e := &engine.Error{Kind: engine.Unreachable, Err: &ProbeError{Before: phase == Preparing, Wrong: wrong}}
	if phase == Preparing {
		e.Hint = "leave the probe out, or put a ? at its end if it may fail"
	}
	return e
}

// RequestError is the cause of a rollback that somebody asked for. It comes
// wrapped in an *engine.Error of kind conflict.
type RequestError struct {
	// Who asked, in one line.
	Who string
}

// Error names who asked.
func (e *RequestError) Error() string { return e.Who + " asked for the rollback" }

// UnconfirmedError is the cause of a rollback since nobody confirmed in time. It
// comes wrapped in an *engine.Error of kind timeout.
type UnconfirmedError struct {
	// Within is the time that there was, in words; empty if it is not known any
	// more.
	Within string
}

// Error tells the time.
func (e *UnconfirmedError) Error() string {
	if e.Within == "" {
		return "not confirmed in time"
	}
	return "not confirmed within " + e.Within
}

// CutOffError is the cause of a rollback of what another process left behind. It
// comes wrapped in an *engine.Error of kind internal.
type CutOffError struct {
	// Phase is how far that process came.
	Phase Phase
	// Restart is set when the host was started anew since.
	Restart bool
}

// Error tells how far it came.
func (e *CutOffError) Error() string {
	if e.Restart {
		return fmt.Sprintf("the host was restarted while an earlier change was %s", e.Phase)
	}
	return fmt.Sprintf("holdfast ended while an earlier change was %s", e.Phase)
}

// AttemptsError tells that a rollback was begun so often that it is not tried
// again by itself. It comes wrapped in an *engine.Error of kind conflict.
type AttemptsError struct {
	// Attempts counts them.
	Attempts int
}

// Error counts them.
func (e *AttemptsError) Error() string {
	return fmt.Sprintf("the rollback of an earlier change was begun %d times and never came to an end", e.Attempts)
}
