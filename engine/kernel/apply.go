package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/plan"
)

// Apply carries the plan out, level by level: all messages of one level are
// sent together and their acknowledgements awaited before the next level. It
// returns at the first level in which something was refused, with the first
// refused step as *engine.StepError; steps of that level behind it may have
// been carried out.
//
// Before the first change it is made sure that the privileges are there, that
// the links are still those that the plan was made for, and that the modules
// of new kinds are loaded; a failure there has changed nothing. It must be
// called in the network namespace that the engine was opened in.
func (e *Engine) Apply(ctx context.Context, p *plan.Plan, progress func(engine.Progress)) error {
	return e.carryOut(ctx, p, progress, func(s *snapshot) map[string]string { return pinnedBefore(s, p) })
}

// carryOut is Apply. pins gives the addresses that are pinned on links that are
// made anew, by name, out of the links as they are before the first step.
func (e *Engine) carryOut(ctx context.Context, p *plan.Plan, progress func(engine.Progress), pins func(*snapshot) map[string]string) error {
	if p.Empty() {
		return nil
	}
	e.apply.Lock()
	defer e.apply.Unlock()
	r, err := e.prepare(ctx, p, pins)
	if err != nil {
		return err
	}
	r.progress = progress
	extras, err := e.saveExtras(ctx, p)
	if err != nil {
		return err
	}
	if progress != nil {
		progress(engine.Progress{Total: len(p.Steps)})
	}
	for start := 0; start < len(p.Steps); {
		end := levelEnd(p.Steps, start)
		if err := r.level(ctx, start, end); err != nil {
			return err
		}
		start = end
	}
	if err := extras.restore(ctx); err != nil {
		return r.fail(len(p.Steps)-1, err)
	}
	if err := r.warn(ctx, extras); err != nil {
		return r.fail(len(p.Steps)-1, err)
	}
	e.announce(ctx, r)
	return nil
}

// warn tells what of others the plan could not keep, if anybody listens.
func (r *run) warn(ctx context.Context, extras *savedExtras) error {
	if r.progress == nil {
		return nil
	}
	lost, err := extras.lostRoutes(ctx)
	for _, text := range lost {
		r.progress(engine.Progress{Done: r.done, Total: len(r.plan.Steps), Warning: text})
	}
	return err
}

// levelEnd finds where the level of the step at start ends.
func levelEnd(steps []plan.Step, start int) int {
	end := start + 1
	for end < len(steps) && steps[end].Level == steps[start].Level {
		end++
	}
	return end
}

// A run is one Apply under way.
type run struct {
	e        *Engine
	plan     *plan.Plan
	links    *linkTable
	progress func(engine.Progress)
	done     int
}

// prepare does what must be right before the first change.
func (e *Engine) prepare(ctx context.Context, p *plan.Plan, pins func(*snapshot) map[string]string) (*run, error) {
	if err := e.mayChange(ctx); err != nil {
		return nil, err
	}
	shot, err := takeSnapshot(ctx, e.conn, wantLinks)
	if err != nil {
		return nil, err
	}
	r := &run{e: e, plan: p, links: newLinkTable(shot.Links, &e.last)}
	r.links.remember(p.Current)
	r.links.remember(p.Target)
	r.links.pinned = pins(shot)
	if err := r.checkIdentity(); err != nil {
		return nil, err
	}
	return r, e.loadModules(ctx, p)
}

// mayChange asks the kernel for something that it refuses to everybody, but
// for want of CAP_NET_ADMIN first of all (rtnetlink_rcv_msg,
// net/core/rtnetlink.c): removing an address from no interface.
func (e *Engine) mayChange(ctx context.Context) error {
	probe := netlink.Message{
		Header: netlink.Header{Type: unix.RTM_DELADDR},
		Data:   []byte{unix.AF_INET, 0, 0, 0, 0, 0, 0, 0},
	}
	err := e.conn.ask(ctx, []netlink.Message{probe}, nil)[0]
	if !errors.Is(err, unix.EPERM) {
		return ctx.Err()
	}
	return &engine.Error{
		Op: "change the network", Kind: engine.Permission,
		Hint: "run it as root, or with the capability CAP_NET_ADMIN in the network namespace",
		Err:  errors.New("the privilege CAP_NET_ADMIN is missing"),
	}
}

// checkIdentity compares the links that the plan touches with those that are
// there: a link that was renamed, replaced or removed since the plan was made
// is told by name before anything is changed.
func (r *run) checkIdentity() error {
	if r.plan.Current == nil {
		return nil
	}
	planned := make(map[string]int, len(r.plan.Current.Interfaces))
	for _, i := range r.plan.Current.Interfaces {
		if i.Facts != nil && i.Facts.Index > 0 {
			planned[i.Name] = i.Facts.Index
		}
	}
	for n := range r.plan.Steps {
		step := &r.plan.Steps[n]
		for _, name := range []string{step.Object, step.Controller} {
			index, known := planned[name]
			if !known {
				continue
			}
			if err := r.links.same(name, index); err != nil {
				return &engine.StepError{Index: n, Step: step, Err: err}
			}
		}
	}
	return nil
}

// same is an error unless the link of that name has that number.
func (t *linkTable) same(name string, index int) error {
	if l := t.byName[name]; l != nil && l.index == index {
		return nil
	}
	if l := t.byIndex[index]; l != nil {
		return vanished(name, fmt.Errorf("the interface was renamed to %q: %w", l.name, unix.ENODEV))
	}
	if t.byName[name] != nil {
		return vanished(name, fmt.Errorf("the interface was replaced by another of the same name: %w", unix.ENODEV))
	}
	return vanished(name, fmt.Errorf("the interface vanished: %w", unix.ENODEV))
}

// vanished is the error about a link that is no longer what it was.
func vanished(name string, err error) error {
	return &engine.Error{
		Object: name, Kind: engine.NotFound, Err: err,
		Hint: "something else changed it meanwhile: look at \"holdfast show\" and try again",
	}
}

// tell reports the steps of a level as done.
func (r *run) tell(start, end int) {
	for i := start; i < end; i++ {
		r.done++
		if r.progress != nil {
			r.progress(engine.Progress{Done: r.done, Total: len(r.plan.Steps), Step: &r.plan.Steps[i]})
		}
	}
}
