package transaction

import (
	"fmt"
	"sync/atomic"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// The limits of a transaction.
const (
	// baseLimit and stepLimit make up the limit for applying when the caller
	// does not give one: generous, since it is there for what hangs.
	baseLimit = 3 * time.Minute
	stepLimit = 100 * time.Millisecond
	// progressLimit is how long a transaction whose limit was chosen by us may
	// stand still after the last sign of progress before it counts as hanging.
	progressLimit = time.Minute
	// wayBackLimit is how long a rollback or a release may take. It is not the
	// caller's to choose: a host left half-way is worse than a late answer.
	wayBackLimit = 10 * time.Minute
)

// limit is the time for applying, verifying and probing. One that the caller
// gave is kept; one that we chose is extended while progress is made.
type limit struct {
	began time.Time
	// length is the time from began.
	length time.Duration
	given  bool
	// moved is when the last progress was made, in nanoseconds from began.
	moved atomic.Int64
}

func newLimit(began time.Time, job *Job) *limit {
	l := &limit{began: began, length: job.Timeout, given: job.Timeout != 0}
	if !l.given {
		l.length = chosenLimit(job)
	}
	return l
}

// chosenLimit follows from the plan's size, the time that bridges learn for, and
// the probes.
func chosenLimit(job *Job) time.Duration {
	chosen := baseLimit + time.Duration(len(job.Plan.Steps))*stepLimit + job.ProbeBudget
	return chosen + longestLearning(job.Plan)
}

// longestLearning is how long the slowest bridge of the plan's target learns.
func longestLearning(p *plan.Plan) time.Duration {
	if p.Target == nil {
		return 0
	}
	b := newBudgets(&state.State{}, p.Target)
	var longest time.Duration
	for _, i := range b.now {
		longest = max(longest, b.learning(i))
	}
	return longest
}

// progress extends the limit.
func (l *limit) progress() { l.moved.Store(int64(time.Since(l.began))) }

// left is the time to the limit.
func (l *limit) left() time.Duration {
	end := l.length
	if !l.given {
		end = max(end, time.Duration(l.moved.Load())+progressLimit)
	}
	return end - time.Since(l.began)
}

// moreTime is the hint where the caller's limit cut something short.
const moreTime = "give it more time with --timeout"

// late is the error of a transaction that reached its limit.
func (l *limit) late() error {
	e := &engine.Error{
		Kind: engine.Timeout,
		Hint: moreTime,
		Err:  fmt.Errorf("not applied and verified within %s", l.length),
	}
	if !l.given {
		e.Err = fmt.Errorf("not applied and verified within %s, and nothing moved for the last minute", time.Since(l.began).Round(time.Second))
	}
	return e
}
