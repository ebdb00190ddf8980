package state

// stripPorts takes from a new port what it cannot have: a port of a bond or a
// bridge carries no addresses, and a bond decides on its ports' MAC and MTU.
func (m *merger) stripPorts() {
	for _, l := range m.links {
		if l.gone || l.ignored || l.released {
			continue
		}
		below := m.mute(l.master)
		if below {
			m.stripIP(l)
		}
		if l.master != l.was && (m.isBond(l.master) || m.isBond(l.was)) {
			m.forgetBorrowed(l)
		}
	}
}

// mute tells whether ports of that controller carry no addresses.
func (m *merger) mute(controller string) bool {
	c := m.byName[controller]
	return c != nil && (c.out.Type == TypeBond || c.out.Type == TypeBridge || c.out.Type == TypeOVSBridge)
}

func (m *merger) isBond(name string) bool {
	c := m.byName[name]
	return c != nil && c.out.Type == TypeBond
}

// stripIP turns both stacks of a port off; asking for them is an error unless
// it describes what is there.
func (m *merger) stripIP(l *link) {
	if m.asksForIP(l) || l.was == l.master {
		return
	}
	if ip := l.out.IPv4; ip != nil && (ip.enabled() || len(ip.Address) > 0) {
		l.edit().IPv4 = &IPv4{IP: IP{Enabled: new(false), Address: []Address{}}}
	}
	if ip := l.out.IPv6; ip != nil && (ip.enabled() || len(ip.Address) > 0) {
		l.edit().IPv6 = &IPv6{IP: IP{Enabled: new(false), Address: []Address{}}}
	}
}

// asksForIP reports a document that wants a port to carry addresses.
func (m *merger) asksForIP(l *link) bool {
	if l.des == nil || l.out == l.cur {
		return false
	}
	cur, same := l.cur, l.was == l.master
	if cur == nil {
		cur = &Interface{}
	}
	asked4 := l.des.IPv4 != nil && l.out.on4() && (l.out.IPv4 != cur.IPv4 || !same)
	asked6 := l.des.IPv6 != nil && l.out.on6() && (l.out.IPv6 != cur.IPv6 || !same)
	for key, asked := range map[string]bool{"ipv4": asked4, "ipv6": asked6} {
		if asked {
			m.fault(l.des, key, "", "a port of "+l.master+" cannot carry addresses", "give the address to "+l.master+", or take "+l.name+" out of it")
		}
	}
	return asked4 || asked6
}

// forgetBorrowed leaves the MAC and MTU of a port that joins or leaves a bond
// to the kernel, unless the document has a word on them: the bond lends its
// own, and gives the old ones back.
func (m *merger) forgetBorrowed(l *link) {
	if l.out.MAC != "" && (l.des == nil || l.des.MAC == "") {
		l.edit().MAC = ""
	}
	if l.out.MTU != nil && (l.des == nil || l.des.MTU == nil) {
		l.edit().MTU = nil
	}
}
