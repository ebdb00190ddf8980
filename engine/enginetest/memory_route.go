package enginetest

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"holdfast/plan"
	"holdfast/state"
)

const (
	// ourProtocol is what routes and rules of holdfast carry.
	ourProtocol = 72
	// mainTable is RT_TABLE_MAIN.
	mainTable = 254
	// ipv6Metric is what IPv6 routes have unless told otherwise
	// (IP6_RT_PRIO_USER).
	ipv6Metric = 1024
)

// complete is a copy of the route as the kernel shows it.
func complete(r *state.Route) *state.Route {
	c := *r
	c.State, c.Origin, c.VRFName = "", nil, ""
	c.Destination = c.Destination.Masked()
	if value(c.TableID) == 0 {
		c.TableID = new(uint32(mainTable))
	}
	if c.Metric == nil || *c.Metric < 0 || *c.Metric == 0 && c.Destination.Addr().Is6() {
		c.Metric = new(int64(0))
		if c.Destination.Addr().Is6() {
			c.Metric = new(int64(ipv6Metric))
		}
	}
	if c.NextHopAddress != nil && !c.NextHopAddress.IsValid() {
		c.NextHopAddress = nil
	}
	if c.Type != "" {
		c.NextHopInterface, c.NextHopAddress, c.Weight = nil, nil, nil
	}
	if c.Facts == nil {
		c.Facts = &state.RouteFacts{Protocol: ourProtocol}
	}
	return &c
}

// sameRoute tells whether two next hops belong to one route.
func sameRoute(a, b *state.Route) bool {
	return a.Destination == b.Destination && *a.TableID == *b.TableID && *a.Metric == *b.Metric
}

func sameHop(a, b *state.Route) bool {
	return sameRoute(a, b) && value(a.NextHopInterface) == value(b.NextHopInterface) && sameValue(a.NextHopAddress, b.NextHopAddress)
}

// completeAll completes the next hops of one route; several get a weight.
func completeAll(hops []*state.Route) []*state.Route {
	var list []*state.Route
	for _, r := range hops {
		c := complete(r)
		switch {
		case len(hops) == 1:
			c.Weight = nil
		case c.Weight == nil:
			c.Weight = new(uint16(1))
		}
		list = append(list, c)
	}
	return list
}

func (h *host) addRoute(step *plan.Step) error {
	hops := completeAll(step.Routes)
	var there []*state.Route
	for _, r := range h.routes {
		if sameRoute(r, hops[0]) {
			there = append(there, r)
		}
	}
	switch {
	case len(there) > 0 && slices.EqualFunc(there, hops, sameHop):
		return nil
	case len(there) > 0:
		return syscall.EEXIST
	}
	for _, r := range hops {
		if err := h.reachable(r); err != nil {
			return err
		}
	}
	h.routes = append(h.routes, hops...)
	return nil
}

func (h *host) replaceRoute(step *plan.Step) error {
	hops := completeAll(step.Routes)
	for _, r := range hops {
		if err := h.reachable(r); err != nil {
			return err
		}
	}
	h.routes = slices.DeleteFunc(h.routes, func(r *state.Route) bool { return sameRoute(r, hops[0]) })
	h.routes = append(h.routes, hops...)
	return nil
}

func (h *host) removeRoute(step *plan.Step) error {
	gone := completeAll(step.Routes)
	before := len(h.routes)
	h.routes = slices.DeleteFunc(h.routes, func(r *state.Route) bool {
		return slices.ContainsFunc(gone, func(g *state.Route) bool { return sameHop(r, g) })
	})
	if len(h.routes) == before {
		return syscall.ESRCH
	}
	return nil
}

// reachable refuses next hops as the kernel does (fib_check_nh,
// net/ipv4/fib_semantics.c; ip6_route_check_nh, net/ipv6/route.c).
func (h *host) reachable(r *state.Route) error {
	if r.Type != "" {
		return nil
	}
	if r.Source != nil && !h.local(*r.Source) {
		return fmt.Errorf("invalid source address %s: %w", r.Source, syscall.EINVAL)
	}
	l, err := h.find(value(r.NextHopInterface))
	if err != nil {
		return err
	}
	if !l.up() {
		return fmt.Errorf("nexthop device is not up: %w", syscall.ENETDOWN)
	}
	if r.Destination.Addr().Is6() && !value(l.set.IPv6.Enabled) {
		return fmt.Errorf("IPv6 is disabled on nexthop device: %w", syscall.EACCES)
	}
	if r.NextHopAddress == nil || r.Facts.Onlink || r.NextHopAddress.IsLinkLocalUnicast() || h.onLink(l, *r.NextHopAddress) {
		return nil
	}
	if r.NextHopAddress.Is4() {
		return fmt.Errorf("nexthop has invalid gateway: %w", syscall.ENETUNREACH)
	}
	return syscall.EHOSTUNREACH
}

// local tells whether an address is the host's.
func (h *host) local(ip netip.Addr) bool {
	for _, l := range h.links {
		if slices.ContainsFunc(*l.list(ip), func(a state.Address) bool { return a.IP == ip }) {
			return true
		}
	}
	return false
}

// onLink tells whether a gateway is in a subnet of the link, or in a route
// through it without a gateway.
func (h *host) onLink(l *link, gateway netip.Addr) bool {
	for _, a := range *l.list(gateway) {
		if a.Prefix().Contains(gateway) && (a.Facts == nil || !a.Facts.NoPrefixRoute) {
			return true
		}
	}
	return slices.ContainsFunc(h.routes, func(r *state.Route) bool {
		return value(r.NextHopInterface) == l.name() && r.NextHopAddress == nil && r.Destination.Contains(gateway)
	})
}

// dropRoutes removes the next hops through a link that the kernel drops.
func (h *host) dropRoutes(through string, drop func(*state.Route) bool) {
	h.routes = slices.DeleteFunc(h.routes, func(r *state.Route) bool {
		return value(r.NextHopInterface) == through && drop(r)
	})
}
