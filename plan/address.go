package plan

import (
	"net/netip"
	"slices"

	"holdfast/state"
)

// removal is where an address is taken away, and by which step.
type removal struct {
	link *link
	step int
}

// addedAddress is a step that adds an address.
type addedAddress struct {
	prefix netip.Prefix
	step   int
}

// addresses4 and addresses6 are the addresses of a family; the stack being
// off means none, a missing list that nothing was said.
func addresses4(i *state.Interface) (list []state.Address, said bool) {
	switch {
	case i == nil || i.IPv4 == nil:
		return nil, false
	case i.IPv4.Enabled != nil && !*i.IPv4.Enabled:
		return nil, true
	}
	return i.IPv4.Address, i.IPv4.Address != nil
}

func addresses6(i *state.Interface) (list []state.Address, said bool) {
	switch {
	case i == nil || i.IPv6 == nil:
		return nil, false
	case i.IPv6.Enabled != nil && !*i.IPv6.Enabled:
		return nil, true
	}
	return i.IPv6.Address, i.IPv6.Address != nil
}

// kernelMade tells whether the kernel makes the address by itself: it comes
// back when the link does.
func kernelMade(a *state.Address) bool {
	return a.Facts != nil && a.Facts.Foreign && a.IP.Is6() && a.IP.IsLinkLocalUnicast() && a.ValidLifeTime == ""
}

// turnsOff6 tells whether the plan turns IPv6 off, which takes all addresses
// and routes of it. A port that the document does not want so is only made
// mute.
func (b *builder) turnsOff6(l *link) bool {
	if l.want == nil || l.want.IPv6 == nil || l.want.IPv6.Enabled == nil || *l.want.IPv6.Enabled {
		return false
	}
	if l.joins && !l.fresh && l.mute() {
		a := b.asked[l.name]
		return a != nil && a.IPv6 != nil && a.IPv6.Enabled != nil && !*a.IPv6.Enabled
	}
	return true
}

// removeAddresses plans which addresses go. Those that go with the whole
// stack, or because the link is set down for good, need no step.
func (b *builder) removeAddresses(l *link) {
	if l.want == nil || l.was == l.want && !l.joins {
		return
	}
	was, _ := addresses4(l.was)
	if want, said := addresses4(l.want); said {
		b.removeFrom(l, was, want)
		b.demote(l, was, want)
	}
	was6, _ := addresses6(l.was)
	flushed := b.turnsOff6(l) || l.dips && !l.endsUp()
	if want, said := addresses6(l.want); said && !flushed {
		b.removeFrom(l, was6, want)
	}
	b.silence(l, was6)
}

// silence plans that a new port loses the address that the kernel made for it.
// A link that is set down loses it anyway.
func (b *builder) silence(l *link, was []state.Address) {
	if !l.joins || !l.mute() || l.dips || b.turnsOff6(l) || b.guest(l) {
		return
	}
	for n := range was {
		if kernelMade(&was[n]) {
			b.removeAddress(l, &was[n], "a port has no addresses of its own")
		}
	}
}

// removeFrom plans the addresses of one family that are in was and not in want.
func (b *builder) removeFrom(l *link, was, want []state.Address) {
	keep := prefixes(want)
	for n := range was {
		a := &was[n]
		if !keep.has(a.Prefix()) && !kernelMade(a) {
			b.removeAddress(l, a, "not in the list")
		}
	}
}

// demote plans that a primary address goes and comes back later because
// another one of its subnet is to be the primary.
func (b *builder) demote(l *link, was, want []state.Address) {
	if len(was) < 2 {
		return
	}
	keep := prefixes(want)
	for n := range was {
		p := was[n].Prefix()
		if keep.has(p) && primaryOf(was, p) == p && primaryOf(want, p) != p {
			b.removeAddress(l, &was[n], "another address of its subnet comes first")
		}
	}
}

// primaryOf is the first address of the subnet of p.
func primaryOf(list []state.Address, p netip.Prefix) netip.Prefix {
	subnet := p.Masked()
	for _, a := range list {
		if a.Prefix().Masked() == subnet {
			return a.Prefix()
		}
	}
	return netip.Prefix{}
}

// removeAddress plans one removal.
func (b *builder) removeAddress(l *link, a *state.Address, why string) {
	if l.released {
		why = "given back"
	}
	i := b.add(Step{
		Verb: RemoveAddress, Object: l.name, Address: a, Impact: ImpactHot, Why: why,
		Changes: []Change{{Key: "address", From: a.Prefix().String()}},
	}, l)
	l.at.removed = append(l.at.removed, i)
	b.removals[a.IP] = removal{l, i}
}

// prefixSet holds prefixes: a list while small, a map beyond.
type prefixSet struct {
	list []state.Address
	all  map[netip.Prefix]bool
}

func prefixes(list []state.Address) prefixSet {
	s := prefixSet{list: list}
	if len(list) > 8 {
		s.all = make(map[netip.Prefix]bool, len(list))
		for _, a := range list {
			s.all[a.Prefix()] = true
		}
	}
	return s
}

func (s prefixSet) has(p netip.Prefix) bool {
	if s.all != nil {
		return s.all[p]
	}
	return slices.ContainsFunc(s.list, func(a state.Address) bool { return a.Prefix() == p })
}

// addAddresses plans the addresses that are missing or lost on the way.
func (b *builder) addAddresses(l *link) {
	if !l.fresh && l.was == l.want && !l.dips {
		return
	}
	want4, _ := addresses4(l.want)
	want6, _ := addresses6(l.want)
	var was4, was6 []state.Address
	if !l.fresh {
		was4, _ = addresses4(l.was)
		was6, _ = addresses6(l.was)
	}
	b.addMissing(l, want4, was4, b.surviving4(l, was4, want4))
	b.remeter(l, want4)
	b.addMissing(l, want6, was6, b.surviving6(l, was6))
}

// surviving4 are the IPv4 addresses that are never lost on the way: taking
// away the primary of a subnet takes its secondaries (promote_secondaries=0).
// It also notes whether no address is left at some moment, for with the last
// one go all routes (net/ipv4/fib_frontend.c, fib_inetaddr_event).
func (b *builder) surviving4(l *link, was, want []state.Address) prefixSet {
	_, said := addresses4(l.want)
	if l.fresh || !said {
		return prefixes(was)
	}
	keep := prefixes(want)
	primaryGone := map[netip.Prefix]bool{}
	var left []state.Address
	for _, a := range was {
		subnet := a.Prefix().Masked()
		gone, seen := primaryGone[subnet]
		if !seen {
			gone = !keep.has(a.Prefix()) || primaryOf(want, a.Prefix()) != a.Prefix()
			primaryGone[subnet] = gone
		}
		if !gone && keep.has(a.Prefix()) {
			left = append(left, a)
		}
	}
	l.lostIPv4 = len(was) > 0 && len(left) == 0
	return prefixes(left)
}

// surviving6 are the IPv6 addresses that are never lost on the way: setting a
// link down flushes them (net/ipv6/addrconf.c, addrconf_ifdown).
func (b *builder) surviving6(l *link, was []state.Address) prefixSet {
	if !l.dips && !b.turnsOff6(l) {
		return prefixes(was)
	}
	return prefixes(nil)
}

// addMissing plans the addresses of one family in want that do not survive.
// Addresses of one IPv4 subnet follow each other: the first is the primary.
func (b *builder) addMissing(l *link, want, was []state.Address, survives prefixSet) {
	before := prefixes(was)
	last := map[netip.Prefix]int{}
	for _, a := range sendingOrder(want) {
		p := a.Prefix()
		if kernelMade(a) || survives.has(p) && !outlives(a, was) {
			continue
		}
		s := Step{
			Verb: AddAddress, Object: l.name, Address: a, Impact: ImpactNone, Why: "new",
			Changes: []Change{{Key: "address", To: p.String()}},
		}
		switch {
		case l.anew:
			s.Why = "as before"
		case !before.has(p):
		case survives.has(p):
			s.Why = "a lease that is to stay"
		case l.dips && p.Addr().Is6():
			s.Why = "lost when the link was down"
		default:
			s.Why = "lost with the primary address of its subnet"
		}
		i := b.add(s, l)
		l.at.added = append(l.at.added, addedAddress{p, i})
		if p.Addr().Is4() {
			if j, ok := last[p.Masked()]; ok {
				b.need(i, j)
			}
			last[p.Masked()] = i
		}
	}
}

// remeter plans that addresses that stay bring their route with another metric
// (inet_rtm_newaddr, net/ipv4/devinet.c). Those that come have it from the
// beginning, foreign ones keep their own.
func (b *builder) remeter(l *link, want []state.Address) {
	if l.fresh || l.want.IPv4 == nil || l.was.IPv4 == nil {
		return
	}
	had := map[netip.Prefix]uint32{}
	for n := range l.was.IPv4.Address {
		a := &l.was.IPv4.Address[n]
		had[a.Prefix()] = metricOf(l.was.IPv4, a)
	}
	for _, a := range l.at.added {
		delete(had, a.prefix)
	}
	for n := range want {
		a := &want[n]
		from, stays := had[a.Prefix()]
		to := metricOf(l.want.IPv4, a)
		if !stays || from == to || a.Facts != nil && a.Facts.Foreign {
			continue
		}
		i := b.add(Step{
			Verb: AddAddress, Object: l.name, Address: a, Impact: ImpactHot, Why: "its route has metric " + number(from),
			Changes: []Change{{Key: "address", To: a.Prefix().String() + " metric " + number(to)}},
		}, l)
		l.at.added = append(l.at.added, addedAddress{a.Prefix(), i})
	}
}

// metricOf is the metric of the route that an address brings: that of all its
// link's, or, where they have not one, its own.
func metricOf(ip *state.IPv4, a *state.Address) uint32 {
	if ip.PrefixRouteMetric == nil && a.Facts != nil {
		return a.Facts.Metric
	}
	return value(ip.PrefixRouteMetric)
}

// outlives tells whether the address stays for ever while it is there with a
// finite life.
func outlives(a *state.Address, was []state.Address) bool {
	if a.ValidLifeTime != "" || a.Facts != nil {
		return false
	}
	return slices.ContainsFunc(was, func(o state.Address) bool { return o.Prefix() == a.Prefix() && o.ValidLifeTime != "" })
}

// moves lets addresses that change their link arrive right after they left:
// the new link is ready before the old one gives the address up.
func (b *builder) moves() {
	for _, l := range b.touched {
		if l.leaves() && l.at.remove >= 0 && l.was.IPv4 != nil {
			for _, a := range l.was.IPv4.Address {
				b.vacates(a.IP, l)
			}
		}
		if l.leaves() && l.at.remove >= 0 && l.was.IPv6 != nil {
			for _, a := range l.was.IPv6.Address {
				b.vacates(a.IP, l)
			}
		}
	}
	for _, l := range b.touched {
		for _, a := range l.at.added {
			r, ok := b.removals[a.prefix.Addr()]
			if !ok || r.link == l {
				continue
			}
			b.need(a.step, r.step)
			b.explainMove(l, a, r)
		}
	}
}

// vacates notes that an address goes with its link.
func (b *builder) vacates(ip netip.Addr, l *link) {
	if _, ok := b.removals[ip]; !ok {
		b.removals[ip] = removal{l, l.at.remove}
	}
}

// explainMove says where an address comes from, and keeps it at its old place
// as long as possible.
func (b *builder) explainMove(l *link, a addedAddress, r removal) {
	b.steps[a.step].Why = "moves from " + r.link.name
	if r.link.leaves() {
		return
	}
	b.steps[r.step].Why = "moves to " + l.name
	if r.link.dips {
		return
	}
	b.need(r.step, l.at.up)
	b.need(r.step, l.at.ip)
	for _, m := range l.members {
		b.need(r.step, m.at.up)
		b.need(r.step, m.at.attach)
	}
}
