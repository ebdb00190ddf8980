package state

import (
	"fmt"
	"net/netip"
	"reflect"
)

// routePlace is what the kernel has one route for. A second one with another
// next hop is refused (fib_table_insert, net/ipv4/fib_trie.c;
// fib6_add_rt2node, net/ipv6/ip6_fib.c: EEXIST), unless both are next hops of
// one route.
type routePlace struct {
	destination netip.Prefix
	metric      int64
	table       uint32
}

func (r *Route) place() routePlace {
	return routePlace{r.Destination.Masked(), r.metric(), r.table()}
}

// places reports new routes of the document in the place of another one: one
// of the document, of the host, or the one that the kernel makes of an address.
func (c *targetCheck) places() {
	if c.target.Desired.Routes == nil {
		return
	}
	p := &placeCheck{targetCheck: c, wants: map[routeKey]*Route{}, live: map[routeKey]bool{}}
	for _, r := range c.target.Desired.Routes.Config {
		if r.State != Absent && r.State != Ignore {
			p.wants[r.key()] = r
		}
	}
	for _, r := range liveRoutes(c.current.Routes) {
		p.live[r.key()] = true
	}
	p.group()
	if len(p.groups) == 0 {
		return
	}
	connected := c.connected()
	for _, r := range c.target.State.Routes.Config {
		if p.fresh(r) {
			p.route(r)
			if i := connected[r.place()]; i != nil {
				p.subnet(r, i)
			}
		}
	}
}

// placeCheck looks for routes in the place of others.
type placeCheck struct {
	*targetCheck
	// wants are the routes of the document, live are those that were there.
	wants map[routeKey]*Route
	live  map[routeKey]bool
	// groups are the routes in each place that gets a new one.
	groups map[routePlace][]*Route
}

// fresh tells whether the document adds the route.
func (p *placeCheck) fresh(r *Route) bool {
	k := r.key()
	return p.wants[k] != nil && !p.live[k]
}

// group gathers what is in the places of new routes.
func (p *placeCheck) group() {
	routes := p.target.State.Routes.Config
	for _, r := range routes {
		if p.fresh(r) {
			if p.groups == nil {
				p.groups = map[routePlace][]*Route{}
			}
			p.groups[r.place()] = nil
		}
	}
	for _, r := range routes {
		if list, taken := p.groups[r.place()]; taken {
			p.groups[r.place()] = append(list, r)
		}
	}
}

// route reports the first route that has the place of a new one. Of two new
// ones the second is at fault.
func (p *placeCheck) route(r *Route) {
	after := false
	for _, other := range p.groups[r.place()] {
		switch {
		case other == r:
			after = true
			continue
		case after && p.fresh(other):
			continue
		case !p.together(r, other):
			p.problems.Add(routeFault(r, "", r.String(),
				"the same destination, metric and table as "+other.String()+p.whose(other), p.placeHint(r, other)))
			return
		}
		if key, has := unlikeHop(r, other); key != "" {
			p.problems.Add(routeFault(r, key, "", fmt.Sprintf("the next hops of one route share %s, and %s%s has %s", key, other, p.whose(other), has),
				"give both the same "+key+", or one of them another metric"))
			return
		}
	}
}

// together tells whether two routes are next hops of one: where both are ours
// and say so, IPv4 ones by a weight, which IPv6 ones need not have, where the
// kernel makes one route of all that have a gateway (rt6_qualify_for_ecmp,
// net/ipv6/ip6_fib.c).
func (p *placeCheck) together(a, b *Route) bool {
	for _, r := range [...]*Route{a, b} {
		want := p.wants[r.key()]
		said := r.Weight != nil || want != nil && (want.Weight != nil || r.is6())
		if !said || r.foreign() || r.Type != "" || r.is6() && !value(r.NextHopAddress, netip.Addr{}).IsValid() {
			return false
		}
	}
	return true
}

// whose tells where a route comes from.
func (p *placeCheck) whose(r *Route) string {
	switch {
	case p.fresh(r):
		return where(r.Origin, "")
	case r.foreign():
		return " (put on the host by another program)"
	}
	return " (already on the host)"
}

func (p *placeCheck) placeHint(r, other *Route) string {
	hops := r.Type == "" && other.Type == ""
	if r.is6() {
		gateway := func(r *Route) bool { return value(r.NextHopAddress, netip.Addr{}).IsValid() }
		hops = hops && gateway(r) && gateway(other)
	}
	hint := "give this one another metric"
	if !other.foreign() && !p.fresh(other) {
		hint += ", or remove that one with state: absent"
	}
	switch {
	case other.foreign() || !hops:
		return hint
	case r.is6():
		return hint + ", or list both to share the traffic"
	case p.fresh(other):
		return hint + ", or give both a weight to share the traffic"
	}
	return hint + ", or list both with a weight to share the traffic"
}

// hopKeys are the keys of a route that each next hop has for itself, and those
// of the place.
var hopKeys = map[string]bool{
	"state": true, "destination": true, "next-hop-interface": true, "next-hop-address": true, "metric": true,
	"table-id": true, "weight": true, "route-type": true, "vrf-name": true,
}

// unlikeHop names the first attribute that two next hops of one route do not
// share, with the value of the second; empty for none.
func unlikeHop(a, b *Route) (key, has string) {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for _, f := range schemaFields[x.Type()] {
		if hopKeys[f.key] {
			continue
		}
		if w, h := attributeText(x.Field(f.index)), attributeText(y.Field(f.index)); w != h {
			return f.key, h
		}
	}
	return "", ""
}

// attributeText is an attribute for a comparison: what is off is not there.
func attributeText(v reflect.Value) string {
	if v.IsNil() || v.Elem().Kind() == reflect.Bool && !v.Elem().Bool() {
		return "none"
	}
	return valueText(v.Elem())
}

// addressMetric6 is the metric of the routes that the kernel makes of IPv6
// addresses (IP6_RT_PRIO_ADDRCONF).
const addressMetric6 = 256

// connected are the places of the routes that the kernel makes of addresses,
// in table main.
func (c *targetCheck) connected() map[routePlace]*Interface {
	places := map[routePlace]*Interface{}
	for _, i := range c.target.State.Interfaces {
		if i.State == Absent || i.State == Down || i.Type == TypeLoopback || value(i.Controller, "") != "" {
			continue
		}
		for _, a := range i.allAddresses() {
			p := routePlace{a.Prefix().Masked(), addressMetric6, mainTable}
			if a.IP.Is4() {
				p.metric = int64(value(i.IPv4.PrefixRouteMetric, 0))
			}
			if p.destination.IsSingleIP() || a.Facts != nil && a.Facts.NoPrefixRoute {
				continue
			}
			if places[p] == nil {
				places[p] = i
			}
		}
	}
	return places
}

// subnet reports a route in the place of the one that an address brings.
func (p *placeCheck) subnet(r *Route, i *Interface) {
	hint := "give the route another metric"
	if value(r.NextHopInterface, "") == i.Name && !value(r.NextHopAddress, netip.Addr{}).IsValid() {
		hint = "leave the route out: it comes with the address"
	}
	p.problems.Add(routeFault(r, "", r.String(), "is the route to the subnet of "+i.Name+", which the kernel makes itself", hint))
}
