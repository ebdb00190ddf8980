package state

import (
	"fmt"
	"net/netip"
	"strings"
)

// addresses warns of one address on two interfaces, where the document has a
// part in it. Link-local ones may repeat.
func (c *targetCheck) addresses() {
	type holder struct {
		name    string
		changed bool
	}
	held := make(map[netip.Addr]holder, len(c.target.State.Interfaces))
	for _, i := range c.target.State.Interfaces {
		if i.State == Absent {
			continue
		}
		changed := i != c.cur[linkKey(i.Name, i.Type)]
		for _, a := range i.allAddresses() {
			if a.IP.IsLinkLocalUnicast() || a.IP.IsLoopback() {
				continue
			}
			h, twice := held[a.IP]
			if twice && h.name != i.Name && (changed || h.changed) {
				c.warn("the address %s is on both %s and %s", a.IP, h.name, i.Name)
			}
			held[a.IP] = holder{i.Name, changed}
		}
	}
}

// allAddresses are the addresses of the stacks that are on.
func (i *Interface) allAddresses() []Address {
	switch {
	case i.on4() && i.on6():
		if len(i.IPv6.Address) == 0 {
			return i.IPv4.Address
		}
		return append(append([]Address{}, i.IPv4.Address...), i.IPv6.Address...)
	case i.on4():
		return i.IPv4.Address
	case i.on6():
		return i.IPv6.Address
	}
	return nil
}

// routes checks the routes that are new.
func (c *targetCheck) routes() {
	if c.target.State.Routes == nil {
		return
	}
	known := map[*Route]bool{}
	for _, r := range liveRoutes(c.current.Routes) {
		known[r] = true
	}
	for _, r := range c.target.State.Routes.Config {
		if !known[r] && r.Origin != nil || !known[r] && r.Facts == nil {
			c.route(r)
		}
	}
	c.places()
}

// route checks the next hop of a new route.
func (c *targetCheck) route(r *Route) {
	source, gateway := value(r.Source, netip.Addr{}), value(r.NextHopAddress, netip.Addr{})
	if source.IsValid() && !c.owns(source) {
		c.problems.Add(routeFault(r, "source", source.String(), "no interface has this address", "give an address that the host has, or add it to an interface"))
	}
	if r.Type != "" {
		return
	}
	name := value(r.NextHopInterface, "")
	i := c.out[name]
	switch {
	case i == nil:
		return
	case i.State == Down:
		c.problems.Add(routeFault(r, "next-hop-interface", name, "the interface is down", "set it up with state: up"))
		return
	case r.is6() && !i.on6(), !r.is6() && !i.on4():
		c.problems.Add(routeFault(r, "next-hop-interface", name, "the interface has "+familyName(r.is6())+" off", c.offHint(i, r.is6())))
		return
	}
	if gateway.IsValid() && gateway.Is6() != r.is6() {
		c.problems.Add(unsupportedRoute(r, "next-hop-address", gateway.String(), "an IPv4 route by an IPv6 address is not supported yet", "give the router's IPv4 address"))
		return
	}
	if gateway.IsValid() {
		c.gateway(r, i, gateway)
	}
}

func (c *targetCheck) offHint(i *Interface, six bool) string {
	if value(i.Controller, "") != "" {
		return "it is a port of " + *i.Controller
	}
	return "give it " + strings.ToLower(familyName(six)) + ": {enabled: true} and an address"
}

// owns tells whether some interface has the address.
func (c *targetCheck) owns(a netip.Addr) bool {
	for _, i := range c.target.State.Interfaces {
		if i.State == Absent {
			continue
		}
		for _, own := range i.allAddresses() {
			if own.IP == a {
				return true
			}
		}
	}
	return false
}

// gateway checks that a router can be reached through the interface.
func (c *targetCheck) gateway(r *Route, i *Interface, gateway netip.Addr) {
	for _, own := range i.allAddresses() {
		if own.IP == gateway.WithZone("") {
			c.problems.Add(routeFault(r, "next-hop-address", gateway.String(), "is the address of "+i.Name+" itself", "give the router's address"))
			return
		}
	}
	if gateway.IsLinkLocalUnicast() && gateway.Is6() || reaches(i, gateway) || c.routed(i.Name, gateway) || automatic(i, gateway.Is6()) {
		return
	}
	hint := "no address of " + i.Name + " is in its subnet"
	for _, other := range c.target.State.Interfaces {
		if other.State != Absent && other != i && reaches(other, gateway) {
			hint = other.Name + " reaches it"
			break
		}
	}
	c.problems.Add(routeFault(r, "next-hop-address", gateway.String(), "cannot be reached through "+i.Name, hint))
}

// routed tells whether a route without a gateway leads to the address.
func (c *targetCheck) routed(name string, a netip.Addr) bool {
	for _, r := range c.target.State.Routes.Config {
		if r.Type == "" && value(r.NextHopInterface, "") == name && !value(r.NextHopAddress, netip.Addr{}).IsValid() && r.Destination.Contains(a) {
			return true
		}
	}
	return false
}

// automatic tells whether addresses may come that the target does not show.
func automatic(i *Interface, six bool) bool {
	if six {
		return i.IPv6 != nil && (is(i.IPv6.DHCP) || is(i.IPv6.Autoconf))
	}
	return i.IPv4 != nil && is(i.IPv4.DHCP)
}

// zones checks that the interfaces of link-local name servers exist.
func (c *targetCheck) zones() {
	d := c.target.Desired.DNS
	if d == nil || d.Config == nil {
		return
	}
	for n, s := range d.Config.Server {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() == "" {
			continue
		}
		i := c.out[a.Zone()]
		if i == nil && c.altNames[a.Zone()] == nil || i != nil && i.State == Absent {
			c.problems.Add(d.Origin.Problem("config.server["+itoa(n)+"]", s, fmt.Sprintf("there is no interface %s", a.Zone()), suggestOr(a.Zone(), sortedKeys(c.out), listHint)))
		}
	}
}
