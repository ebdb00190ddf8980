package transaction

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/plan"
	"holdfast/state"
)

func TestClockTakesItBack(t *testing.T) {
	for name, c := range map[string]struct {
		step    time.Duration
		suspend time.Duration
		took    time.Duration
	}{
		"waiting":   {step: 5 * time.Second, took: time.Minute},
		"applying":  {step: 30 * time.Second, took: time.Minute},
		"suspended": {step: time.Second, suspend: 50 * time.Second, took: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				s.actor.apply = func(ctx context.Context, _ int) error {
					select {
					case <-time.After(c.step):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				run := s.runner.Start(t.Context(), s.job(true))
				if c.suspend > 0 {
					<-run.Settled()
					s.skipped.Store(int64(c.suspend))
				}
				<-run.Done()
				if late, ok := errors.AsType[*UnconfirmedError](run.Result().Err); !ok || late.Within != "1m0s" {
					t.Errorf("cause %v", run.Result().Err)
				}
				if took := time.Since(s.began); took < c.took || took > c.took+tick {
					t.Errorf("took %s, want %s", took, c.took)
				}
				s.closed(t, RolledBack)
			})
		})
	}
}

// TestLimitIsExtended lets a plan take much longer than its limit, which is fine
// as long as something moves.
func TestLimitIsExtended(t *testing.T) {
	for name, c := range map[string]struct {
		job  Job
		want Outcome
		took time.Duration
	}{
		"moving":          {Job{Plan: steps(60)}, Applied, 60 * 30 * time.Second},
		"moving, given":   {Job{Plan: steps(60), Timeout: time.Minute}, RolledBack, time.Minute},
		"standing":        {Job{Plan: steps(1)}, RolledBack, baseLimit + stepLimit},
		"standing, given": {Job{Plan: steps(1), Timeout: 10 * time.Minute}, RolledBack, 10 * time.Minute},
		"with probes":     {Job{Plan: steps(1), ProbeBudget: time.Minute}, RolledBack, baseLimit + stepLimit + time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				s.actor.apply = func(ctx context.Context, _ int) error {
					wait := 30 * time.Second
					if strings.HasPrefix(name, "standing") || name == "with probes" {
						wait = time.Hour
					}
					select {
					case <-time.After(wait):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				c.job.ID, c.job.Recorder = "t1", s.disk
				result := s.runner.Run(t.Context(), c.job)
				if result.Outcome != c.want || result.Took != c.took {
					t.Errorf("%s (%v) after %s, want %s after %s", result.Outcome, result.Err, result.Took, c.want, c.took)
				}
			})
		})
	}
}

// TestLongestLearning counts the spanning tree's delays into the limit.
func TestLongestLearning(t *testing.T) {
	p := &plan.Plan{Target: host("br0", true)}
	if got, want := chosenLimit(&Job{Plan: p}), baseLimit+10*time.Second; got != want {
		t.Errorf("limit %s, want %s", got, want)
	}
	if got := chosenLimit(&Job{Plan: &plan.Plan{Target: &state.State{}}}); got != baseLimit {
		t.Errorf("limit %s, want %s", got, baseLimit)
	}
}
