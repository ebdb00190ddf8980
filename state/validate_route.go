package state

import (
	"net/netip"
)

// routes checks routes by themselves, and for two that are one.
func (v *validation) routes(list []*Route) {
	seen := make(map[routeKey]*Route, len(list))
	for _, r := range list {
		if r.State != "" && r.State != Absent && r.State != Ignore && r.State != Up {
			v.problems.Add(routeFault(r, "state", string(r.State), "a route can only be absent or ignored", "leave state out to add the route"))
			continue
		}
		if !v.route(r) || r.State == Absent || r.State == Ignore || !r.Destination.IsValid() {
			continue
		}
		if before := seen[r.key()]; before != nil {
			v.problems.Add(routeFault(r, "", r.String(), "the route is listed twice"+where(before.Origin, ""), "list it once"))
			continue
		}
		seen[r.key()] = r
	}
}

// route checks one route and tells whether it is well.
func (v *validation) route(r *Route) bool {
	was := v.problems.Len()
	for _, check := range routeChecks {
		check(v, r)
	}
	if r.State == Absent || r.State == Ignore {
		return true
	}
	for _, check := range newRouteChecks {
		check(v, r)
	}
	return v.problems.Len() == was
}

// routeChecks hold for every entry, newRouteChecks for those that add.
var (
	routeChecks    = []func(*validation, *Route){checkGatewayFamily, checkSource}
	newRouteChecks = []func(*validation, *Route){checkDestination, checkNextHop, checkWeight}
)

func checkDestination(v *validation, r *Route) {
	d := r.Destination
	switch {
	case !d.IsValid():
		v.problems.Add(routeFault(r, "destination", "", "the route has no destination", "the default route's is 0.0.0.0/0 or ::/0"))
	case d.Addr().Is4() && d.Addr().As4()[0] == 0 && d.Bits() > 0:
		v.problems.Add(routeFault(r, "destination", d.String(), "0.0.0.0/8 is this network, and no destination", "the default route's is 0.0.0.0/0"))
	case d.Addr().Is4In6():
		v.problems.Add(routeFault(r, "destination", d.String(), "is an IPv4 prefix in IPv6's clothes", "write "+unmapped(d)+" for IPv4"))
	case d.Addr().IsMulticast() && d.Addr().Is6():
		v.problems.Add(routeFault(r, "destination", d.String(), "is multicast", "a route leads to unicast addresses"))
	}
}

// unmapped writes an IPv4 prefix that was written as one of IPv6.
func unmapped(p netip.Prefix) string {
	return netip.PrefixFrom(p.Addr().Unmap(), max(p.Bits()-96, 0)).String()
}

func checkGatewayFamily(v *validation, r *Route) {
	g := value(r.NextHopAddress, netip.Addr{})
	if !g.IsValid() {
		return
	}
	d := r.Destination
	switch {
	case d.IsValid() && d.Addr().Is6() && g.Is4():
		v.problems.Add(routeFault(r, "next-hop-address", g.String(), "an IPv6 route cannot go by an IPv4 address", "give the router's IPv6 address"))
	case g.IsUnspecified() || g.IsMulticast() || g.IsLoopback():
		v.problems.Add(routeFault(r, "next-hop-address", g.String(), "is no address of a router", "leave next-hop-address out for a route without a router"))
	}
}

func checkSource(v *validation, r *Route) {
	s := value(r.Source, netip.Addr{})
	if s.IsValid() && r.Destination.IsValid() && s.Is4() != r.Destination.Addr().Is4() {
		v.problems.Add(routeFault(r, "source", s.String(), "is of another address family than the destination", "give an address of the destination's family"))
	}
}

func checkNextHop(v *validation, r *Route) {
	iface, gateway := value(r.NextHopInterface, ""), value(r.NextHopAddress, netip.Addr{})
	switch {
	case r.Type == "" && iface == "":
		v.problems.Add(routeFault(r, "next-hop-interface", "", "the route has no next-hop-interface", "name the interface that packets leave by"))
	case r.Type != "" && gateway.IsValid():
		v.problems.Add(routeFault(r, "route-type", string(r.Type), "a route that drops packets has no next hop", "leave next-hop-address out"))
	case r.Type != "" && iface != "" && iface != "lo":
		v.problems.Add(routeFault(r, "route-type", string(r.Type), "a route that drops packets has no next hop", "leave next-hop-interface out"))
	}
}

func checkWeight(v *validation, r *Route) {
	if r.Weight != nil && r.Type != "" {
		v.problems.Add(routeFault(r, "weight", itoa(int(*r.Weight)), "a route that drops packets has no next hop to weigh", "leave weight out"))
	}
	if is(r.LockMTU) && value(r.MTU, 0) == 0 {
		v.problems.Add(routeFault(r, "lock-mtu", "true", "needs an mtu to lock", "add mtu, or leave lock-mtu out"))
	}
}
