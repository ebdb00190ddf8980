package state

import "net/netip"

// moveRoute finds a new interface for a route whose own loses its stack: one
// that stands on it, directly or not, and has an address in the next hop's
// subnet. So a default route follows its address from a NIC to the bridge
// above, with its metric. nil means that the route is lost, or that the document has
// another one in its place.
func (m *merger) moveRoute(r *Route) *Route {
	gateway := value(r.NextHopAddress, netip.Addr{})
	from := m.byName[value(r.NextHopInterface, "")]
	if r.foreign() || from == nil || from.gone || from.master == "" || !gateway.IsValid() || !reaches(from.cur, gateway) {
		return nil
	}
	to := m.heir(from, gateway)
	if to == nil {
		return nil
	}
	out := *r
	out.NextHopInterface = new(to.name)
	out.Facts = nil
	if m.replaces(&out) {
		return nil
	}
	m.warn("the route %s moves to %s with the address", r.String(), to.name)
	return &out
}

// replaces tells whether the document has another route, with another next
// hop, in the place of one that would move.
func (m *merger) replaces(moved *Route) bool {
	place, key, other := moved.place(), moved.key(), false
	for _, w := range m.wantRoutes {
		if w.State == Absent || w.State == Ignore || w.place() != place {
			continue
		}
		if w.key() == key || w.Weight != nil && moved.Weight != nil {
			return false
		}
		other = true
	}
	return other
}

// heir climbs from a port through its controllers, and through what stands on
// them, to the first interface that reaches the address.
func (m *merger) heir(from *link, gateway netip.Addr) *link {
	standing := m.standingOn()
	seen := map[*link]bool{from: true}
	next := []*link{from}
	for len(next) > 0 {
		l := next[0]
		next = next[1:]
		if l != from && l.up() && reaches(l.out, gateway) {
			return l
		}
		for _, up := range append([]*link{m.byName[l.master]}, standing[l.name]...) {
			if up != nil && !seen[up] {
				seen[up] = true
				next = append(next, up)
			}
		}
	}
	return nil
}

// reaches tells whether an interface has an address in the subnet of a.
func reaches(i *Interface, a netip.Addr) bool {
	var list []Address
	switch {
	case a.Is4() && i.on4():
		list = i.IPv4.Address
	case a.Is6() && i.on6():
		list = i.IPv6.Address
	}
	for _, own := range list {
		if own.Prefix().Masked().Contains(a) {
			return true
		}
	}
	return false
}
