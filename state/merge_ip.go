package state

import "slices"

// enabled tells whether a stack is on. Addresses without "enabled" turn it on.
func (ip *IP) enabled() bool {
	return value(ip.Enabled, len(ip.Address) > 0)
}

// on4 and on6 tell whether the stack of an interface is on.
func (i *Interface) on4() bool { return i.IPv4 != nil && i.IPv4.enabled() }
func (i *Interface) on6() bool { return i.IPv6 != nil && i.IPv6.enabled() }

func mergeIPv4(cur, des *IPv4) *IPv4 {
	if des == nil {
		return cur
	}
	was := cur
	if was == nil {
		was = &IPv4{}
	}
	wish := *des
	wish.IP = effective(&was.IP, &des.IP)
	if !is(was.DHCP) && !is(des.DHCP) {
		wish.ClientID = nil
	}
	wish.Forwarding = overlaySwitch(was.Forwarding, des.Forwarding)
	out := overlay(was, &wish)
	if ip, changed := mergeAddresses(&was.IP, &out.IP, &des.IP, des.ends); changed {
		c := *out
		c.IP = ip
		out = &c
	}
	if cur == nil && !out.enabled() {
		return nil
	}
	return out
}

func mergeIPv6(cur, des *IPv6) *IPv6 {
	if des == nil {
		return cur
	}
	was := cur
	if was == nil {
		was = &IPv6{}
	}
	wish := *des
	wish.IP = effective(&was.IP, &des.IP)
	wish.Autoconf = overlaySwitch(was.Autoconf, des.Autoconf)
	if !is(was.DHCP) && !is(des.DHCP) {
		wish.DUID = nil
	}
	if noToken(des.Token) && noToken(was.Token) {
		wish.Token = nil
	}
	out := overlay(was, &wish)
	if ip, changed := mergeAddresses(&was.IP, &out.IP, &des.IP, des.ends); changed {
		c := *out
		c.IP = ip
		if !c.enabled() && is(c.Autoconf) {
			c.Autoconf = new(false)
		}
		out = &c
	}
	if cur == nil && !out.enabled() {
		return nil
	}
	return out
}

// noToken tells whether a token is none.
func noToken(t *string) bool { return t == nil || *t == "" || *t == "::" }

// effective leaves of a stack's wish what can change something: a switch that
// is off where nothing is shown does not, and neither do the details of leases
// without leases. Addresses beyond the list concern verification alone.
func effective(was, des *IP) IP {
	d := *des
	if overlaySwitch(was.DHCP, des.DHCP) == was.DHCP {
		d.DHCP = was.DHCP
	}
	d.AllowExtra = nil
	if !is(was.DHCP) && !is(des.DHCP) {
		d.AutoDNS, d.AutoGateway, d.AutoRoutes = nil, nil, nil
		d.AutoRouteTable, d.AutoRouteMetric = nil, nil
		d.DHCPSendHostname, d.DHCPCustomHostname = nil, nil
	}
	if is(was.DHCP) && is(d.DHCP) {
		for _, forget := range leaseDetails {
			forget(&d, was)
		}
	}
	return d
}

// createIPv6 gives a new interface's stack what a document leaves open: it is
// off, or takes no addresses of routers.
func createIPv6(des *IPv6) *IPv6 {
	out := mergeIPv6(&IPv6{IP: IP{Enabled: new(false)}}, des)
	if !out.enabled() {
		return out
	}
	c := *out
	if c.DHCP == nil {
		c.DHCP = new(false)
	}
	if c.Autoconf == nil {
		c.Autoconf = new(false)
	}
	return &c
}

// mergeAddresses settles what overlay leaves: whether the stack is on, and
// the list of addresses. was is the current stack, laid the current one with
// des over it; ends tells which addresses come from what des turns off.
func mergeAddresses(was, laid, des *IP, ends func(Address) bool) (IP, bool) {
	out, changed := *laid, false
	if des.Enabled == nil && len(des.Address) > 0 && !value(was.Enabled, false) {
		out.Enabled, changed = new(true), true
	}
	out.Address = was.Address
	switch {
	case isNot(out.Enabled):
		if len(was.Address) > 0 {
			out.Address, changed = []Address{}, true
		}
		if is(out.DHCP) {
			out.DHCP, changed = new(false), true
		}
	case des.Address != nil:
		list := mergeAddressList(was.Address, des.Address, ends)
		if !sameAddresses(list, was.Address) {
			out.Address, changed = list, true
		}
	case slices.ContainsFunc(was.Address, ends):
		out.Address, changed = keepLeases(was.Address, ends), true
	}
	return out, changed
}

// ends tells whether an address of the host comes from what the document turns
// off, so that it is not kept as that of somebody else.
func (ip *IPv4) ends(a Address) bool { return finite(a) && isNot(ip.DHCP) }

// ends is the same for IPv6, where DHCP gives single addresses and routers
// prefixes.
func (ip *IPv6) ends(a Address) bool {
	if a.Prefix().IsSingleIP() {
		return finite(a) && isNot(ip.DHCP)
	}
	return finite(a) && isNot(ip.Autoconf)
}

// keepLeases makes leased addresses static, as nmstate does when DHCP is
// turned off without a list of addresses.
func keepLeases(list []Address, ends func(Address) bool) []Address {
	kept := make([]Address, 0, len(list))
	for _, a := range list {
		if ends(a) {
			a = forEver(a)
		}
		kept = append(kept, a)
	}
	return kept
}
