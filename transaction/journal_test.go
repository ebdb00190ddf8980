package transaction

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
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
		run := s.waiting(t, s.job(true))
		on := s.disk.now()
		if string(on.Checkpoint) != "picture" || on.Transaction != "t1" || on.Deadline != time.Hour+time.Minute {
			t.Errorf("on disk: %+v", on)
		}
		run.Leave(t.Context())
	})
}

func TestConfirmIsAnsweredFromDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		slow := make(chan struct{})
		s.disk.did = func(call string) error {
			if call == "commit" {
				<-slow
			}
			return s.actor.did(call)
		}
		run := s.waiting(t, s.job(true))
		var answered bool
		var all sync.WaitGroup
		all.Go(func() {
			result, err := run.Confirm(t.Context(), "t1", "root")
			if err != nil || result.Outcome != Applied || result.ConfirmedBy != "root" {
				t.Errorf("answer %+v, %v", result, err)
			}
			answered = true
		})
		synctest.Wait()
		if answered {
			t.Error("answered before the commit is on disk")
		}
		close(slow)
		all.Wait()
		s.ends(t, run, Applied, calls("mark waiting for confirmation", "commit", "release", "finish")...)
		s.closed(t, Applied)
	})
}

func TestRollBackIsAnsweredFromDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		run := s.waiting(t, s.job(true))
		result, err := run.RollBack(t.Context(), "t1", "root")
		if err != nil || result.Outcome != RolledBack {
			t.Errorf("answer %+v, %v", result, err)
		}
		if request, ok := errors.AsType[*RequestError](result.Err); !ok || request.Who != "root" {
			t.Errorf("cause %v", result.Err)
		}
		s.ends(t, run, RolledBack, calls(slices.Insert(slices.Clone(backCalls), 0, "mark waiting for confirmation")...)...)
		s.closed(t, RolledBack)
	})
}

func TestAskingTheWrongWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		hold := make(chan struct{})
		s.actor.apply = func(context.Context, int) error { <-hold; return nil }
		run := s.runner.Start(t.Context(), s.job(true))
		synctest.Wait()
		_, other := run.Confirm(t.Context(), "t2", "root")
		_, early := run.Confirm(t.Context(), "t1", "root")
		close(hold)
		<-run.Settled()
		if _, err := run.Confirm(t.Context(), "t1", "root"); err != nil {
			t.Errorf("confirm: %v", err)
		}
		_, late := run.RollBack(t.Context(), "t1", "root")
		if result, err := run.Confirm(t.Context(), "t1", "alice"); err != nil || result.ConfirmedBy != "root" {
			t.Errorf("confirmed twice: %+v, %v", result, err)
		}
		for what, c := range map[string]struct {
			err  error
			kind engine.Kind
		}{"another transaction": {other, engine.NotFound}, "too early": {early, engine.Conflict}, "too late": {late, engine.Conflict}} {
			if fault, ok := errors.AsType[*engine.Error](c.err); !ok || fault.Kind != c.kind {
				t.Errorf("%s: %v, want kind %s", what, c.err, c.kind)
			}
		}
	})
}

func TestAskerGoesAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		slow := make(chan struct{})
		s.disk.did = func(call string) error {
			if call == "commit" {
				<-slow
			}
			return nil
		}
		run := s.waiting(t, s.job(true))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := run.Confirm(ctx, "t1", "root"); err == nil {
			t.Error("answered before the commit is on disk")
		}
		close(slow)
		<-run.Done()
		s.closed(t, Applied)
	})
}

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

func TestTerminalGoesWhileWaiting(t *testing.T) {
	for _, attended := range []bool{false, true} {
		t.Run(fmt.Sprint("attended=", attended), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage()
				ctx, cancel := context.WithCancel(t.Context())
				job := s.job(true)
				job.Attended = attended
				run := s.runner.Start(ctx, job)
				<-run.Settled()
				cancel()
				synctest.Wait()
				select {
				case <-run.Done():
					if !attended {
						t.Error("went back though nobody wanted that")
					}
				default:
					if attended {
						t.Error("goes on though somebody pressed Ctrl-C")
					}
				}
				_, _ = run.Confirm(t.Context(), "t1", "root")
				s.closed(t, map[bool]Outcome{false: Applied, true: RolledBack}[attended])
			})
		})
	}
}

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

// TestManyAsk lets many confirm and ask for the way back at once: all answers
// agree with the disk.
func TestManyAsk(t *testing.T) {
	for range 50 {
		s := newStage()
		run := s.waiting(t, s.job(true))
		var mu sync.Mutex
		kept := map[bool]int{}
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				ask := run.Confirm
				if i%2 == 0 {
					ask = run.RollBack
				}
				if _, err := ask(t.Context(), "t1", fmt.Sprint("client ", i)); err == nil {
					mu.Lock()
					defer mu.Unlock()
					kept[i%2 == 1]++
				}
				_, _ = run.Phase(), run.Result()
			})
		}
		all.Wait()
		<-run.Done()
		want := map[bool]int{run.Result().Outcome == Applied: 10}
		if !maps.Equal(kept, want) {
			t.Fatalf("%s, and granted (kept or not) %v", run.Result().Outcome, kept)
		}
		s.closed(t, run.Result().Outcome)
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
