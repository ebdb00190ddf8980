package holdfast

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"holdfast/engine"
	"holdfast/internal/lock"
	"holdfast/internal/problem"
	"holdfast/plan"
	"holdfast/store"
)

// Error is a fault with its kind and, for people, a hint.
type Error = engine.Error

// Kind is the sort of a fault.
type Kind = engine.Kind

// Problem is one fault of an input, with its place in the document.
type Problem = problem.Problem

// errNoEngine is the cause when an engine does not exist.
var errNoEngine = errors.New("there is no such engine")

// errNoDirectories is the cause when an engine of the caller's own would share
// the directories of the host that the program runs on.
var errNoDirectories = errors.New("StateDir and RunDir are needed with Carrier")

// KindOf sorts an error. It is invalid for faults of an input, unsupported when
// all of them ask for what is not carried out yet, timeout for a context that
// ended, internal for what has no kind, and empty for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if problems := Problems(err); len(problems) > 0 {
		if slices.ContainsFunc(problems, func(p *Problem) bool { return !p.Unsupported }) {
			return engine.Invalid
		}
		return engine.Unsupported
	}
	if fault, ok := errors.AsType[*engine.Error](err); ok {
		return fault.Kind
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return engine.Permission
	case errors.Is(err, fs.ErrNotExist):
		return engine.NotFound
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return engine.Timeout
	}
	return engine.Internal
}

// Problems lists the faults of an input that an error holds; nil if it is of
// another sort.
func Problems(err error) []*Problem {
	if list, ok := errors.AsType[*problem.List](err); ok {
		return list.All()
	}
	if one, ok := errors.AsType[*problem.Problem](err); ok {
		return []*Problem{one}
	}
	return nil
}

// lockError tells who holds the lock.
func lockError(err error) error {
	if _, ok := errors.AsType[*lock.HeldError](err); ok {
		return &engine.Error{Kind: engine.Busy, Err: err, Hint: "wait until it is done, and try again"}
	}
	return &engine.Error{Op: "lock the host", Kind: engine.Internal, Err: err}
}

// planError gives what plan.Make refuses its kind.
func planError(err error) error {
	if refused, ok := errors.AsType[*plan.RefusedError](err); ok {
		return &engine.Error{Kind: engine.Conflict, Err: refused, Hint: refused.Hint()}
	}
	if unsupported, ok := errors.AsType[*plan.UnsupportedError](err); ok {
		return &engine.Error{Kind: engine.Unsupported, Err: unsupported}
	}
	return err
}

// hinter is an error that knows what to do about it.
type hinter interface {
	error
	Hint() string
}

// storeError gives an error of the state directory its kind and hint; nil stays
// nil.
func storeError(op string, err error) error {
	if err == nil {
		return nil
	}
	e := &engine.Error{Op: op, Kind: engine.Internal, Err: err}
	if known, ok := errors.AsType[hinter](err); ok {
		e.Hint = known.Hint()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = engine.NotFound
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = engine.Permission, "run it as root, or name a directory of your own with --state-dir and --run-dir"
	}
	if _, newer := errors.AsType[*store.VersionError](err); newer {
		e.Kind = engine.Unsupported
	}
	return e
}
