package plan

import (
	"fmt"
	"strings"

	"holdfast/state"
)

// text is the key of a route in ip(8)'s words.
func (k routeKey) text() string {
	s := k.to.String()
	if k.to.Bits() == 0 {
		s = "default"
		if k.to.Addr().Is6() {
			s = "default (IPv6)"
		}
	}
	if k.metric > 0 && (k.to.Addr().Is4() || k.metric != 1024) {
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
