package kernel

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// Bounds of a rollback: how often it is planned anew when a step fails or
// something is still different, and how long it is waited for what comes back
// by itself (carrier, duplicate detection).
const (
	rollbackRounds = 3
	rollbackWait   = 20 * time.Second
	rollbackPause  = 200 * time.Millisecond
)

// Rollback takes the host back: it plans from what is there now to the
// picture, carries that out, puts back what the schema does not know, and
// reads everything back. What others did meanwhile stays.
func (c *checkpoint) Rollback(ctx context.Context) error {
	if c.rebooted {
		return c.rollBackFiles(ctx)
	}
	var failures []error
	var left []string
	c.e.notes.reset(c.noted)
	for round := range rollbackRounds {
		err := c.goBack(ctx, round > 0)
		left = c.await(ctx, err != nil)
		if err == nil && len(left) == 0 {
			return c.keepNotes(ctx)
		}
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
		c.e.log.Info("rollback is not done yet", "round", round+1, "err", err, "left", left)
		failures = append(failures, err)
	}
	if len(left) == 0 {
		return nil
	}
	return &engine.RollbackError{Differences: left, Err: errors.Join(failures...)}
}

// keepNotes puts the notes of links on record that came back under another
// number.
func (c *checkpoint) keepNotes(ctx context.Context) error {
	if len(c.e.notes.pending()) == 0 {
		return nil
	}
	return c.e.recordOwned(ctx, nil, nil)
}

// goBack is one round. insist sets also what comes back by itself when the rest
// does: the address of a bridge that follows its ports.
func (c *checkpoint) goBack(ctx context.Context, insist bool) error {
	now, err := takeSnapshot(ctx, c.e.conn, wantAll)
	if err != nil {
		return err
	}
	current := c.show(now)
	target := c.target(current)
	if !insist {
		c.follow(target.State, current)
	}
	p, err := plan.Make(current, target, plan.Options{Force: true})
	if err != nil {
		return err
	}
	err = c.e.carryOut(ctx, p, nil, func(*snapshot) map[string]string { return c.Pinned })
	scope := c.scope()
	err = errors.Join(err, c.e.restoreExtras(ctx, c.Network, c.Taken, scope, everything))
	if moved, reorderErr := c.reorder(ctx, scope); moved || reorderErr != nil {
		err = errors.Join(err, reorderErr, c.e.restoreExtras(ctx, c.Network, c.Taken, scope, everything))
	}
	return errors.Join(err, c.restoreFiles(ctx))
}

// show gives a snapshot in the schema's words, with what the engine knows.
func (c *checkpoint) show(s *snapshot) *state.State {
	shown := stateOf(s, nil)
	c.e.describe(shown)
	return shown
}

// before is the picture in the schema's words.
func (c *checkpoint) before() *state.State {
	shown := c.show(c.Network)
	for _, i := range shown.Interfaces {
		if c.Pinned[i.Name] != "" {
			i.Facts.MACPinned = true
		}
	}
	return shown
}

// scope names the links that the plan can have changed: those that its steps
// speak of, and everything in one stack with them.
func (c *checkpoint) scope() map[string]bool {
	scope := map[string]bool{}
	for _, name := range c.Touched {
		scope[name] = true
	}
	return c.Network.stack(scope)
}

// stack adds to the names everything that sits on or under them, or beside
// them under one controller.
func (s *snapshot) stack(names map[string]bool) map[string]bool {
	next := map[string][]string{}
	join := func(a, b string) {
		if a != "" && b != "" {
			next[a], next[b] = append(next[a], b), append(next[b], a)
		}
	}
	for _, l := range s.Links {
		join(l.Name, s.name(l.Master))
		if l.BelowNetNS == nil && l.Kind != kindVeth {
			join(l.Name, s.name(l.Below))
		}
	}
	all := maps.Clone(names)
	todo := slices.Collect(maps.Keys(names))
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		for _, neighbour := range next[name] {
			if !all[neighbour] {
				all[neighbour] = true
				todo = append(todo, neighbour)
			}
		}
	}
	return all
}

// target is the state to go back to: the picture's for what the plan touched,
// today's for the rest, and the end of what the plan made.
func (c *checkpoint) target(current *state.State) *state.Target {
	was := c.before()
	before := make(map[string]*state.Interface, len(was.Interfaces))
	for _, i := range was.Interfaces {
		before[i.Name] = i
	}
	scope := c.scope()
	goal := &state.State{Routes: &state.Routes{}, Rules: &state.Rules{}, DNS: current.DNS, Hostname: current.Hostname}
	seen := map[string]bool{}
	for _, i := range current.Interfaces {
		seen[i.Name] = true
		switch {
		case slices.Contains(c.Made, i.Name):
			goal.Interfaces = append(goal.Interfaces, &state.Interface{Name: i.Name, Type: i.Type, State: state.Absent, Facts: i.Facts})
		case scope[i.Name] && before[i.Name] != nil:
			goal.Interfaces = append(goal.Interfaces, c.goBackTo(before[i.Name], i))
		default:
			goal.Interfaces = append(goal.Interfaces, i)
		}
	}
	for _, i := range was.Interfaces {
		if !seen[i.Name] && scope[i.Name] {
			goal.Interfaces = append(goal.Interfaces, c.goBackTo(i, nil))
		}
	}
	goal.Routes.Config = backRoutes(was, current)
	goal.Rules.Config = backRules(was, current)
	return &state.Target{State: goal}
}

// goBackTo is an interface as it was, with the foreign ports and addresses of
// today: a guest that came meanwhile stays, and one that left stays away unless
// its link is still there. That addresses come from DHCP or router
// advertisements is told of addresses that are there, and not the plan's to turn
// on: they come back raw.
func (c *checkpoint) goBackTo(was, now *state.Interface) *state.Interface {
	back := *was
	if now == nil {
		now = &state.Interface{}
	}
	if was.IPv4 == nil && now.IPv4 != nil {
		back.IPv4, back.IPv6 = c.portIP(was, now)
		return &back
	}
	if was.IPv4 != nil {
		ip := *was.IPv4
		ip.Address, ip.DHCP = backAddresses(was.IPv4.Address, addresses4(now)), nil
		if now.IPv4 != nil {
			ip.DHCP = now.IPv4.DHCP
		}
		back.IPv4 = &ip
	}
	if was.IPv6 != nil {
		ip := *was.IPv6
		ip.Address, ip.DHCP, ip.Autoconf = backAddresses(was.IPv6.Address, addresses6(now)), nil, nil
		if now.IPv6 != nil {
			ip.DHCP, ip.Autoconf = now.IPv6.DHCP, now.IPv6.Autoconf
		}
		back.IPv6 = &ip
	}
	if was.Bridge != nil && now.Bridge != nil {
		bridge := *was.Bridge
		bridge.Port = c.backPorts(was.Bridge.Port, now.Bridge.Port)
		back.Bridge = &bridge
	}
	return &back
}

// follow leaves the address of bridges and VLANs to the kernel where nobody had
// set one and the links below bring it back: writing even the same value would
// pin it. Where the plan set one, or nothing below has it, only writing brings it
// back.
func (c *checkpoint) follow(goal, current *state.State) {
	same := make(map[*state.Interface]bool, len(current.Interfaces))
	for _, i := range current.Interfaces {
		same[i] = true
	}
	macs := make(map[string]state.MAC, len(goal.Interfaces))
	for _, i := range goal.Interfaces {
		macs[i.Name] = i.MAC
	}
	for n, i := range goal.Interfaces {
		switch {
		case i.State == state.Absent, i.Facts == nil, i.Facts.MACPinned, same[i], c.Readdressed[i.Name]:
		case i.Type == state.TypeBridge && i.Bridge != nil && len(i.Bridge.Port) > 0,
			i.Type == state.TypeVLAN && i.VLAN != nil && macs[i.VLAN.BaseIface] == i.MAC:
			free := *i
			free.MAC = ""
			goal.Interfaces[n] = &free
		}
	}
}

// backPorts are the ports as they were, and those that others put in since.
func (c *checkpoint) backPorts(was, now []state.BridgePort) []state.BridgePort {
	ports := slices.Clone(was)
	for _, port := range now {
		known := slices.ContainsFunc(was, func(p state.BridgePort) bool { return p.Name == port.Name })
		if !known && !slices.Contains(c.Made, port.Name) && !slices.Contains(c.Touched, port.Name) {
			ports = append(ports, port)
		}
	}
	return ports
}

// backAddresses are our addresses as they were and the foreign ones as they
// are: foreign ones that were lost come back raw, with what is left of their
// life.
func backAddresses(was, now []state.Address) []state.Address {
	list := []state.Address{}
	for _, a := range was {
		if a.Facts == nil || !a.Facts.Foreign || slices.ContainsFunc(now, sameAddress(a)) {
			list = append(list, a)
		}
	}
	for _, a := range now {
		if a.Facts != nil && a.Facts.Foreign && !slices.ContainsFunc(list, sameAddress(a)) {
			list = append(list, a)
		}
	}
	return list
}

func sameAddress(a state.Address) func(state.Address) bool {
	return func(b state.Address) bool { return a.IP == b.IP && a.PrefixLength == b.PrefixLength }
}

func addresses4(i *state.Interface) []state.Address {
	if i.IPv4 == nil {
		return nil
	}
	return i.IPv4.Address
}

func addresses6(i *state.Interface) []state.Address {
	if i.IPv6 == nil {
		return nil
	}
	return i.IPv6.Address
}

// backRoutes are the routes that are configuration as they were, and the
// foreign ones as they are.
func backRoutes(was, now *state.State) []*state.Route {
	var routes []*state.Route
	if was.Routes != nil {
		for _, r := range was.Routes.Config {
			if r.Facts == nil || !r.Facts.Foreign {
				routes = append(routes, r)
			}
		}
	}
	if now.Routes != nil {
		for _, r := range now.Routes.Config {
			if r.Facts != nil && r.Facts.Foreign {
				routes = append(routes, r)
			}
		}
	}
	return routes
}

// backRules does the same for rules.
func backRules(was, now *state.State) []*state.Rule {
	var rules []*state.Rule
	if was.Rules != nil {
		for _, r := range was.Rules.Config {
			if r.Facts == nil || !r.Facts.Foreign {
				rules = append(rules, r)
			}
		}
	}
	if now.Rules != nil {
		for _, r := range now.Rules.Config {
			if r.Facts != nil && r.Facts.Foreign {
				rules = append(rules, r)
			}
		}
	}
	return rules
}

// await reads the host back until nothing differs from the picture any more,
// or until nothing more can be expected, and lists what differs. again is set
// when something was refused: a next hop object is, as long as its link has no
// carrier, and is tried again until it is taken. What is refused to the end is
// told by the next round.
func (c *checkpoint) await(ctx context.Context, again bool) []string {
	end := time.Now().Add(rollbackWait)
	for {
		late := time.Now().After(end)
		left, err := c.differences(ctx, late)
		switch {
		case err != nil:
			return []string{"the host cannot be read: " + err.Error()}
		case len(left) == 0 || late:
			return left
		}
		select {
		case <-ctx.Done():
			return left
		case <-time.After(rollbackPause):
		}
		if again {
			_ = c.e.restoreExtras(ctx, c.Network, c.Taken, c.scope(), everything)
		}
	}
}

// differences lists in what the host differs from the picture, a line each.
// late is set when it is not waited any longer for what comes back by itself.
func (c *checkpoint) differences(ctx context.Context, late bool) ([]string, error) {
	now, err := takeSnapshot(ctx, c.e.conn, wantAll)
	if err == nil {
		now, err = c.ownAgain(ctx, now, late)
	}
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, l := range now.Links {
		if slices.Contains(c.Made, l.Name) {
			lines = append(lines, l.Name+": is still there")
		}
	}
	scope := c.scope()
	lines = append(lines, differing(c.Network.facts(scope), now.facts(scope))...)
	for _, d := range c.Network.disorders(now, scope) {
		lines = append(lines, d.String())
	}
	lines = append(lines, c.stateDifferences(now, scope)...)
	lines = append(lines, c.portAddresses(now, scope)...)
	if c.Files {
		lines = append(lines, c.fileDifferences()...)
	}
	return lines, nil
}

// stateDifferences compares in the schema's words, which name options well.
func (c *checkpoint) stateDifferences(now *snapshot, scope map[string]bool) []string {
	was, is := c.before(), c.show(now)
	want := &state.State{Routes: &state.Routes{Config: backRoutes(was, is)}, Rules: &state.Rules{Config: backRules(was, is)}}
	for _, i := range was.Interfaces {
		if !scope[i.Name] {
			continue
		}
		back := c.goBackTo(i, is.Find(i.Name))
		want.Interfaces = append(want.Interfaces, back)
	}
	var lines []string
	for _, d := range state.Compare(want, is) {
		lines = append(lines, fmt.Sprintf("%s: %s is %q, was %q", d.Object, d.Key, d.Have, d.Want))
	}
	return lines
}

// fileDifferences compares the resolver and the host name.
func (c *checkpoint) fileDifferences() []string {
	var lines []string
	if image, err := c.e.company.resolver().Save(); err != nil || !image.Config.Equal(c.Resolver.Config) {
		lines = append(lines, "dns-resolver: differs from before")
	}
	if image, err := c.e.company.hostname().Save(); err != nil || image != c.Hostname {
		lines = append(lines, "hostname: "+image.Running+", was "+c.Hostname.Running)
	}
	return lines
}
