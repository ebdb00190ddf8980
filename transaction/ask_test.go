package transaction

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"holdfast/engine"
)

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
