package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

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

// routeGroups gathers the next hops of both states by route, in a fixed order.
func (b *builder) routeGroups() []*routeGroup {
	groups := map[routeKey]*routeGroup{}
	var list []*routeGroup
	group := func(r *state.Route) *routeGroup {
		k := keyOfRoute(r)
		g := groups[k]
		if g == nil {
			g = &routeGroup{key: k}
			groups[k] = g
			list = append(list, g)
		}
		return g
	}
	if c := b.current.Routes; c != nil {
		for _, r := range c.Config {
			g := group(r)
			g.was = append(g.was, r)
		}
		for _, r := range c.Running {
			if r.Facts == nil || !r.Facts.Foreign {
				continue
			}
			if g := group(r); !g.has(g.was, r) {
				g.was = append(g.was, r)
			}
		}
	}
	if t := b.target.State.Routes; t != nil {
		for _, r := range t.Config {
			if r.State == state.Absent || r.State == state.Ignore || b.withoutLink(r) {
				continue
			}
			if g := group(r); !g.has(g.want, r) && !b.unsourced(r) {
				g.want = append(g.want, r)
			}
		}
	}
	slices.SortFunc(list, compareGroups)
	for _, g := range list {
		slices.SortStableFunc(g.was, compareRoutes)
		slices.SortStableFunc(g.want, compareRoutes)
		for _, r := range g.was {
			g.lost = append(g.lost, b.loses(r))
		}
	}
	return list
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

// text is the key of a route in ip(8)'s words.
func (k routeKey) text() string {
	s := k.to.String()
	if k.to.Bits() == 0 {
		s = "default"
		if k.to.Addr().Is6() {
			s = "default (IPv6)"
		}
	}
	if k.metric > 0 && !(k.to.Addr().Is6() && k.metric == 1024) {
		s += fmt.Sprintf(" metric %d", k.metric)
	}
	if k.table != mainTable {
		s += fmt.Sprintf(" table %d", k.table)
	}
	return s
}

// hopChanges are the next hops for people.
func hopChanges(was, want []*state.Route) []Change {
	return []Change{{Key: "route", From: hopsText(was), To: hopsText(want)}}
}

// hopsText is "via 192.0.2.1 dev eth0, via …".
func hopsText(routes []*state.Route) string {
	parts := make([]string, 0, len(routes))
	for _, r := range routes {
		parts = append(parts, hopOf(r).text(len(routes) > 1))
	}
	return strings.Join(parts, ", ")
}

// text is a next hop in ip(8)'s words.
func (h hop) text(several bool) string {
	var parts []string
	if h.kind != "" {
		parts = append(parts, string(h.kind))
	}
	if h.via.IsValid() {
		parts = append(parts, "via "+h.via.String())
	}
	if h.iface != "" {
		parts = append(parts, "dev "+h.iface)
	}
	if several {
		parts = append(parts, fmt.Sprintf("weight %d", h.weight))
	}
	if h.source.IsValid() {
		parts = append(parts, "src "+h.source.String())
	}
	for _, n := range [...]struct {
		word  string
		value uint32
	}{{"mtu", h.mtu}, {"advmss", h.advmss}, {"cwnd", h.cwnd}, {"initcwnd", h.initcwnd}, {"initrwnd", h.initrwnd}} {
		if n.value != 0 {
			parts = append(parts, fmt.Sprintf("%s %d", n.word, n.value))
		}
	}
	if h.lock {
		parts = append(parts, "lock")
	}
	if h.quickack {
		parts = append(parts, "quickack 1")
	}
	return strings.Join(parts, " ")
}
