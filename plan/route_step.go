package plan

import (
	"net/netip"
	"slices"

	"holdfast/state"
)

// routePlanner makes the steps of the groups.
type routePlanner struct {
	*builder
	// added are the steps that add a route, by key without metric.
	added map[routeKey][]int
	// removed are the steps that remove a route for good.
	removed []removedRoute
	// direct are added routes without gateway: they make gateways reachable.
	direct []directRoute
	// wanting are steps with a gateway that no address reaches.
	wanting []wantingRoute
}

type removedRoute struct {
	group *routeGroup
	step  int
}

type directRoute struct {
	iface string
	to    netip.Prefix
	step  int
}

type wantingRoute struct {
	iface string
	via   netip.Addr
	step  int
}

// group plans one route.
func (p *routePlanner) group(g *routeGroup) {
	lost := slices.Contains(g.lost, true)
	all := lost && !slices.Contains(g.lost, false)
	switch {
	case g.key.foreign:
		p.foreign(g)
	case len(g.want) == 0:
		if !all && len(g.was) > 0 {
			p.remove(g, g.was, "not in the list")
		}
	case len(g.was) == 0:
		p.put(AddRoute, g, g.want, nil, "new")
	case g.same():
		switch {
		case all:
			p.put(AddRoute, g, g.want, nil, p.reason(g))
		case lost && g.whole():
			p.put(ReplaceRoute, g, g.want, nil, p.reason(g))
		case lost:
			p.parts(g)
		}
	case g.whole() && !p.shared(g):
		p.put(ReplaceRoute, g, g.want, g.was, "changed")
	default:
		p.parts(g)
	}
}

// foreign puts back the foreign next hops that are lost; those of the kernel
// and of router advertisements come back by themselves.
func (p *routePlanner) foreign(g *routeGroup) {
	var again []*state.Route
	for n, r := range g.was {
		if g.lost[n] && r.Facts.Protocol != 1 && r.Facts.Protocol != 2 && r.Facts.Protocol != 9 && g.has(g.want, r) {
			again = append(again, r)
		}
	}
	if len(again) > 0 {
		p.put(AddRoute, g, again, nil, p.reason(g))
	}
}

// same tells whether the next hops are the same before and after. A single
// one's weight means nothing.
func (g *routeGroup) same() bool {
	if len(g.was) != len(g.want) {
		return false
	}
	if len(g.was) == 1 {
		a, b := hopOf(g.was[0]), hopOf(g.want[0])
		a.weight, b.weight = 1, 1
		return a == b
	}
	for _, r := range g.want {
		if !g.has(g.was, r) {
			return false
		}
	}
	return true
}

// whole tells whether the route can be replaced as one: IPv4 always, IPv6
// only where all next hops have a gateway; others are routes of their own
// there (net/ipv6/ip6_fib.c, rt6_qualify_for_ecmp).
func (g *routeGroup) whole() bool {
	if g.key.to.Addr().Is4() {
		return true
	}
	direct := func(r *state.Route) bool { return !hopOf(r).via.IsValid() }
	return !slices.ContainsFunc(g.was, direct) && !slices.ContainsFunc(g.want, direct)
}

// shared tells whether a foreign route has the same key: replacing could hit
// that one.
func (p *routePlanner) shared(g *routeGroup) bool {
	if p.current.Routes == nil {
		return false
	}
	k := g.key
	k.foreign = true
	other := func(r *state.Route) bool { return r.Facts != nil && r.Facts.Foreign && keyOfRoute(r) == k }
	return slices.ContainsFunc(p.current.Routes.Running, other) || slices.ContainsFunc(p.current.Routes.Config, other)
}

// parts changes a route next hop by next hop: first what goes, then what comes.
func (p *routePlanner) parts(g *routeGroup) {
	removed := -1
	var gone []*state.Route
	for n, r := range g.was {
		if !g.has(g.want, r) && !g.lost[n] {
			gone = append(gone, r)
		}
	}
	if len(gone) > 0 {
		removed = p.step(RemoveRoute, g, gone, "changed", hopChanges(gone, nil))
		p.routesRemoved[g.key.table] = append(p.routesRemoved[g.key.table], removed)
	}
	for _, r := range g.want {
		there := false
		for n, o := range g.was {
			there = there || !g.lost[n] && hopOf(o) == hopOf(r)
		}
		if !there {
			p.need(p.put(AddRoute, g, []*state.Route{r}, nil, "changed"), removed)
		}
	}
}

// reason says why a route that stays is put again.
func (p *routePlanner) reason(g *routeGroup) string {
	for n, r := range g.was {
		l := p.byName[value(r.NextHopInterface)]
		switch {
		case !g.lost[n] || l == nil:
		case l.leaves():
			return "lost with the old " + l.name
		case l.dips:
			return "lost when " + l.name + " was down"
		default:
			return "lost with an address of " + l.name
		}
	}
	return "lost with its source address"
}

// step appends a step on a route.
func (p *routePlanner) step(v Verb, g *routeGroup, routes []*state.Route, why string, changes []Change) int {
	impact := ImpactHot
	if v == AddRoute {
		impact = ImpactNone
	}
	return p.add(Step{Verb: v, Object: g.key.text(), Routes: routes, Why: why, Changes: changes, Impact: impact}, nil)
}

// remove takes a route away for good.
func (p *routePlanner) remove(g *routeGroup, routes []*state.Route, why string) {
	i := p.step(RemoveRoute, g, routes, why, hopChanges(routes, nil))
	p.removed = append(p.removed, removedRoute{g, i})
	p.routesRemoved[g.key.table] = append(p.routesRemoved[g.key.table], i)
}

// put adds or replaces a route, after what it stands on.
func (p *routePlanner) put(v Verb, g *routeGroup, routes, was []*state.Route, why string) int {
	i := p.step(v, g, routes, why, hopChanges(was, routes))
	k := routeKey{to: g.key.to, table: g.key.table}
	p.added[k] = append(p.added[k], i)
	p.routesAdded[g.key.table] = append(p.routesAdded[g.key.table], i)
	for _, r := range routes {
		p.ground(i, g, hopOf(r))
	}
	return i
}

// ground lets a route wait for its link and the addresses that it needs.
func (p *routePlanner) ground(i int, g *routeGroup, h hop) {
	if h.source.IsValid() {
		if p.sources == nil {
			p.sources = p.addedAddresses()
		}
		if j, ok := p.sources[h.source]; ok {
			p.need(i, j)
		}
	}
	l := p.byName[h.iface]
	if l == nil || !l.touched {
		p.standing(i, g, h, false)
		return
	}
	p.need(i, l.at.up)
	p.need(i, l.creating())
	p.need(i, l.at.ip)
	if l.lostIPv4 && g.key.to.Addr().Is4() {
		p.needAll(i, p.meet(l.at.removed))
	}
	p.standing(i, g, h, p.addressesFor(i, l, g, h))
}

// standing notes routes that make gateways reachable, and those whose gateway
// no new address reaches.
func (p *routePlanner) standing(i int, g *routeGroup, h hop, reached bool) {
	switch {
	case !h.via.IsValid():
		p.direct = append(p.direct, directRoute{h.iface, g.key.to, i})
	case !reached:
		p.wanting = append(p.wanting, wantingRoute{h.iface, h.via, i})
	}
}

// addressesFor lets a route wait for the new addresses whose subnet has its
// gateway, or for the first one of its family.
func (p *routePlanner) addressesFor(i int, l *link, g *routeGroup, h hop) (reached bool) {
	first := -1
	for _, a := range l.at.added {
		if a.prefix.Addr().Is4() != g.key.to.Addr().Is4() {
			continue
		}
		if first < 0 {
			first = a.step
		}
		if h.via.IsValid() && a.prefix.Contains(h.via) {
			p.need(i, a.step)
			reached = true
		}
	}
	if !reached {
		p.need(i, first)
	}
	return reached
}

// addedAddresses is where addresses are added.
func (b *builder) addedAddresses() map[netip.Addr]int {
	m := map[netip.Addr]int{}
	for _, l := range b.touched {
		for _, a := range l.at.added {
			m[a.prefix.Addr()] = a.step
		}
	}
	return m
}

// finish orders routes among each other and against the addresses.
func (p *routePlanner) finish() {
	for _, r := range p.removed {
		k := routeKey{to: r.group.key.to, table: r.group.key.table}
		if added := p.added[k]; len(added) > 0 {
			p.steps[r.step].Why = "another metric took its place"
			p.needAll(r.step, added)
			continue
		}
		p.early(r)
	}
	if len(p.wanting) == 0 || len(p.direct) == 0 {
		return
	}
	byLink := map[string][]directRoute{}
	for _, d := range p.direct {
		byLink[d.iface] = append(byLink[d.iface], d)
	}
	for _, w := range p.wanting {
		for _, d := range byLink[w.iface] {
			if d.to.Contains(w.via) && d.to.Bits() > 0 {
				p.need(w.step, d.step)
			}
		}
	}
}

// early lets a route that goes for good go before its addresses do and before
// its link is set down.
func (p *routePlanner) early(r removedRoute) {
	for _, route := range r.group.was {
		l := p.byName[value(route.NextHopInterface)]
		if l == nil || !l.touched {
			continue
		}
		for _, j := range l.at.removed {
			p.need(j, r.step)
		}
		p.need(l.at.down, r.step)
		p.need(l.at.detach, r.step)
	}
}
