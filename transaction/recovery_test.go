package transaction

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/engine"
)

func TestLeftAndTakenUp(t *testing.T) {
	for name, c := range map[string]struct {
		then  func(t *testing.T, s *stage, run *Run)
		want  Outcome
		trace []string
	}{
		"confirmed": {
			func(t *testing.T, _ *stage, run *Run) {
				if _, err := run.Confirm(t.Context(), "t1", "root"); err != nil {
					t.Error(err)
				}
			}, Applied, []string{"commit", "reopen", "release", "finish"},
		},
		"rolled back": {
			func(t *testing.T, _ *stage, run *Run) {
				if _, err := run.RollBack(t.Context(), "t1", "root"); err != nil {
					t.Error(err)
				}
			}, RolledBack, []string{"mark rolling back", "reopen", "rollback", "fail rolled-back", "finish"},
		},
		"by the clock": {
			func(t *testing.T, s *stage, run *Run) {
				<-run.Done()
				if took := time.Since(s.began); took < time.Minute || took > time.Minute+tick {
					t.Errorf("took %s", took)
				}
			}, RolledBack, []string{"mark rolling back", "reopen", "rollback", "fail rolled-back", "finish"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				run := s.waiting(t, s.job(true))
				if result := run.Leave(t.Context()); result.Outcome != Pending {
					t.Errorf("left: %+v", result)
				}
				<-run.Done()
				time.Sleep(20 * time.Second)
				again := s.recover(t)
				<-again.Settled()
				c.then(t, s, again)
				s.ends(t, again, c.want, c.trace...)
				s.closed(t, c.want)
			})
		})
	}
}

// TestRecover takes up every phase that a process can have died in.
func TestRecover(t *testing.T) {
	back := []string{"mark rolling back", "reopen", "rollback", "fail rolled-back", "finish"}
	for name, c := range map[string]struct {
		on    recorded
		want  Outcome
		trace []string
	}{
		"prepared":     {recorded{Journal: Preparing}, Unchanged, []string{"drop"}},
		"applying":     {recorded{Journal: Applying}, RolledBack, back},
		"rolling back": {recorded{Journal: Applying, Mark: RollingBack, Attempts: 2}, RolledBack, back},
		"too often":    {recorded{Journal: Applying, Mark: RollingBack, Attempts: 3}, RollbackFailed, nil},
		"too late":     {recorded{Journal: Applying, Mark: Waiting, Deadline: time.Minute}, RolledBack, back},
		"committed":    {recorded{Journal: Applying, Generation: true}, Applied, []string{"reopen", "release", "finish"}},
		"ended":        {recorded{Journal: Applying, Outcome: RolledBack}, RolledBack, []string{"finish"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				s.disk.on = c.on
				s.ends(t, s.recover(t), c.want, c.trace...)
				if c.want != RollbackFailed {
					s.closed(t, c.want)
				}
			})
		})
	}
}

func TestOwnerAliveIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		run := s.runner.Recover(t.Context(), Job{ID: "t1", Recorder: s.disk}, Restart{Phase: Applying, OwnerAlive: true})
		result := s.ends(t, run, Unchanged)
		if fault, ok := errors.AsType[*engine.Error](result.Err); !ok || fault.Kind != engine.Busy {
			t.Errorf("error %v", result.Err)
		}
	})
}
