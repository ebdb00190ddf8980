package plan

import (
	"holdfast/state"
)

// ip plans what the stacks do by themselves: IPv6 on or off, router
// advertisements, address generation, forwarding.
func (b *builder) ip(l *link) {
	changes := forwarding(l)
	switch {
	case l.fresh:
		changes = append(changes, freshIPv6(l)...)
	case b.guest(l):
	default:
		changes = append(changes, b.changedIPv6(l)...)
	}
	if len(changes) == 0 {
		return
	}
	s := Step{Verb: ChangeIP, Object: l.name, Changes: changes, Keys: keysOf(changes), Why: "as asked for"}
	switch {
	case l.released:
		s.Why = "given back"
	case l.joins && !l.fresh:
		s.Why = "a port has no addresses of its own"
	case l.parts:
		s.Why = "no longer a port"
	case l.fresh:
		s.Why = "new"
	default:
		s.Impact = ImpactHot
	}
	l.at.ip = b.add(s, l)
}

// forwarding is the change of IPv4 forwarding.
func forwarding(l *link) []Change {
	if l.want.IPv4 == nil || l.want.IPv4.Forwarding == nil {
		return nil
	}
	c := Change{Key: KeyForwarding, To: yes(*l.want.IPv4.Forwarding)}
	if !l.fresh && l.was.IPv4 != nil && l.was.IPv4.Forwarding != nil {
		if c.From = yes(*l.was.IPv4.Forwarding); c.From == c.To {
			return nil
		}
	}
	return []Change{c}
}

// enabledIPv6 tells whether the interface has IPv6.
func enabledIPv6(i *state.Interface) bool {
	return i != nil && i.IPv6 != nil && value(i.IPv6.Enabled)
}

// freshIPv6 is what a new link needs: the kernel would turn IPv6 on, or not,
// by conf/default.
func freshIPv6(l *link) []Change {
	if !enabledIPv6(l.want) {
		return []Change{{Key: KeyIPv6, To: "false"}}
	}
	changes := []Change{{Key: KeyIPv6, To: "true"}}
	if l.mute() {
		return append(changes, Change{Key: KeyQuiet, To: "true"})
	}
	v6 := l.want.IPv6
	changes = append(changes, Change{Key: KeyAutoconf, To: yes(value(v6.Autoconf))})
	if v6.AddrGenMode != nil {
		changes = append(changes, Change{Key: KeyAddrGenMode, To: *v6.AddrGenMode})
	}
	if v6.Token != nil && *v6.Token != "" {
		changes = append(changes, Change{Key: KeyToken, To: *v6.Token})
	}
	return changes
}

// mute tells whether the link is to be a port that has no business with IPv6:
// of a bond or a bridge, not of a VRF.
func (l *link) mute() bool {
	return l.ctl != nil && (l.ctl.want.Type == state.TypeBond || l.ctl.want.Type == state.TypeBridge || l.ctl.want.Type == state.TypeOVSBridge)
}

// changedIPv6 is what changes of IPv6 on a link that is there.
func (b *builder) changedIPv6(l *link) []Change {
	if l.released {
		return []Change{{Key: KeyReset, To: "true"}}
	}
	var changes []Change
	was, want := l.was.IPv6, l.want.IPv6
	if was == nil {
		was = &state.IPv6{}
	}
	if want == nil {
		want = &state.IPv6{}
	}
	on := changed(was.Enabled, want.Enabled)
	if l.joins && l.mute() {
		switch {
		case b.turnsOff6(l) && on:
			changes = append(changes, change(KeyIPv6, was.Enabled, want.Enabled))
		case !b.turnsOff6(l) && !l.quiet():
			changes = append(changes, Change{Key: KeyQuiet, To: "true"})
		}
		return changes
	}
	if on {
		changes = append(changes, change(KeyIPv6, was.Enabled, want.Enabled))
	}
	if l.parts && l.ctl == nil {
		return append(changes, Change{Key: KeyRestore, To: "true"})
	}
	if value(want.Enabled) {
		changes = append(changes, details(was, want, on)...)
	}
	return changes
}

// details are the changes of what an IPv6 stack that is on does by itself;
// again says everything to one that was off.
func details(was, want *state.IPv6, again bool) []Change {
	var changes []Change
	if again || changed(was.Autoconf, want.Autoconf) {
		changes = append(changes, Change{Key: KeyAutoconf, From: pointerText(was.Autoconf), To: yes(value(want.Autoconf))})
	}
	if want.AddrGenMode != nil && (again || changed(was.AddrGenMode, want.AddrGenMode)) {
		changes = append(changes, change(KeyAddrGenMode, was.AddrGenMode, want.AddrGenMode))
	}
	if want.Token != nil && (value(was.Token) != *want.Token || again && *want.Token != "") {
		changes = append(changes, change(KeyToken, was.Token, want.Token))
	}
	return changes
}

// quiet tells whether the link is mute already.
func (l *link) quiet() bool {
	f := l.was.Facts
	if l.was.IPv6 != nil && l.was.IPv6.Enabled != nil && !*l.was.IPv6.Enabled {
		return true
	}
	if f == nil {
		return l.wasCtl == l.ctl
	}
	return f.NoAddrGen && value(f.AcceptRA) == 0
}

// changed tells whether want mentions another value than was.
func changed[T comparable](was, want *T) bool {
	return want != nil && (was == nil || *was != *want)
}

// change is a Change between two values.
func change[T any](key string, was, want *T) Change {
	return Change{Key: key, From: pointerText(was), To: pointerText(want)}
}

// leases tells which addresses of an interface come from elsewhere.
type leases struct{ dhcp4, dhcp6, autoconf bool }

func leasesOf(i *state.Interface) leases {
	var have leases
	if i == nil {
		return have
	}
	if i.IPv4 != nil && value(i.IPv4.Enabled) {
		have.dhcp4 = value(i.IPv4.DHCP)
	}
	if i.IPv6 != nil && value(i.IPv6.Enabled) {
		have.dhcp6, have.autoconf = value(i.IPv6.DHCP), value(i.IPv6.Autoconf)
	}
	return have
}

// needsLease is the key of what this version does not carry out: addresses
// that come from elsewhere, where they are to be turned on.
func needsLease(l *link) string {
	was, want := leasesOf(l.was), leasesOf(l.want)
	switch {
	case want.dhcp4 && !was.dhcp4:
		return "ipv4.dhcp"
	case want.dhcp6 && !was.dhcp6:
		return "ipv6.dhcp"
	case want.autoconf && !was.autoconf:
		return "ipv6.autoconf"
	}
	return ""
}
