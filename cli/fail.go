package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"holdfast"
	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/plan"
	"holdfast/transaction"
)

// The exit codes. Scripts depend on them.
const (
	exitDone       = 0
	exitError      = 1
	exitChanges    = 2
	exitRolledBack = 3
	exitDiffers    = 4
	exitDegraded   = 5
)

// outcomeError is a failure together with what became of the host.
type outcomeError struct {
	outcome transaction.Outcome
	// err is why, together with an *engine.RollbackError where the rollback
	// failed too.
	err error
	// result is all that is known of the change; nil for nothing.
	result *holdfast.Result
}

func (e *outcomeError) Error() string { return e.err.Error() }

func (e *outcomeError) Unwrap() error { return e.err }

// usageError is a command line that cannot be meant.
type usageError struct{ message, hint string }

func (e *usageError) Error() string { return e.message }

// panicError is a fault of the program itself.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	text := fmt.Sprint(e.value)
	if strings.HasPrefix(text, "internal error") {
		return text
	}
	return "internal error: " + text
}

// outcomeOfPanic adds what became of the host: nobody knows, once a change may
// have begun.
func (a *app) outcomeOfPanic(err *panicError) error {
	if a.began {
		return &outcomeError{outcome: transaction.UnknownOutcome, err: err}
	}
	return err
}

// report is a failure as programs read it, the value of "error".
type report struct {
	Kind     engine.Kind         `json:"kind"`
	Message  string              `json:"message"`
	Hint     string              `json:"hint"`
	Object   string              `json:"object"`
	Outcome  transaction.Outcome `json:"outcome"`
	Problems []fault             `json:"problems,omitempty"`
	Rollback string              `json:"rollback,omitempty"`
	Differs  []string            `json:"differences,omitempty"`
	// The rest is of the change that failed.
	Transaction string   `json:"transaction,omitempty"`
	Generation  int      `json:"generation,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
	Probes      []probed `json:"probes,omitempty"`
}

// fault is one problem of the input.
type fault struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Key     string `json:"key,omitempty"`
	Value   string `json:"value,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
}

// describe makes a report of any error.
func describe(err error) report {
	r := report{Kind: engine.Internal, Message: err.Error(), Outcome: transaction.Unchanged}
	if o, ok := errors.AsType[*outcomeError](err); ok {
		r.Outcome = o.outcome
		if o.result != nil {
			r.Transaction, r.Generation, r.Warnings = o.result.Transaction, o.result.Generation, o.result.Warnings
			r.Probes = newProbed(o.result.Probes)
		}
		err = r.rollback(o.err)
	}
	for _, p := range problemsOf(err) {
		r.Problems = append(r.Problems, fault{p.File, p.Line, p.Column, p.Key, p.Value, p.Message, p.Hint})
	}
	if len(r.Problems) > 0 {
		r.Kind = holdfast.KindOf(err)
		r.Hint, r.Object = r.Problems[0].Hint, r.Problems[0].Key
	}
	if e, ok := errors.AsType[*engine.Error](err); ok {
		r.Kind, r.Hint, r.Object = e.Kind, e.Hint, e.Object
	}
	if refused, ok := errors.AsType[*plan.RefusedError](err); ok {
		r.Object = refused.Refusals[0].Object
	}
	if hint := diskHint(err); hint != "" {
		r.Hint = hint
	}
	if u, ok := errors.AsType[*usageError](err); ok {
		r.Kind, r.Hint = engine.Invalid, u.hint
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		r.Hint = "this is a fault in holdfast: please report what it prints without -o json"
	}
	return r
}

// rollback takes the failure of a rollback out of err, notes it and returns
// the rest, which is why there was a rollback.
func (r *report) rollback(err error) error {
	failed, ok := errors.AsType[*engine.RollbackError](err)
	if !ok {
		return err
	}
	r.Differs = failed.Differences
	r.Rollback = "the host is not as it was"
	if failed.Err != nil {
		r.Rollback += ": " + failed.Err.Error()
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		causes := joined.Unwrap()
		r.Message = causes[0].Error()
		return causes[0]
	}
	return err
}

// problemsOf returns the problems of the input that err holds.
func problemsOf(err error) []*problem.Problem {
	if list, ok := errors.AsType[*problem.List](err); ok {
		return list.All()
	}
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return []*problem.Problem{p}
	}
	return nil
}

// fail tells the error on standard error and returns the exit code.
func (a *app) fail(err error) int {
	r := describe(err)
	if a.flags.refuse(err) {
		r.Kind, r.Hint = engine.Permission, "run it as root, or name directories of your own with --state-dir and --run-dir"
	}
	if a.json {
		a.err.json(map[string]report{"error": r})
	} else {
		a.tell(err, r)
	}
	if _, ok := errors.AsType[*panicError](err); ok {
		return exitError
	}
	switch r.Outcome {
	case transaction.RolledBack:
		return exitRolledBack
	case transaction.RollbackFailed, transaction.UnknownOutcome:
		return exitDiffers
	}
	return exitError
}

// tell prints a failure for people.
func (a *app) tell(err error, r report) {
	paint := a.painter(a.err)
	a.warn(r.Warnings)
	if faults := problemsOf(err); len(faults) > 0 {
		for line := range strings.SplitSeq(problem.Text(err), "\n") {
			tellLine(a.err, paint, line)
		}
	} else {
		tellLine(a.err, paint, r.Message)
		if r.Hint != "" {
			tellLine(a.err, paint, "hint: "+r.Hint)
		}
	}
	if p, ok := errors.AsType[*panicError](err); ok {
		_, _ = fmt.Fprintf(a.err, "%s", p.stack)
	}
	if a.changes {
		a.tellOutcome(paint, r)
	}
}

func tellLine(w io.Writer, paint painter, line string) {
	if hint, ok := strings.CutPrefix(line, "hint: "); ok {
		_, _ = fmt.Fprintf(w, "  %s %s\n", paint(cyan, "hint:"), hint)
		return
	}
	_, _ = fmt.Fprintf(w, "%s %s\n", paint(red, "error:"), line)
}

// tellOutcome prints what became of the host after a failed change.
func (a *app) tellOutcome(paint painter, r report) {
	switch r.Outcome {
	case transaction.Unchanged:
		_, _ = fmt.Fprintln(a.err, "nothing was changed")
	case transaction.RolledBack:
		_, _ = fmt.Fprintln(a.err, paint(yellow, "rolled back:")+" the host is as it was before")
	case transaction.Applied:
		_, _ = fmt.Fprintln(a.err, "the change is in force and kept")
	case transaction.Pending:
		_, _ = fmt.Fprintln(a.err, "the change is in force and waits to be confirmed")
	case transaction.UnknownOutcome:
		_, _ = fmt.Fprintln(a.err, "it is not known what became of the host; holdfast show tells")
	default:
		_, _ = fmt.Fprintf(a.err, "%s %s\n", paint(red, "rollback failed:"), r.Rollback)
		for _, d := range r.Differs {
			_, _ = fmt.Fprintf(a.err, "  %s\n", d)
		}
		if r.Transaction != "" {
			tellLine(a.err, paint, "hint: "+a.commandLine("rollback")+" tries again")
		}
	}
}

func writeError(w io.Writer, message string) { _, _ = fmt.Fprintf(w, "error: %s\n", message) }

// warn prints warnings, one a line, on standard error.
func (a *app) warn(warnings []string) {
	paint := a.painter(a.err)
	for _, w := range warnings {
		_, _ = fmt.Fprintf(a.err, "%s %s\n", paint(yellow, "warning:"), w)
	}
}
