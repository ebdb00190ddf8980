package engine

import (
	"fmt"
	"strings"

	"holdfast/plan"
)

// Kind says what sort of fault an error is; the list is closed and crosses
// the API.
type Kind string

// The kinds of fault.
const (
	Invalid      Kind = "invalid"
	NotFound     Kind = "not-found"
	Busy         Kind = "busy"
	Unsupported  Kind = "unsupported"
	Permission   Kind = "permission"
	Timeout      Kind = "timeout"
	Conflict     Kind = "conflict"
	Verification Kind = "verification"
	Unreachable  Kind = "unreachable"
	Internal     Kind = "internal"
)

// Error is a fault with what people and programs need to act on it.
type Error struct {
	// Op is what was tried, "set mode 802.3ad" for example.
	Op string
	// Object names what it was tried on, an interface for example.
	Object string
	// Kind is the sort of fault.
	Kind Kind
	// Hint says what to do about it; may be empty.
	Hint string
	// Err is the cause. Error wraps it.
	Err error
}

// Error is "object: op: cause".
func (e *Error) Error() string {
	var parts []string
	for _, s := range []string{e.Object, e.Op} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if e.Err != nil {
		parts = append(parts, e.Err.Error())
	}
	return strings.Join(parts, ": ")
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// StepError is the failure of one step of a plan.
type StepError struct {
	// Index is the step's place in the plan.
	Index int
	// Step is the step.
	Step *plan.Step
	// Err is the cause, usually an *Error.
	Err error
}

// Error is the cause's text; its object and operation name the step.
func (e *StepError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StepError) Unwrap() error { return e.Err }

// RollbackError tells that a rollback did not bring everything back.
type RollbackError struct {
	// Differences lists in what the host differs, one line each.
	Differences []string
	// Err is why, nil when every step worked and the host still differs.
	Err error
}

// Error lists the differences.
func (e *RollbackError) Error() string {
	text := "the host is not as it was"
	if e.Err != nil {
		text = fmt.Sprintf("%s: %v", text, e.Err)
	}
	if len(e.Differences) > 0 {
		text += ":\n  " + strings.Join(e.Differences, "\n  ")
	}
	return text
}

// Unwrap gives the cause.
func (e *RollbackError) Unwrap() error { return e.Err }
