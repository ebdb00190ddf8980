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
	out := l.out
	if l.des != nil && out != l.cur {
		asked4 := l.des.IPv4 != nil && out.on4() && (l.cur == nil || out.IPv4 != l.cur.IPv4 || l.was != l.master)
		asked6 := l.des.IPv6 != nil && out.on6() && (l.cur == nil || out.IPv6 != l.cur.IPv6 || l.was != l.master)
		hint := "give the address to " + l.master + ", or take " + l.name + " out of it"
		if asked4 {
			m.fault(l.des, "ipv4", "", "a port of "+l.master+" cannot carry addresses", hint)
		}
		if asked6 {
			m.fault(l.des, "ipv6", "", "a port of "+l.master+" cannot carry addresses", hint)
		}
		if asked4 || asked6 {
			return
		}
	}
	if l.was == l.master {
		return
	}
	if out.on4() || out.IPv4 != nil && len(out.IPv4.Address) > 0 {
		l.edit().IPv4 = &IPv4{IP: IP{Enabled: new(false), Address: []Address{}}}
	}
	if out.on6() || out.IPv6 != nil && len(out.IPv6.Address) > 0 {
		l.edit().IPv6 = &IPv6{IP: IP{Enabled: new(false), Address: []Address{}}}
	}
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
