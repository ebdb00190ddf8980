package state

import (
	"net/netip"
	"strings"
)

// mainTable is the routing table that 0 and no number stand for.
const mainTable = 254

// routeKey is what makes two entries the same next hop of the same route.
type routeKey struct {
	destination netip.Prefix
	iface       string
	gateway     netip.Addr
	metric      int64
	table       uint32
	kind        RouteType
}

// key returns the route's key with the kernel's defaults in the place of what
// is not mentioned, and what they stand for in the place of 0 and -1.
func (r *Route) key() routeKey {
	k := routeKey{
		destination: r.Destination.Masked(),
		iface:       value(r.NextHopInterface, ""),
		gateway:     value(r.NextHopAddress, netip.Addr{}),
		metric:      r.metric(),
		table:       r.table(),
		kind:        r.Type,
	}
	if r.Type != "" {
		k.iface, k.gateway = "", netip.Addr{}
	}
	return k
}

// metric is the route's metric; IPv6 has 1024 for none (IP6_RT_PRIO_USER).
func (r *Route) metric() int64 {
	m := max(value(r.Metric, 0), 0)
	if m == 0 && r.Destination.Addr().Is6() {
		return 1024
	}
	return m
}

func (r *Route) table() uint32 {
	if t := value(r.TableID, mainTable); t != 0 {
		return t
	}
	return mainTable
}

// String names the route in ip-route(8)'s words.
func (r *Route) String() string {
	var b strings.Builder
	add := func(word, val string) {
		if val != "" {
			b.WriteString(" " + word + " " + val)
		}
	}
	if r.Type != "" {
		b.WriteString(string(r.Type) + " ")
	}
	switch {
	case !r.Destination.IsValid():
		b.WriteString("any")
	case r.Destination.Bits() == 0:
		b.WriteString("default")
	default:
		b.WriteString(r.Destination.Masked().String())
	}
	if g := value(r.NextHopAddress, netip.Addr{}); g.IsValid() {
		add("via", g.String())
	}
	add("dev", value(r.NextHopInterface, ""))
	if t := r.table(); t != mainTable {
		add("table", itoa(int(t)))
	}
	if m := value(r.Metric, 0); m > 0 {
		add("metric", itoa(int(m)))
	}
	return b.String()
}

// matches tells whether a live route is one that a wildcard means: every key
// that the wildcard mentions counts, except for the metric.
func (r *Route) matches(live *Route) bool {
	if r.Destination.IsValid() && r.Destination.Masked() != live.Destination.Masked() {
		return false
	}
	if r.TableID != nil && r.table() != live.table() || r.Type != "" && r.Type != live.Type {
		return false
	}
	return mentionedOrNone(r.NextHopInterface, live.NextHopInterface) && mentionedOrNone(r.NextHopAddress, live.NextHopAddress) &&
		mentionedOrNone(r.Source, live.Source) && r.metricsMatch(live)
}

// metricsMatch tells whether the attributes that a wildcard mentions are those
// of a live route.
func (r *Route) metricsMatch(live *Route) bool {
	return mentionedEqual(r.Weight, live.Weight) && mentionedEqual(r.CWND, live.CWND) &&
		mentionedEqual(r.InitCWND, live.InitCWND) && mentionedEqual(r.InitRWND, live.InitRWND) &&
		mentionedEqual(r.MTU, live.MTU) && mentionedEqual(r.AdvMSS, live.AdvMSS) &&
		mentionedEqual(r.QuickACK, live.QuickACK)
}

// mentionedEqual tells whether live has the value of want, if that has one.
func mentionedEqual[T comparable](want, live *T) bool {
	return want == nil || live != nil && *want == *live
}

// mentionedOrNone is mentionedEqual where a live route without the value has
// none, which a wildcard can ask for.
func mentionedOrNone[T comparable](want, live *T) bool {
	var none T
	return want == nil || *want == value(live, none)
}

// foreign tells whether a route of the host is not ours to change.
func (r *Route) foreign() bool { return r.Facts != nil && r.Facts.Foreign }

// problemKey names a route that stands in no document.
func (r *Route) problemKey() string { return "route " + r.String() }
