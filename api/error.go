package api

import (
	"errors"
	"net/http"
	"os"

	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/plan"
	"holdfast/transaction"
)

// Error is a failure, the value of "error" in a body.
type Error struct {
	// Kind is the sort of fault; the list is closed.
	Kind engine.Kind `json:"kind"`
	// Message says what is wrong, for people; it may have several lines.
	Message string `json:"message"`
	// Hint says what to do about it; may be empty.
	Hint string `json:"hint"`
	// Object is the interface, route, file or key at fault; may be empty.
	Object string `json:"object"`
	// Outcome is what became of the host.
	Outcome transaction.Outcome `json:"outcome"`
	// Problems are the faults of the input, where it is one.
	Problems []Fault `json:"problems,omitempty"`
	// Rollback is why a rollback failed, Differences in what the host differs
	// from before.
	Rollback    string   `json:"rollback,omitempty"`
	Differences []string `json:"differences,omitempty"`
	// Result is all that is known of the change.
	Result *Result `json:"result,omitempty"`
}

// Fault is one problem of the input.
type Fault struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Key     string `json:"key,omitempty"`
	Value   string `json:"value,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// Unsupported is set when the input is right, but asks for something that is
	// not carried out yet.
	Unsupported bool `json:"unsupported,omitempty"`
}

// Failure is the body of an answer that is no success.
type Failure struct {
	Error *Error `json:"error"`
}

// NewError describes an error of that kind.
func NewError(err error, kind engine.Kind, outcome transaction.Outcome) *Error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	e := &Error{Kind: kind, Outcome: outcome}
	if failed, ok := errors.AsType[*engine.RollbackError](err); ok {
		e.Differences, e.Rollback = failed.Differences, "the host is not as it was"
		if failed.Err != nil {
			e.Rollback += ": " + failed.Err.Error()
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			err = joined.Unwrap()[0]
		}
	}
	e.Message = err.Error()
	if fault, ok := errors.AsType[*engine.Error](err); ok {
		e.Hint, e.Object = fault.Hint, fault.Object
	}
	if refused, ok := errors.AsType[*plan.RefusedError](err); ok {
		e.Object = refused.Refusals[0].Object
	}
	e.faults(err)
	return e
}

func (e *Error) faults(err error) {
	var all problem.List
	if list, ok := errors.AsType[*problem.List](err); ok {
		all = *list
	} else if p, ok := errors.AsType[*problem.Problem](err); ok {
		all.Add(p)
	}
	for i, p := range all.All() {
		if i == 0 {
			e.Hint, e.Object = p.Hint, p.Key
		}
		e.Problems = append(e.Problems, Fault{p.File, p.Line, p.Column, p.Key, p.Value, p.Message, p.Hint, p.Unsupported})
	}
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

// Unwrap gives what the daemon had: an *engine.Error or the problems of an
// input, and an *engine.RollbackError where the rollback failed, too. An error
// of kind permission is os.ErrPermission as well.
func (e *Error) Unwrap() []error {
	list := []error{e.cause()}
	if e.Rollback != "" {
		failed := &engine.RollbackError{Differences: e.Differences}
		const told = "the host is not as it was: "
		if len(e.Rollback) > len(told) {
			failed.Err = errors.New(e.Rollback[len(told):])
		}
		list = append(list, failed)
	}
	return list
}

func (e *Error) cause() error {
	if len(e.Problems) > 0 {
		list := &problem.List{}
		for _, f := range e.Problems {
			list.Add(&problem.Problem{
				File: f.File, Line: f.Line, Column: f.Column, Key: f.Key, Value: f.Value, Message: f.Message, Hint: f.Hint, Unsupported: f.Unsupported,
			})
		}
		return list.Err()
	}
	fault := &engine.Error{Kind: e.Kind, Hint: e.Hint, Object: e.Object, Err: errors.New(e.Message)}
	if e.Kind == engine.Permission {
		fault.Err = os.ErrPermission
	}
	return &told{fault, e.Message}
}

// told is an engine's error with the daemon's words.
type told struct {
	fault   *engine.Error
	message string
}

func (t *told) Error() string { return t.message }

func (t *told) Unwrap() error { return t.fault }

// statuses are the HTTP status of each kind.
var statuses = map[engine.Kind]int{
	engine.Invalid: http.StatusBadRequest, engine.NotFound: http.StatusNotFound, engine.Busy: http.StatusConflict,
	engine.Conflict: http.StatusConflict, engine.Unsupported: http.StatusUnprocessableEntity, engine.Permission: http.StatusForbidden,
	engine.Timeout: http.StatusGatewayTimeout, engine.Verification: http.StatusConflict, engine.Unreachable: http.StatusBadGateway,
	engine.Internal: http.StatusInternalServerError,
}

// Status is the HTTP status of a failure of that kind.
func Status(kind engine.Kind) int {
	if status, ok := statuses[kind]; ok {
		return status
	}
	return http.StatusInternalServerError
}
