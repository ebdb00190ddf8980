package transaction

import (
	"context"
	"time"
)

// Prober asks what must be reachable and judges by what it answered before. It
// is called once on each occasion, and returns early when ctx ends.
type Prober func(ctx context.Context, when Occasion) (Reach, error)

// Reach is what was reachable.
type Reach struct {
	// Wrong lists what must be reachable and is not, one line each: it refuses
	// the change Before, undoes it After, and is told when Back.
	Wrong []string
	// Warnings lists what else is worth telling.
	Warnings []string
	// Answers are those of all probes.
	Answers []ProbeAnswer
}

// ProbeAnswer is what one probe came to.
type ProbeAnswer struct {
	// When is the occasion.
	When Occasion
	// Probe is what was probed, as it was given.
	Probe string
	// OK tells whether it was reachable.
	OK bool
	// Error is why not, for people.
	Error string
	// Took is how long it took, retries included.
	Took time.Duration
}

func (e Probe) do(ctx context.Context, r *Run) Event {
	reach, err := r.job.Probe(ctx, e.When)
	for _, answer := range reach.Answers {
		answer.When = e.When
		r.result.Probes = append(r.result.Probes, answer)
	}
	return Probed{Err: err, Wrong: reach.Wrong, Warnings: reach.Warnings}
}

func (Probe) failed(err error) Event { return Probed{Err: err} }
