package transaction

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/engine"
)

// stage is an actor and a disk that write one trace.
type stage struct {
	*actor
	*disk
	runner Runner
	began  time.Time
	// skipped is time that the host spent suspended, in nanoseconds.
	skipped atomic.Int64
}

func newStage() *stage {
	s := &stage{actor: &actor{fail: map[string]error{}, stored: []byte("picture")}, disk: &disk{}, began: time.Now()}
	s.disk.did = s.actor.did
	s.runner = Runner{Engine: s.actor, Clock: func() time.Duration { return time.Hour + time.Since(s.began) + time.Duration(s.skipped.Load()) }}
	return s
}

// job is one of three steps that is on record; it is to be confirmed within a
// minute if asked so.
func (s *stage) job(confirm bool) Job {
	job := Job{ID: "t1", Plan: steps(3), Recorder: s.disk}
	if confirm {
		job.ConfirmWithin = time.Minute
	}
	return job
}

// waiting starts a job and returns when it waits to be confirmed.
func (s *stage) waiting(t *testing.T, job Job) *Run {
	t.Helper()
	run := s.runner.Start(t.Context(), job)
	<-run.Settled()
	if got := run.Result(); got.Outcome != Pending || got.Err != nil || run.Phase() != Waiting {
		t.Fatalf("%s: %+v", run.Phase(), got)
	}
	return run
}

// recover takes up what is on the disk.
func (s *stage) recover(t *testing.T) *Run {
	t.Helper()
	restart, ok := s.disk.restart()
	if !ok {
		t.Fatal("nothing is pending")
	}
	s.actor.trace = nil
	return s.runner.Recover(t.Context(), Job{ID: "t1", Recorder: s.disk}, restart)
}

// ends waits for the end and compares outcome, calls and disk.
func (s *stage) ends(t *testing.T, run *Run, outcome Outcome, trace ...string) *Result {
	t.Helper()
	<-run.Done()
	s.actor.expect(t, run.Result(), outcome, trace...)
	return run.Result()
}

func (s *stage) closed(t *testing.T, outcome Outcome) {
	t.Helper()
	if err := s.disk.closed(outcome); err != nil {
		t.Error(err)
	}
}

// forwardCalls are those of a change that goes well, up to its being verified.
var forwardCalls = []string{"checkpoint", "announce 3", "prepare", "begin", "announce 3", "apply 3", "show"}

func calls(more ...string) []string { return slices.Concat(forwardCalls, more) }

var backCalls = []string{"mark rolling back", "rollback", "fail rolled-back", "finish"}

func TestJournalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		run := s.runner.Start(t.Context(), s.job(false))
		s.ends(t, run, Applied, calls("commit", "release", "finish")...)
		s.closed(t, Applied)
	})
}

func TestJournalHoldsTheCheckpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		var on recorded
		s.disk.did = func(call string) error {
			if call == "begin" {
				on = s.disk.now()
			}
			return nil
		}
		run := s.waiting(t, s.job(true))
		if string(on.Checkpoint) != "picture" || on.Transaction != "t1" || on.Deadline != time.Hour+time.Minute {
			t.Errorf("on disk before the first change: %+v", on)
		}
		run.Leave(t.Context())
	})
}

// TestRecorderFails lets each of the recorder's methods fail, and the way back
// with them.
func TestRecorderFails(t *testing.T) {
	for _, c := range []struct {
		fails   string
		want    Outcome
		journal Phase
		calls   []string
	}{
		{"prepare", Unchanged, "", []string{"checkpoint", "announce 3", "prepare", "drop", "announce 0", "release"}},
		{"begin", Unchanged, "", []string{"checkpoint", "announce 3", "prepare", "begin", "drop", "announce 0", "release"}},
		{"begin,drop", Unchanged, Preparing, []string{"checkpoint", "announce 3", "prepare", "begin", "drop", "announce 0", "release"}},
		{"commit", RolledBack, "", calls("commit", "mark rolling back", "rollback", "fail rolled-back", "finish")},
		{"commit,fail rolled-back", RolledBack, Applying, calls("commit", "mark rolling back", "rollback", "fail rolled-back")},
		{"commit,mark rolling back", RolledBack, "", calls("commit", "mark rolling back", "rollback", "fail rolled-back", "finish")},
		{"commit,rollback", RollbackFailed, Applying, calls("commit", "mark rolling back", "rollback", "fail rollback-failed")},
		{"commit,finish", RolledBack, Applying, calls("commit", "mark rolling back", "rollback", "fail rolled-back", "finish")},
		{"finish", Applied, Applying, calls("commit", "release", "finish")},
	} {
		t.Run(c.fails, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				for call := range strings.SplitSeq(c.fails, ",") {
					s.actor.fail[call] = errDisk
				}
				run := s.runner.Start(t.Context(), s.job(false))
				result := s.ends(t, run, c.want, c.calls...)
				if got := s.disk.now().Journal; got != c.journal {
					t.Errorf("the journal is %q, want %q", got, c.journal)
				}
				if told := result.Err != nil || len(result.Warnings) > 0; !told {
					t.Errorf("the failure is hidden: %+v", result)
				}
				if fault, ok := errors.AsType[*engine.Error](result.Err); result.Err != nil && (!ok || fault.Kind != engine.Internal || fault.Hint == "") {
					t.Errorf("error %v has no kind and hint", result.Err)
				}
			})
		})
	}
}

// TestPanicsAreFailures lets each call panic.
func TestPanicsAreFailures(t *testing.T) {
	for call, want := range map[string]Outcome{
		"checkpoint": Unchanged, "prepare": Unchanged, "begin": Unchanged, "apply 3": RolledBack, "show": RolledBack,
		"commit": RolledBack, "release": Applied, "finish": Applied, "mark waiting for confirmation": Applied,
	} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				s.actor.panicAt = call
				run := s.runner.Start(t.Context(), s.job(true))
				<-run.Settled()
				_, _ = run.Confirm(t.Context(), "t1", "root")
				<-run.Done()
				if got := run.Result(); got.Outcome != want {
					t.Errorf("%s (%v), want %s", got.Outcome, got.Err, want)
				}
			})
		})
	}
}

// TestPhasesAreTold tells people what they wait for.
func TestPhasesAreTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		job := s.job(true)
		var phases []Phase
		var left time.Duration
		job.Progress = func(p Progress) {
			phases = append(phases, p.Phase)
			left = max(left, p.Left)
		}
		job.Probe = func(context.Context, Occasion) (Reach, error) { return Reach{}, nil }
		run := s.waiting(t, job)
		if _, err := run.Confirm(t.Context(), "t1", "root"); err != nil {
			t.Error(err)
		}
		want := []Phase{Preparing, Applying, Verifying, Probing, Waiting, Committing, Done}
		if got := slices.Compact(phases); !slices.Equal(got, want) {
			t.Errorf("phases %v, want %v", got, want)
		}
		if left != time.Minute {
			t.Errorf("left to confirm: %s", left)
		}
	})
}
