// Package enginetest is what engines are tested with: the suite that each of
// them must pass, and Memory, an engine whose host is in memory.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"syscall"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// Memory is an engine whose host is in memory. It keeps the kernel's rules, the
// unpleasant ones included: what goes along when a link is removed or set down,
// what an MTU or a port does to its neighbours, what is refused and with which
// error. It is for tests of what stands above engines and for examples.
//
// Time does not pass in it: duplicate detection is over at once, and lifetimes
// stand still. Its methods may be called from several goroutines.
type Memory struct {
	writing sync.Mutex // held for one Apply or Rollback

	mu          sync.Mutex // guards what follows
	host        *host
	writes      int
	failAt      int // step of the next Apply that fails, -1 for none
	failure     error
	checkpoints map[string]*checkpoint
	holder      string // purpose of the lock's holder, empty for none
	watches     watches
}

var _ engine.Engine = (*Memory)(nil)

// NewMemory makes an engine with a host that looks like current. What current
// does not mention is as on a new Linux host: a loopback interface is there,
// links have a MAC, an MTU of 1500 bytes and the kernel's default options, and
// Ethernet interfaces are hardware with a carrier. Facts in current are kept.
// current itself is not changed.
func NewMemory(current *state.State) *Memory {
	return &Memory{host: newHost(current.Clone()), failAt: -1, checkpoints: map[string]*checkpoint{}}
}

// Name is "memory".
func (m *Memory) Name() string { return "memory" }

// Close does nothing; the host stays.
func (m *Memory) Close() error { return nil }

// Writes counts the changes made to the host so far.
func (m *Memory) Writes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.writes
}

// Fail makes the step with that index of the next Apply fail with err instead
// of being carried out.
func (m *Memory) Fail(step int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failAt, m.failure = step, err
}

// Occupy puts addresses on another host of the link, so that IPv6 duplicate
// detection finds them.
func (m *Memory) Occupy(addresses ...netip.Addr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, a := range addresses {
		m.host.elsewhere[a] = true
	}
}

// Unplug takes the carrier of a NIC away, or gives it back.
func (m *Memory) Unplug(name string, unplugged bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if l := m.host.links[name]; l != nil {
		l.unplugged = unplugged
		m.watches.tell(engine.Change{Links: true})
	}
}

// Edit changes the host behind holdfast's back by steps, as a program beside
// it would; the steps' levels do not matter.
func (m *Memory) Edit(steps ...plan.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer m.watches.tell(anything)
	for i := range steps {
		if err := m.host.do(&steps[i]); err != nil {
			return err
		}
	}
	return nil
}

// Show gives a copy of the host.
func (m *Memory) Show(ctx context.Context, options engine.ShowOptions) (*state.State, error) {
	if err := ctx.Err(); err != nil {
		return nil, &engine.Error{Op: "show", Kind: engine.Timeout, Err: err}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.host.show()
	if len(options.Names) > 0 {
		s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i *state.Interface) bool {
			return !slices.Contains(options.Names, i.Name)
		})
	}
	return s, nil
}

// Apply carries the plan out step by step.
func (m *Memory) Apply(ctx context.Context, p *plan.Plan, progress func(engine.Progress)) error {
	if p.Empty() {
		return nil
	}
	m.writing.Lock()
	defer m.writing.Unlock()
	if progress != nil {
		progress(engine.Progress{Total: len(p.Steps)})
	}
	for i := range p.Steps {
		step := &p.Steps[i]
		err := ctx.Err()
		if err == nil {
			err = m.step(i, step)
		}
		if err != nil {
			return &engine.StepError{Index: i, Step: step, Err: wrap(step, err)}
		}
		if progress != nil {
			progress(engine.Progress{Done: i + 1, Total: len(p.Steps), Step: step})
		}
	}
	return nil
}

func (m *Memory) step(i int, step *plan.Step) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if i == m.failAt {
		m.failAt = -1
		return m.failure
	}
	m.writes++
	defer m.watches.tell(anything)
	err := m.host.do(step)
	if errno, ok := errors.AsType[syscall.Errno](err); ok && slices.Contains(fine[step.Verb], errno) {
		return nil
	}
	return err
}

// fine are refusals that mean that it is so already: what is to be removed went
// with something else, what is to be added is there.
var fine = map[plan.Verb][]syscall.Errno{
	plan.RemoveLink:    {syscall.ENODEV},
	plan.RemoveAddress: {syscall.EADDRNOTAVAIL, syscall.ENODEV},
	plan.RemoveRoute:   {syscall.ESRCH, syscall.ENODEV},
	plan.RemoveRule:    {syscall.ENOENT},
	plan.AddAddress:    {syscall.EEXIST},
}

// Lock takes the host's lock, which is refused while somebody holds it.
func (m *Memory) Lock(_ context.Context, purpose string) (release func() error, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.holder != "" {
		return nil, &engine.Error{
			Kind: engine.Busy, Hint: "wait until it is done, and try again",
			Err: fmt.Errorf("the network of this host is being changed: %s", m.holder),
		}
	}
	m.holder = purpose
	return func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.holder = ""
		return nil
	}, nil
}

// Holder tells for what the host is locked; empty if it is not.
func (m *Memory) Holder() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.holder
}

// wrap makes an *engine.Error of what a step failed with.
func wrap(step *plan.Step, err error) error {
	if known, ok := errors.AsType[*engine.Error](err); ok {
		return known
	}
	return &engine.Error{Op: string(step.Verb), Object: step.Object, Kind: kindOf(err), Err: err}
}
