package probe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"holdfast/state"
)

// Pause is the time between two tries of a probe.
const Pause = time.Second

// Ask tries one probe once; nil says that it passed. It must return soon after
// ctx ends. An error is one line without the probe's own text; one of context
// deadline exceeded (errors.Is) is told with the time limit; one with a method
// Permanent that returns true is not worth another try.
type Ask func(ctx context.Context, target Spec) error

// Heard is the Ask of client: it passes when something comes from the channel
// or the channel is closed. The sender is whoever hears the new connection.
func Heard(connections <-chan struct{}) Ask {
	return func(ctx context.Context, _ Spec) error {
		select {
		case <-connections:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Runner asks probes. Its members are not changed while Run runs.
type Runner struct {
	// Asks has the function for each kind but Gateway. A kind without one
	// fails.
	Asks map[Kind]Ask
	// Now is the clock that answers are timed with.
	Now func() time.Time
	// Before is the answers of before the change: what failed then, or was not
	// asked, is not asked now, since it does not count. nil asks everything.
	Before []Answer
	// Patience is for how long probes are tried beyond their retries: what a
	// host needs to be reachable again. Zero is right before a change.
	Patience time.Duration
	// Report, unless nil, is told each answer when it is known, one at a time.
	Report func(Answer)
}

// Budget is how long a run of the probes takes at most: they run side by side,
// each with all its tries.
func Budget(specs []Spec) time.Duration {
	var longest time.Duration
	for _, s := range specs {
		tries := time.Duration(s.Retries + 1)
		longest = max(longest, tries*s.Timeout+(tries-1)*Pause)
	}
	return longest
}

// Run asks all probes at once on a host that is as the state says (nil will do
// without a gateway), and gives the answers in the order of Expand. What is not
// answered within the limit has failed; a limit of 0 is Budget and the
// Runner's patience.
func (r *Runner) Run(ctx context.Context, specs []Spec, on *state.State, limit time.Duration) []Answer {
	if limit <= 0 {
		limit = Budget(specs) + r.Patience
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errBudget)
	defer cancel()
	questions := slices.DeleteFunc(Expand(specs, on), func(q Question) bool { return r.Before != nil && !q.counts(r.Before) })
	answers := make([]Answer, len(questions))
	var all sync.WaitGroup
	var report sync.Mutex
	for i, q := range questions {
		all.Go(func() {
			answers[i] = r.ask(ctx, q)
			if r.Report != nil {
				report.Lock()
				defer report.Unlock()
				r.Report(answers[i])
			}
		})
	}
	all.Wait()
	return answers
}

// errBudget is why the context of a run ends by itself.
var errBudget = errors.New("the time for all probes is over")

// ask asks one question until it is answered or there is no more time for it.
func (r *Runner) ask(ctx context.Context, q Question) Answer {
	answer := Answer{Question: q}
	ask := r.Asks[q.Target.Kind]
	if ask == nil {
		answer.Error = unanswerable(q.Target.Kind)
		return answer
	}
	start := r.Now()
	for {
		answer.Tries++
		err := try(ctx, ask, q.Target)
		answer.Took = r.Now().Sub(start)
		if err == nil {
			answer.OK, answer.Error = true, ""
			return answer
		}
		if answer.Tries == 1 || ctx.Err() == nil {
			answer.Error = oneLine(err.Error()) // what the last whole try met tells more than that time ran out
		}
		spent := answer.Tries > q.Target.Retries && answer.Took >= r.Patience
		if spent || permanent(err) || !wait(ctx, Pause) {
			return answer
		}
	}
}

// unanswerable says why a kind cannot be asked.
func unanswerable(k Kind) string {
	switch k {
	case Gateway:
		return "there is no default gateway"
	case Client:
		return "there is no connection of the one who asked to wait for"
	}
	return "probes of this kind cannot be asked here"
}

// try asks once, within the probe's own time limit.
func try(ctx context.Context, ask Ask, target Spec) error {
	attempt, cancel := context.WithTimeout(ctx, target.Timeout)
	defer cancel()
	err := ask(attempt, target)
	switch {
	case err == nil:
		return nil
	case errors.Is(context.Cause(ctx), errBudget):
		return errBudget
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case errors.Is(err, context.DeadlineExceeded):
		return late(err, target)
	}
	return err
}

// late says that a time limit has passed, and what was waited for.
func late(err error, target Spec) error {
	what := "no answer"
	if text := err.Error(); text != context.DeadlineExceeded.Error() {
		what = text
	}
	return errors.New(what + " within " + target.Timeout.String())
}

// permanent tells whether trying again is of no use.
func permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

// wait waits, and tells whether there is time left.
func wait(ctx context.Context, d time.Duration) bool {
	pause, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-pause.Done()
	return ctx.Err() == nil
}
