package problem

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxShown is the number of problems that a List spells out.
const maxShown = 50

// List is the problems of one input or of several. The zero value is an
// empty list, ready to use; use Err to hand it on as an error.
type List struct {
	problems []*Problem
}

// Add appends a problem; nil is ignored.
func (l *List) Add(p *Problem) {
	if p != nil {
		l.problems = append(l.problems, p)
	}
}

// Addf appends a problem that has no position, only a key and a message.
func (l *List) Addf(key, format string, args ...any) {
	l.Add(&Problem{Key: key, Message: fmt.Sprintf(format, args...)})
}

// AddError appends the problems in err: those of a *List, a *Problem, or
// any other error as a problem of its text alone. nil is ignored.
func (l *List) AddError(err error) {
	if err == nil {
		return
	}
	if list, ok := errors.AsType[*List](err); ok {
		l.problems = append(l.problems, list.problems...)
		return
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		l.Add(p)
		return
	}
	l.Add(&Problem{Message: err.Error()})
}

// Len returns the number of problems.
func (l *List) Len() int { return len(l.problems) }

// All returns the problems as they stand; the slice belongs to the list.
func (l *List) All() []*Problem { return l.problems }

// Err returns nil for an empty list, and otherwise the list itself, sorted
// by file, position and key. Problems that say the same twice are dropped.
func (l *List) Err() error {
	if len(l.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(l.problems, compare)
	l.problems = slices.CompactFunc(l.problems, func(a, b *Problem) bool { return *a == *b })
	return l
}

func compare(a, b *Problem) int {
	return cmp.Or(
		cmp.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		cmp.Compare(a.Key, b.Key),
		cmp.Compare(a.Message, b.Message),
	)
}

// Error returns the problems, one a line, without their hints.
func (l *List) Error() string { return l.join((*Problem).Error) }

// Text returns the problems for people, each with its hint below it.
func (l *List) Text() string { return l.join((*Problem).Text) }

func (l *List) join(text func(*Problem) string) string {
	lines := make([]string, 0, min(len(l.problems), maxShown)+1)
	for i, p := range l.problems {
		if i == maxShown {
			lines = append(lines, fmt.Sprintf("and %d more problems", len(l.problems)-maxShown))
			break
		}
		lines = append(lines, text(p))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems for errors.Is and errors.As.
func (l *List) Unwrap() []error {
	errs := make([]error, len(l.problems))
	for i, p := range l.problems {
		errs[i] = p
	}
	return errs
}

// Text returns err for people: with hints when it holds problems.
func Text(err error) string {
	if list, ok := errors.AsType[*List](err); ok {
		return list.Text()
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Text()
	}
	return err.Error()
}
