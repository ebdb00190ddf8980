package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"holdfast/state"
)

// mainTable is the number of table main (RT_TABLE_MAIN).
const mainTable = 254

// routeKey is what makes routes one route with several next hops.
type routeKey struct {
	to      netip.Prefix
	table   uint32
	metric  int64
	foreign bool
}

// hop is a next hop with all that can differ, in one spelling.
type hop struct {
	iface          string
	via            netip.Addr
	weight         uint16
	kind           state.RouteType
	source         netip.Addr
	cwnd, initcwnd uint32
	initrwnd, mtu  uint32
	advmss         uint32
	lock, quickack bool
}

// routeGroup is one route before and after.
type routeGroup struct {
	key       routeKey
	was, want []*state.Route
	// lost tells which of was do not outlive the links' steps.
	lost []bool
}

// keyOfRoute puts a route's key into one spelling; IPv6 routes without metric
// have 1024 (IP6_RT_PRIO_USER, include/net/ip6_route.h).
func keyOfRoute(r *state.Route) routeKey {
	k := routeKey{to: r.Destination.Masked(), table: value(r.TableID), metric: -1}
	if r.Metric != nil {
		k.metric = *r.Metric
	}
	if k.table == 0 {
		k.table = mainTable
	}
	six := k.to.Addr().Is6()
	switch {
	case six && k.metric <= 0:
		k.metric = 1024
	case k.metric < 0:
		k.metric = 0
	}
	k.foreign = r.Facts != nil && r.Facts.Foreign
	return k
}

// hopOf puts the rest of a route into one spelling.
func hopOf(r *state.Route) hop {
	h := hop{
		iface: value(r.NextHopInterface), via: value(r.NextHopAddress), weight: max(value(r.Weight), 1),
		kind: r.Type, source: value(r.Source), cwnd: value(r.CWND), initcwnd: value(r.InitCWND),
		initrwnd: value(r.InitRWND), mtu: value(r.MTU), advmss: value(r.AdvMSS),
		lock: value(r.LockMTU), quickack: value(r.QuickACK),
	}
	if h.via.IsValid() && h.via.IsUnspecified() {
		h.via = netip.Addr{}
	}
	if h.kind != "" {
		h.iface = ""
	}
	return h
}

// routes plans the routes: new ones after their next hops can be reached,
// those of another metric before the old ones go, and again those that are
// lost when a link goes down or an address leaves.
func (b *builder) routes() {
	b.routesAdded, b.routesRemoved = map[uint32][]int{}, map[uint32][]int{}
	if b.sameRoutes() {
		return
	}
	p := &routePlanner{builder: b, added: map[routeKey][]int{}}
	for _, g := range b.routeGroups() {
		p.group(g)
	}
	p.finish()
}

// sameRoutes tells whether there is nothing to look at: the lists are the same
// routes, and no link loses any.
func (b *builder) sameRoutes() bool {
	var was, want []*state.Route
	if b.current.Routes != nil {
		was = b.current.Routes.Config
	}
	if b.target.State.Routes != nil {
		want = b.target.State.Routes.Config
	}
	return len(b.touched) == 0 && slices.Equal(was, want)
}

// routeSet gathers next hops by route.
type routeSet struct {
	byKey map[routeKey]*routeGroup
	list  []*routeGroup
}

// group finds or makes the route that the next hop belongs to.
func (s *routeSet) group(r *state.Route) *routeGroup {
	k := keyOfRoute(r)
	g := s.byKey[k]
	if g == nil {
		g = &routeGroup{key: k}
		s.byKey[k] = g
		s.list = append(s.list, g)
	}
	return g
}

// routeGroups gathers the next hops of both states by route, in a fixed order.
func (b *builder) routeGroups() []*routeGroup {
	s := &routeSet{byKey: map[routeKey]*routeGroup{}}
	b.routesBefore(s)
	if t := b.target.State.Routes; t != nil {
		for _, r := range t.Config {
			if r.State == state.Absent || r.State == state.Ignore || b.withoutLink(r) {
				continue
			}
			if g := s.group(r); !g.has(g.want, r) && !b.unsourced(r) {
				g.want = append(g.want, r)
			}
		}
	}
	slices.SortFunc(s.list, compareGroups)
	for _, g := range s.list {
		slices.SortStableFunc(g.was, compareRoutes)
		slices.SortStableFunc(g.want, compareRoutes)
		for _, r := range g.was {
			g.lost = append(g.lost, b.loses(r))
		}
	}
	return s.list
}

// routesBefore gathers what is there: configured routes, and foreign ones.
func (b *builder) routesBefore(s *routeSet) {
	c := b.current.Routes
	if c == nil {
		return
	}
	for _, r := range c.Config {
		g := s.group(r)
		g.was = append(g.was, r)
	}
	for _, r := range c.Running {
		if r.Facts == nil || !r.Facts.Foreign {
			continue
		}
		if g := s.group(r); !g.has(g.was, r) {
			g.was = append(g.was, r)
		}
	}
}

// withoutLink tells whether the route's link will not be there.
func (b *builder) withoutLink(r *state.Route) bool {
	l := b.byName[value(r.NextHopInterface)]
	return l != nil && l.want == nil
}

// unsourced tells whether the route prefers a source address that the plan
// takes away for good: the kernel forgets it then, and takes it from nobody.
func (b *builder) unsourced(r *state.Route) bool {
	if r.Source == nil {
		return false
	}
	if _, gone := b.removals[*r.Source]; !gone {
		return false
	}
	if b.sources == nil {
		b.sources = b.addedAddresses()
	}
	if _, again := b.sources[*r.Source]; again {
		return false
	}
	b.warnings = append(b.warnings, fmt.Sprintf("the route to %s goes with its source address %s", keyOfRoute(r).text(), r.Source))
	return true
}

// has tells whether the list has the next hop already.
func (g *routeGroup) has(list []*state.Route, r *state.Route) bool {
	h := hopOf(r)
	return slices.ContainsFunc(list, func(o *state.Route) bool { return o == r || hopOf(o) == h })
}

// compareGroups orders routes: IPv4 first, wide ones first, so that what
// makes a gateway reachable has no fixed place but the output has.
func compareGroups(a, b *routeGroup) int {
	x, y := a.key, b.key
	return cmp.Or(
		cmp.Compare(x.to.Addr().BitLen(), y.to.Addr().BitLen()),
		cmp.Compare(x.table, y.table),
		x.to.Addr().Compare(y.to.Addr()),
		cmp.Compare(x.to.Bits(), y.to.Bits()),
		cmp.Compare(x.metric, y.metric),
		cmp.Compare(number1(x.foreign), number1(y.foreign)),
	)
}

// compareRoutes orders the next hops of a route.
func compareRoutes(a, b *state.Route) int {
	x, y := hopOf(a), hopOf(b)
	return cmp.Or(cmp.Compare(x.iface, y.iface), x.via.Compare(y.via))
}

// number1 is 1 for true.
func number1(b bool) int {
	if b {
		return 1
	}
	return 0
}

// loses tells whether the route is lost on the way (traps: a link that goes
// down loses its routes, an address that goes takes those that need it).
func (b *builder) loses(r *state.Route) bool {
	h := hopOf(r)
	if l := b.byName[h.iface]; l != nil {
		if l.leaves() || l.dips {
			return true
		}
		if l.lostIPv4 && r.Destination.Addr().Is4() {
			return true
		}
		if r.Destination.Addr().Is6() && b.turnsOff6(l) {
			return true
		}
	}
	if h.source.IsValid() {
		gone, ok := b.removals[h.source]
		return ok && gone.step >= 0
	}
	return false
}
