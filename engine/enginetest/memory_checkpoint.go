package enginetest

import (
	"context"
	"fmt"
	"slices"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// checkpoint is a picture of a Memory's host.
type checkpoint struct {
	memory *Memory
	before *state.State
	// made are the links, and routes and rules by their steps, that the plan
	// makes.
	links  map[string]bool
	routes []*state.Route
	rules  []*state.Rule
}

var _ engine.Checkpoint = (*checkpoint)(nil)

// Checkpoint takes a picture of the host.
func (m *Memory) Checkpoint(ctx context.Context) (engine.Checkpoint, error) {
	before, err := m.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return nil, err
	}
	return &checkpoint{memory: m, before: before, links: map[string]bool{}}, nil
}

// Reopen gives back what Store of this Memory's checkpoints gave.
func (m *Memory) Reopen(_ context.Context, stored []byte) (engine.Checkpoint, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.checkpoints[string(stored)]
	if c == nil {
		return nil, &engine.Error{Op: "reopen the checkpoint", Kind: engine.NotFound, Err: fmt.Errorf("there is no %q", stored)}
	}
	return c, nil
}

// Store keeps the checkpoint in the Memory, which outlives a crash of what
// stands above it, and gives its name.
func (c *checkpoint) Store() ([]byte, error) {
	c.memory.mu.Lock()
	defer c.memory.mu.Unlock()
	name := fmt.Sprintf("memory checkpoint %d", len(c.memory.checkpoints)+1)
	c.memory.checkpoints[name] = c
	return []byte(name), nil
}

// Applied notes what the plan makes.
func (c *checkpoint) Applied(p *plan.Plan) {
	for i := range p.Steps {
		step := &p.Steps[i]
		switch step.Verb {
		case plan.CreateLink:
			c.links[step.Object] = true
			if step.Link.Veth != nil {
				c.links[step.Link.Veth.Peer] = true
			}
		case plan.AddRoute, plan.ReplaceRoute:
			c.routes = append(c.routes, completeAll(step.Routes)...)
		case plan.AddRule:
			c.rules = append(c.rules, completeRule(step.Rule))
		}
	}
}

// Release forgets the checkpoint. What was stored of it can be reopened all the
// same, as a copy of the kernel engine's can.
func (c *checkpoint) Release(context.Context) error { return nil }

// Rollback plans from what is there now to what was there, carries that out
// and compares.
func (c *checkpoint) Rollback(ctx context.Context) error {
	now, err := c.memory.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return &engine.RollbackError{Err: err}
	}
	back, err := plan.Make(now, &state.Target{State: c.target(now)}, plan.Options{Force: true})
	if err != nil {
		return &engine.RollbackError{Err: err}
	}
	if err := c.memory.Apply(ctx, back, nil); err != nil {
		return &engine.RollbackError{Differences: c.differences(ctx), Err: err}
	}
	if lines := c.differences(ctx); len(lines) > 0 {
		return &engine.RollbackError{Differences: lines}
	}
	return nil
}

// target is the host as it was, with what others made meanwhile.
func (c *checkpoint) target(now *state.State) *state.State {
	target := c.before.Clone()
	for _, i := range target.Interfaces {
		// A bond's port that is made again begins with the address that it had
		// before it joined: joining gives it the bond's.
		if i.PermanentMAC != "" && now.Find(i.Name) == nil {
			i.MAC = i.PermanentMAC
		}
	}
	for _, i := range now.Interfaces {
		switch {
		case target.Find(i.Name) != nil:
		case c.links[i.Name]:
			target.Interfaces = append(target.Interfaces, &state.Interface{Name: i.Name, Type: i.Type, State: state.Absent, Facts: i.Facts})
		default:
			target.Interfaces = append(target.Interfaces, i)
		}
	}
	target.Routes.Config = c.before.Clone().Routes.Running
	for _, r := range now.Routes.Running {
		ours := func(o *state.Route) bool { return sameRoute(o, r) }
		if !slices.ContainsFunc(target.Routes.Config, ours) && !slices.ContainsFunc(c.routes, ours) {
			target.Routes.Config = append(target.Routes.Config, r)
		}
	}
	for _, r := range now.Rules.Config {
		ours := func(o *state.Rule) bool { return sameRule(o, r) }
		if !slices.ContainsFunc(target.Rules.Config, ours) && !slices.ContainsFunc(c.rules, ours) {
			target.Rules.Config = append(target.Rules.Config, r)
		}
	}
	return target
}

// differences lists in what the host is not as it was.
func (c *checkpoint) differences(ctx context.Context) []string {
	now, err := c.memory.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, d := range state.Compare(c.before, now) {
		lines = append(lines, fmt.Sprintf("%s: %s was %s, is %s", d.Object, d.Key, d.Want, d.Have))
	}
	for name := range c.links {
		if c.before.Find(name) == nil && now.Find(name) != nil {
			lines = append(lines, name+": is still there")
		}
	}
	slices.Sort(lines)
	return lines
}
