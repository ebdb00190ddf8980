package transaction

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
)

// TestProbes asks on each occasion, and tells all answers.
func TestProbes(t *testing.T) {
	for name, c := range map[string]struct {
		reach map[Occasion]Reach
		fail  string
		want  Outcome
		asked []Occasion
	}{
		"reachable":      {want: Applied, asked: []Occasion{Before, After}},
		"not before":     {reach: map[Occasion]Reach{Before: {Wrong: []string{"ping:192.0.2.1 gets no answer"}}}, want: Unchanged, asked: []Occasion{Before}},
		"not after":      {reach: map[Occasion]Reach{After: {Wrong: []string{"ping:192.0.2.1 gets no answer"}}}, want: RolledBack, asked: []Occasion{Before, After, Back}},
		"show fails":     {fail: "show", want: RolledBack, asked: []Occasion{Before, Back}},
		"rollback fails": {fail: "rollback", reach: map[Occasion]Reach{After: {Wrong: []string{"client is not heard"}}}, want: RollbackFailed, asked: []Occasion{Before, After, Back}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				if c.fail != "" {
					s.actor.fail[c.fail] = errDisk
				}
				job := s.job(false)
				job.Probe = func(_ context.Context, when Occasion) (Reach, error) {
					reach := c.reach[when]
					reach.Answers = []ProbeAnswer{{Probe: "ping:192.0.2.1", OK: len(reach.Wrong) == 0}}
					return reach, nil
				}
				result := s.runner.Run(t.Context(), job)
				var asked []Occasion
				for _, answer := range result.Probes {
					asked = append(asked, answer.When)
				}
				if result.Outcome != c.want || !slices.Equal(asked, c.asked) {
					t.Errorf("%s (%v), probed %v; want %s, %v", result.Outcome, result.Err, asked, c.want, c.asked)
				}
				if c.want == Unchanged && s.disk.now().Transaction != "" {
					t.Error("a refused change is on record")
				}
			})
		})
	}
}

// TestProbeIsInterrupted ends a probe that waits for an answer.
func TestProbeIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		job := s.job(false)
		job.Probe = func(ctx context.Context, when Occasion) (Reach, error) {
			if when == After {
				<-ctx.Done()
			}
			return Reach{}, ctx.Err()
		}
		run := s.runner.Start(t.Context(), job)
		synctest.Wait()
		if result, err := run.RollBack(t.Context(), "t1", "root"); err != nil || result.Outcome != RolledBack {
			t.Errorf("%+v, %v", result, err)
		}
		s.closed(t, RolledBack)
	})
}
