package transaction

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// actor is an engine that does what a test tells it and writes down what it
// was asked to do.
type actor struct {
	trace []string
	// fail is the error of the call that the trace ends with.
	fail map[string]error
	// apply runs in each Apply, with the number of the call.
	apply func(ctx context.Context, n int) error
	// warning is told by each Apply.
	warning string
	// before is why an Apply ends before its first change.
	before func(p *plan.Plan) error
	// show makes the answer of the nth Show.
	show    func(n int) *state.State
	applies int
	shows   int
	// stored is what Store gives; without it there is nothing to store.
	stored []byte
	// panicAt is the call that panics.
	panicAt string
}

var _ engine.Engine = (*actor)(nil)

func (s *actor) did(what string) error {
	s.trace = append(s.trace, what)
	if what == s.panicAt {
		panic("lost my way at " + what)
	}
	return s.fail[what]
}

func (s *actor) Name() string { return "actor" }

func (s *actor) Close() error { return nil }

func (s *actor) Show(context.Context, engine.ShowOptions) (*state.State, error) {
	s.shows++
	if s.show == nil {
		return &state.State{}, s.did("show")
	}
	return s.show(s.shows), s.did("show")
}

func (s *actor) Apply(ctx context.Context, p *plan.Plan, progress func(engine.Progress)) error {
	s.applies++
	if err := s.did(fmt.Sprintf("apply %d", len(p.Steps))); err != nil {
		return err
	}
	if s.before != nil {
		return s.before(p)
	}
	progress(engine.Progress{Total: len(p.Steps)})
	if s.warning != "" {
		progress(engine.Progress{Total: len(p.Steps), Warning: s.warning})
	}
	for i := range p.Steps {
		if s.apply != nil {
			if err := s.apply(ctx, s.applies); err != nil {
				return &engine.StepError{Index: i, Step: &p.Steps[i], Err: err}
			}
		}
		progress(engine.Progress{Done: i + 1, Total: len(p.Steps), Step: &p.Steps[i]})
	}
	return nil
}

func (s *actor) Checkpoint(context.Context) (engine.Checkpoint, error) {
	return s, s.did("checkpoint")
}

func (s *actor) Reopen(context.Context, []byte) (engine.Checkpoint, error) {
	return s, s.did("reopen")
}

func (s *actor) Applied(p *plan.Plan) { _ = s.did(fmt.Sprintf("announce %d", len(p.Steps))) }

func (s *actor) Rollback(context.Context) error { return s.did("rollback") }

func (s *actor) Release(context.Context) error { return s.did("release") }

func (s *actor) Store() ([]byte, error) {
	if s.stored == nil {
		return nil, errors.ErrUnsupported
	}
	return s.stored, nil
}

// steps is a plan of n steps, of which nothing matters but their number.
func steps(n int) *plan.Plan {
	return &plan.Plan{Steps: make([]plan.Step, n), Current: &state.State{}, Target: &state.State{}}
}

func (s *actor) run(t *testing.T, job Job) *Result {
	t.Helper()
	return s.runUnder(t.Context(), job)
}

func (s *actor) runUnder(ctx context.Context, job Job) *Result {
	if job.Plan == nil {
		job.Plan = steps(3)
	}
	job.ID = "t1"
	runner := Runner{Engine: s}
	return runner.Run(ctx, job)
}

func (s *actor) expect(t *testing.T, result *Result, outcome Outcome, trace ...string) {
	t.Helper()
	if result.Outcome != outcome {
		t.Errorf("outcome %s (%v), want %s", result.Outcome, result.Err, outcome)
	}
	if diff := cmp.Diff(trace, s.trace); diff != "" {
		t.Errorf("calls of the engine (-want +got):\n%s", diff)
	}
}

func TestApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var phases []Phase
		s := &actor{}
		result := s.run(t, Job{Progress: func(p Progress) { phases = append(phases, p.Phase) }})
		s.expect(t, result, Applied, "checkpoint", "announce 3", "apply 3", "show", "release")
		if result.Steps != 3 || result.Err != nil || result.ID != "t1" {
			t.Errorf("result: %+v", result)
		}
		want := []Phase{Preparing, Applying, Verifying, Committing, Done}
		if got := slices.Compact(phases); !slices.Equal(got, want) {
			t.Errorf("phases %v, want %v", got, want)
		}
	})
}

// TestWarningOfTheEngine puts what the engine tells on the way into the result
// of a change that is in force.
func TestWarningOfTheEngine(t *testing.T) {
	s := &actor{warning: "a route is gone"}
	if result := s.run(t, Job{Plan: steps(2)}); result.Outcome != Applied || !slices.Equal(result.Warnings, []string{"a route is gone"}) {
		t.Errorf("result %+v", result)
	}
	s = &actor{warning: "a route is gone", fail: map[string]error{"release": errors.New("no room")}}
	if result := s.run(t, Job{Plan: steps(2)}); len(result.Warnings) != 2 {
		t.Errorf("result %+v", result)
	}
	s = &actor{warning: "a route is gone", apply: func(context.Context, int) error { return errors.New("refused") }}
	if result := s.run(t, Job{Plan: steps(2)}); result.Outcome != RolledBack || len(result.Warnings) != 0 {
		t.Errorf("result %+v", result)
	}
}

func TestFailureRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := &engine.Error{Object: "bond0", Op: "set mode", Kind: engine.Busy, Err: syscall.EBUSY}
		s := &actor{apply: func(context.Context, int) error { return cause }}
		result := s.run(t, Job{})
		s.expect(t, result, RolledBack, "checkpoint", "announce 3", "apply 3", "rollback")
		if !errors.Is(result.Err, syscall.EBUSY) {
			t.Errorf("error %v does not wrap the cause", result.Err)
		}
	})
}

func TestRefusedBeforeTheFirstStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &actor{fail: map[string]error{"apply 3": &engine.Error{Kind: engine.Permission, Err: syscall.EPERM}}}
		result := s.run(t, Job{})
		s.expect(t, result, Unchanged, "checkpoint", "announce 3", "apply 3", "rollback")
	})
}

// TestRefusedAtAStepBeforeTheFirst has the engine find out before it changes
// anything that a step cannot be done: the link is another one by now.
func TestRefusedAtAStepBeforeTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &actor{before: func(p *plan.Plan) error {
			return &engine.StepError{Index: 2, Step: &p.Steps[2], Err: &engine.Error{Object: "eth0", Kind: engine.NotFound, Err: syscall.ENODEV}}
		}}
		result := s.run(t, Job{})
		s.expect(t, result, Unchanged, "checkpoint", "announce 3", "apply 3", "rollback")
		if failed, ok := errors.AsType[*engine.StepError](result.Err); !ok || failed.Index != 2 {
			t.Errorf("error %v", result.Err)
		}
	})
}

func TestFailedRollbackTellsBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &actor{
			apply: func(context.Context, int) error { return syscall.EBUSY },
			fail:  map[string]error{"rollback": &engine.RollbackError{Differences: []string{"eth0: mtu: was 1500, is 9000"}}},
		}
		result := s.run(t, Job{})
		s.expect(t, result, RollbackFailed, "checkpoint", "announce 3", "apply 3", "rollback")
		rollback, ok := errors.AsType[*engine.RollbackError](result.Err)
		if !ok || len(rollback.Differences) != 1 || !errors.Is(result.Err, syscall.EBUSY) {
			t.Errorf("error %v", result.Err)
		}
	})
}

func TestPanicRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &actor{apply: func(context.Context, int) error { panic("lost my way") }}
		result := s.run(t, Job{})
		s.expect(t, result, RolledBack, "checkpoint", "announce 3", "apply 3", "rollback")
		fault, ok := errors.AsType[*engine.Error](result.Err)
		if !ok || fault.Kind != engine.Internal || !strings.Contains(fault.Error(), "lost my way") {
			t.Errorf("error %v", result.Err)
		}
	})
}

func TestInterruptRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &actor{apply: func(ctx context.Context, _ int) error {
			cancel(&Signal{Signal: syscall.SIGINT})
			<-ctx.Done()
			return ctx.Err()
		}}
		result := s.runUnder(ctx, Job{})
		s.expect(t, result, RolledBack, "checkpoint", "announce 3", "apply 3", "rollback")
		if _, ok := errors.AsType[*Signal](result.Err); !ok {
			t.Errorf("error %v does not tell the signal", result.Err)
		}
	})
}

func TestLimitRollsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &actor{apply: func(ctx context.Context, _ int) error {
			<-ctx.Done()
			return ctx.Err()
		}}
		began := time.Now()
		result := s.run(t, Job{Timeout: 7 * time.Second})
		s.expect(t, result, RolledBack, "checkpoint", "announce 3", "apply 3", "rollback")
		if took := time.Since(began); took != 7*time.Second {
			t.Errorf("took %s", took)
		}
		if fault, ok := errors.AsType[*engine.Error](result.Err); !ok || fault.Kind != engine.Timeout || fault.Hint == "" {
			t.Errorf("error %v", result.Err)
		}
	})
}

func TestPendingIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &actor{}
		var waiting []string
		result := s.run(t, Job{
			Check: func(*state.State) []Mismatch {
				if time.Since(began) < time.Second {
					return []Mismatch{{Object: "br0", Key: "ipv6.address", What: "tentative", Pending: true}}
				}
				return nil
			},
			Progress: func(p Progress) { waiting = append(waiting, p.Waiting) },
		})
		if result.Outcome != Applied || len(result.Warnings) != 0 {
			t.Errorf("result %+v", result)
		}
		if told := slices.Compact(waiting); !slices.Equal(told, []string{"", "tentative", ""}) {
			t.Errorf("told to wait for %q", told)
		}
		if took := time.Since(began); took < time.Second || took > 2*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestPendingForEverIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &actor{show: func(int) *state.State { return host("br0", true) }}
		result := s.run(t, Job{Check: func(*state.State) []Mismatch {
			return []Mismatch{{Object: "br0", Key: "carrier", What: "br0 has no carrier", Pending: true, Minor: true}}
		}})
		if result.Outcome != Applied || !slices.Equal(result.Warnings, []string{"br0 has no carrier"}) {
			t.Errorf("result %+v", result)
		}
		// The bridge learns for 2 × 4 s before it has a carrier at all.
		if took := time.Since(began); took < carrierBudget+10*time.Second || took > carrierBudget+11*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestDeadLinkIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		before := host("br0", false)
		before.Interfaces[0].Facts = &state.Facts{AdminUp: true}
		p := steps(1)
		p.Current = before
		s := &actor{show: func(int) *state.State { return before }}
		result := s.run(t, Job{Plan: p, Check: func(*state.State) []Mismatch {
			return []Mismatch{{Object: "br0", Key: "carrier", What: "br0 has no carrier", Pending: true, Minor: true}}
		}})
		if result.Outcome != Applied || len(result.Warnings) != 1 || time.Since(began) != 0 {
			t.Errorf("result %+v after %s", result, time.Since(began))
		}
	})
}

func TestDuplicateAddressRollsBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		address := state.Address{IP: netip.MustParseAddr("2001:db8::1"), PrefixLength: 64}
		p := steps(0)
		p.Steps = []plan.Step{{Verb: plan.AddAddress, Object: "br0", Address: &address}}
		s := &actor{show: func(int) *state.State {
			h, failed := host("br0", false), address
			failed.Facts = &state.AddressFacts{Failed: true}
			h.Interfaces[0].IPv6 = &state.IPv6{IP: state.IP{Address: []state.Address{failed}}}
			return h
		}}
		result := s.run(t, Job{Plan: p, Replan: func(*state.State) (*plan.Plan, error) { return steps(1), nil }})
		s.expect(t, result, RolledBack, "checkpoint", "announce 1", "apply 1", "show", "rollback")
		if want := "br0: another host on the link has the address 2001:db8::1"; !strings.Contains(result.Err.Error(), want) {
			t.Errorf("error %q, want %q in it", result.Err, want)
		}
	})
}

func TestDriftIsRepairedOnce(t *testing.T) {
	for _, lasting := range []bool{false, true} {
		t.Run(fmt.Sprint("lasting=", lasting), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &actor{}
				result := s.run(t, Job{
					Check: func(*state.State) []Mismatch {
						if s.applies == 1 || lasting {
							return []Mismatch{{Object: "br0", Key: "mtu", What: "br0: mtu: want 9000, have 1500"}}
						}
						return nil
					},
					Replan: func(*state.State) (*plan.Plan, error) { return steps(2), nil },
				})
				calls := []string{"checkpoint", "announce 3", "apply 3", "show", "show", "announce 5", "apply 2", "show"}
				if lasting {
					s.expect(t, result, RolledBack, append(calls, "rollback")...)
				} else {
					s.expect(t, result, Applied, append(calls, "release")...)
				}
				if result.Steps != 5 {
					t.Errorf("steps %d", result.Steps)
				}
			})
		})
	}
}

// TestFailureOfEachCall lets every call of the engine fail once.
func TestFailureOfEachCall(t *testing.T) {
	for call, want := range map[string]Outcome{"checkpoint": Unchanged, "show": RolledBack, "release": Applied} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &actor{fail: map[string]error{call: errors.New("no " + call)}}
				result := s.run(t, Job{})
				if result.Outcome != want {
					t.Errorf("outcome %s (%v), want %s", result.Outcome, result.Err, want)
				}
				if told := result.Err != nil || len(result.Warnings) == 1; !told {
					t.Errorf("the failure is hidden: %+v", result)
				}
			})
		})
	}
}

func TestSignalsEndTheContext(t *testing.T) {
	ctx, stop := WithSignals(t.Context())
	defer stop()
	for _, s := range []syscall.Signal{syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTERM} {
		if ctx.Err() != nil {
			t.Fatalf("ended by a signal before %s", s)
		}
		if err := syscall.Kill(syscall.Getpid(), s); err != nil {
			t.Fatal(err)
		}
	}
	<-ctx.Done()
	if s, ok := errors.AsType[*Signal](context.Cause(ctx)); !ok || s.Signal != syscall.SIGTERM {
		t.Fatalf("cause %v", context.Cause(ctx))
	}
}

// host is one bridge, with or without the spanning tree protocol.
func host(name string, stp bool) *state.State {
	delay := uint8(4)
	return &state.State{Interfaces: []*state.Interface{{
		Name: name,
		Type: state.TypeBridge,
		Bridge: &state.Bridge{Options: &state.BridgeOptions{
			STP: &state.STP{Enabled: &stp, ForwardDelay: &delay},
		}},
		Facts: &state.Facts{},
	}}}
}
