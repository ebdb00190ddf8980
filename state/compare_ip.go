package state

import "net/netip"

// compareIPv4 compares the stacks; a hidden one, as of a port, is off.
func compareIPv4(c *comparison, want, have *Interface) {
	if want.IPv4 == nil || want.IPv4 == have.IPv4 {
		return
	}
	h := IPv4{}
	if have.IPv4 != nil {
		h = *have.IPv4
	}
	w := *want.IPv4
	if c.ip("ipv4", &w.IP, &h.IP) {
		return
	}
	if !is(w.DHCP) || h.ClientID == nil {
		w.ClientID = nil
	}
	w.Forwarding = overlaySwitch(h.Forwarding, w.Forwarding)
	compareSection(c, "ipv4", &w, &h)
}

func compareIPv6(c *comparison, want, have *Interface) {
	if want.IPv6 == nil || want.IPv6 == have.IPv6 {
		return
	}
	h := IPv6{}
	if have.IPv6 != nil {
		h = *have.IPv6
	}
	w := *want.IPv6
	if c.ip("ipv6", &w.IP, &h.IP) {
		return
	}
	if !is(w.DHCP) || h.DUID == nil {
		w.DUID = nil
	}
	if noToken(w.Token) && noToken(h.Token) {
		w.Token = nil
	}
	compareSection(c, "ipv6", &w, &h)
}

// ip compares what both families have, and leaves in want what can be compared
// member by member. It tells whether the stack is off, when nothing else
// counts.
func (c *comparison) ip(path string, want, have *IP) bool {
	on := want.enabled()
	if want.Enabled == nil && len(want.Address) == 0 {
		on = have.enabled()
	}
	if on != have.enabled() {
		c.add(path+".enabled", boolText(on), boolText(have.enabled()))
		return true
	}
	if !on {
		return true
	}
	c.addresses(path+".address", want, have)
	want.Enabled, want.Address, want.AllowExtra = nil, nil, nil
	for _, forget := range leaseDetails {
		forget(want, have)
	}
	return false
}

// leaseDetails are keys that concern leases; an engine may not know them.
var leaseDetails = []func(want, have *IP){
	func(w, h *IP) { forgetUnseen(w, &w.AutoDNS, h.AutoDNS) },
	func(w, h *IP) { forgetUnseen(w, &w.AutoGateway, h.AutoGateway) },
	func(w, h *IP) { forgetUnseen(w, &w.AutoRoutes, h.AutoRoutes) },
	func(w, h *IP) { forgetUnseen(w, &w.AutoRouteTable, h.AutoRouteTable) },
	func(w, h *IP) { forgetUnseen(w, &w.AutoRouteMetric, h.AutoRouteMetric) },
	func(w, h *IP) { forgetUnseen(w, &w.DHCPSendHostname, h.DHCPSendHostname) },
	func(w, h *IP) { forgetUnseen(w, &w.DHCPCustomHostname, h.DHCPCustomHostname) },
}

func forgetUnseen[T any](want *IP, key **T, have *T) {
	if !is(want.DHCP) || have == nil {
		*key = nil
	}
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// addresses compares lists of addresses.
func (c *comparison) addresses(path string, want, have *IP) {
	if want.Address == nil {
		return
	}
	index := make(map[netip.Prefix]*Address, len(have.Address))
	for n := range have.Address {
		index[have.Address[n].Prefix()] = &have.Address[n]
	}
	wanted := make(map[netip.Prefix]bool, len(want.Address))
	for _, a := range want.Address {
		if finite(a) {
			continue
		}
		wanted[a.Prefix()] = true
		c.address(path, a, index[a.Prefix()])
	}
	strict := isNot(want.AllowExtra) || len(wanted) == 0
	for _, a := range have.Address {
		if strict && !wanted[a.Prefix()] && !a.foreign() {
			c.add(path, "", a.Prefix().String())
		}
	}
	if !inOrder(want.Address, have.Address) {
		c.add(path, addressText(want.Address), addressText(have.Address))
	}
}

// address compares one address with what duplicate detection says of it.
func (c *comparison) address(path string, want Address, have *Address) {
	name := want.Prefix().String()
	switch {
	case have == nil:
		c.add(path, name, "")
	case have.Facts != nil && have.Facts.Failed:
		c.add(path, name, name+" is used by another host (duplicate detection failed)")
	case have.Facts != nil && have.Facts.Tentative:
		c.add(path, name, name+" is being checked for duplicates")
		c.differences[len(c.differences)-1].Pending = true
	}
}

func addressText(list []Address) string {
	words := make([]string, 0, len(list))
	for _, a := range list {
		words = append(words, a.Prefix().String())
	}
	return listText(words)
}
