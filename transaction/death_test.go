package transaction

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

// process is one that can be killed: it works on a host and a disk that outlive
// it, until its time has come. From then on nothing that it does has any effect.
type process struct {
	*enginetest.Memory
	disk *disk

	mu    sync.Mutex // guards what follows
	ticks int
	// dieAt is the tick at which it dies; 0 is never.
	dieAt int
	dead  bool
}

var errDead = errors.New("killed")

// tick is a moment at which the process may be killed; its error tells that it
// was.
func (p *process) tick() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ticks++
	if p.dead = p.dead || p.ticks == p.dieAt; p.dead {
		return errDead
	}
	return nil
}

// around does something between two moments.
func (p *process) around(do func() error) error {
	if err := p.tick(); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	return p.tick()
}

func (p *process) Apply(ctx context.Context, wanted *plan.Plan, progress func(engine.Progress)) error {
	ctx, kill := context.WithCancel(ctx)
	defer kill()
	return p.around(func() error {
		return p.Memory.Apply(ctx, wanted, func(at engine.Progress) {
			progress(at)
			if p.tick() != nil {
				kill()
			}
		})
	})
}

func (p *process) Checkpoint(ctx context.Context) (engine.Checkpoint, error) {
	return p.own(p.Memory.Checkpoint(ctx))
}

func (p *process) Reopen(ctx context.Context, stored []byte) (engine.Checkpoint, error) {
	return p.own(p.Memory.Reopen(ctx, stored))
}

func (p *process) own(c engine.Checkpoint, err error) (engine.Checkpoint, error) {
	if err != nil {
		return nil, err
	}
	return &mortal{c, p}, p.tick()
}

// mortal is a checkpoint of a process that can be killed.
type mortal struct {
	engine.Checkpoint
	process *process
}

func (c *mortal) Rollback(ctx context.Context) error {
	return c.process.around(func() error {
		if c.process.tick() != nil { // killed half-way
			c.process.Fail(1, errDead)
			defer c.process.Fail(-1, nil)
		}
		return c.Checkpoint.Rollback(ctx)
	})
}

func (c *mortal) Release(ctx context.Context) error {
	return c.process.around(func() error { return c.Checkpoint.Release(ctx) })
}

// The recorder's methods, each between two moments.

func (p *process) Prepare(r Record) error { return p.around(func() error { return p.disk.Prepare(r) }) }
func (p *process) Begin() error           { return p.around(p.disk.Begin) }
func (p *process) Commit() error          { return p.around(p.disk.Commit) }
func (p *process) Finish() error          { return p.around(p.disk.Finish) }
func (p *process) Drop() error            { return p.around(p.disk.Drop) }

func (p *process) Mark(phase Phase, deadline time.Duration, attempts int) error {
	return p.around(func() error { return p.disk.Mark(phase, deadline, attempts) })
}

func (p *process) Fail(step int, err error) { p.Memory.Fail(step, err) }

// book is the process as a Recorder, whose Fail is another than the engine's.
type book struct{ *process }

func (b book) Fail(outcome Outcome, cause error, took time.Duration) error {
	return b.around(func() error { return b.disk.Fail(outcome, cause, took) })
}

var (
	_ engine.Engine = (*process)(nil)
	_ Recorder      = book{}
)

// changes are the ones that processes die of, each from the first document to
// the second.
var changes = []struct{ name, before, after string }{
	{"build a stack", "", stackYAML},
	{"take a stack down", stackYAML, goneYAML},
	{"rebuild a stack", stackYAML, otherYAML},
}

const stackYAML = `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {miimon: 100}, port: [eth0, eth1]}}
- {name: bond0.100, type: vlan, vlan: {base-iface: bond0, id: 100}}
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: bond0.100}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.10, prefix-length: 24}, {ip: 192.0.2.11, prefix-length: 24}]}
- {name: d0, type: dummy, ipv4: {enabled: true, address: [{ip: 203.0.113.1, prefix-length: 24}]}}
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.1, next-hop-interface: br0}
`

const goneYAML = `
interfaces:
- {name: br0, type: linux-bridge, state: absent}
- {name: bond0.100, type: vlan, state: absent}
- {name: bond0, type: bond, state: absent}
- {name: d0, type: dummy, state: absent}
`

const otherYAML = `
interfaces:
- {name: bond0, type: bond, mtu: 9000, link-aggregation: {mode: active-backup, options: {miimon: 200}, port: [eth1]}}
- {name: bond0.100, type: vlan, state: absent}
- {name: bond0.200, type: vlan, mtu: 9000, vlan: {base-iface: bond0, id: 200}}
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: bond0.200}, {name: d0}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.12, prefix-length: 24}]}
- {name: d0, type: dummy, ipv4: {enabled: false}}
`

// TestDeath kills the process at every moment of a change: before and after
// everything that it writes, and between the steps on the host. The next one is
// killed at every moment of its recovery, and the third one is left alive. The
// host is as it was or as was asked for then, and nothing is pending.
func TestDeath(t *testing.T) {
	for _, change := range changes {
		t.Run(change.name, func(t *testing.T) {
			t.Parallel()
			before := showText(t, newTheatre(t, change.before, change.after).memory)
			after := showText(t, lived(t, change.before, change.after))
			if before == after {
				t.Fatal("the change changes nothing")
			}
			deaths := 0
			for n := 1; ; n++ {
				ended, more := dieAt(t, n, change.before, change.after, map[string]Outcome{before: RolledBack, after: Applied})
				deaths += more
				if ended {
					t.Logf("%d deaths at %d moments", deaths, n-1)
					return
				}
			}
		})
	}
}

// theatre is a host with a disk.
type theatre struct {
	memory *enginetest.Memory
	disk   *disk
	job    Job
}

func newTheatre(t *testing.T, before, after string) *theatre {
	t.Helper()
	th := &theatre{memory: enginetest.NewMemory(parseState(t, hardware)), disk: &disk{}}
	if before != "" {
		if err := th.memory.Apply(t.Context(), th.plan(t, before), nil); err != nil {
			t.Fatal(err)
		}
	}
	p := th.plan(t, after)
	if len(p.Steps) < 5 {
		t.Fatalf("a plan of %d steps", len(p.Steps))
	}
	th.job = Job{
		ID: "t1", Plan: p, ConfirmWithin: time.Hour,
		Check: func(result *state.State) []Mismatch {
			var list []Mismatch
			for _, m := range plan.Mismatches(p, result) {
				list = append(list, Mismatch{Object: m.Object, Key: m.Key, What: fmt.Sprint(m), Pending: m.Pending, Minor: m.Minor})
			}
			return list
		},
	}
	return th
}

const hardware = `
interfaces:
- {name: eth0, type: ethernet, state: up}
- {name: eth1, type: ethernet, state: up}
`

func parseState(t *testing.T, text string) *state.State {
	t.Helper()
	s, err := state.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (th *theatre) plan(t *testing.T, text string) *plan.Plan {
	t.Helper()
	current, err := th.memory.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := state.Merge(current, parseState(t, text))
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(current, target, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// first runs the change in a process that dies at a moment.
func (th *theatre) first(t *testing.T, dieAt int) *process {
	t.Helper()
	p := &process{Memory: th.memory, disk: th.disk, dieAt: dieAt}
	job := th.job
	job.Recorder = book{p}
	th.answer(t, (&Runner{Engine: p}).Start(t.Context(), job))
	return p
}

// next takes up what is on the disk, in a process that dies at a moment; nil if
// nothing is pending.
func (th *theatre) next(t *testing.T, dieAt int) *process {
	t.Helper()
	restart, ok := th.disk.restart()
	if !ok {
		return nil
	}
	p := &process{Memory: th.memory, disk: th.disk, dieAt: dieAt}
	th.answer(t, (&Runner{Engine: p}).Recover(t.Context(), Job{ID: "t1", Recorder: book{p}}, restart))
	return p
}

// answer confirms what waits.
func (th *theatre) answer(t *testing.T, run *Run) {
	t.Helper()
	<-run.Settled()
	_, _ = run.Confirm(t.Context(), "t1", "root")
	<-run.Done()
}

// lived is the host after a change of which nobody died.
func lived(t *testing.T, before, after string) *enginetest.Memory {
	t.Helper()
	th := newTheatre(t, before, after)
	th.first(t, 0)
	if err := th.disk.closed(Applied); err != nil {
		t.Fatal(err)
	}
	return th.memory
}

// dieAt kills the first process at a moment and the second at each of its own.
// ended is set when the first one has no such moment.
func dieAt(t *testing.T, n int, before, after string, ends map[string]Outcome) (ended bool, deaths int) {
	t.Helper()
	for m := 1; ; m++ {
		th := newTheatre(t, before, after)
		if first := th.first(t, n); !first.dead {
			return true, deaths
		}
		deaths++
		second := th.next(t, m)
		if second != nil && second.dead {
			deaths++
			th.next(t, 0)
		}
		outcome, ok := ends[showText(t, th.memory)]
		if !ok {
			t.Fatalf("died at moment %d, and again at %d: the host is neither as it was nor as it should be:\n%s", n, m, showText(t, th.memory))
		}
		on := th.disk.now()
		if on.Journal != "" || on.Mark != "" || on.Generation != (outcome == Applied) {
			t.Fatalf("died at moment %d, and again at %d: the change is %s, and on disk is %+v", n, m, outcome, on)
		}
		if second == nil || !second.dead {
			return false, deaths
		}
	}
}

func showText(t *testing.T, memory *enginetest.Memory) string {
	t.Helper()
	s, err := memory.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(state.EncodeYAML(s))
}
