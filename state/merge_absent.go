package state

import "slices"

// mergeAbsent removes what the document wants absent: virtual links with
// everything that stands on them, the other ends of pairs too. Hardware is
// given back instead: out of its controller, without our addresses.
func (m *merger) mergeAbsent() {
	var gone []*link
	for _, l := range m.links {
		if l.des == nil || l.ignored || l.des.State != Absent {
			continue
		}
		if physical(l.cur) {
			l.release()
			continue
		}
		l.remove()
		gone = append(gone, l)
	}
	if len(gone) == 0 {
		return
	}
	standing := m.standingOn()
	for len(gone) > 0 {
		l := gone[0]
		gone = append(gone[1:], m.removePeer(l)...)
		for _, child := range standing[l.name] {
			if m.removeChild(child, l) {
				gone = append(gone, child)
			}
		}
	}
}

func (l *link) remove() {
	l.gone = true
	l.edit().State = Absent
}

// release takes our addresses off hardware. It stays the current interface
// when there is nothing to give back.
func (l *link) release() {
	ip4, ip6 := releaseIPv4(l.cur.IPv4), releaseIPv6(l.cur.IPv6)
	l.released = true
	owned := l.cur.Facts != nil && l.cur.Facts.Owned
	if !owned && ip4 == l.cur.IPv4 && ip6 == l.cur.IPv6 && value(l.cur.Controller, "") == "" {
		return
	}
	out := l.edit()
	out.State, out.IPv4, out.IPv6 = Absent, ip4, ip6
}

func releaseIPv4(ip *IPv4) *IPv4 {
	if ip == nil || !slices.ContainsFunc(ip.Address, ours) {
		return ip
	}
	c := *ip
	c.Address = slices.DeleteFunc(slices.Clone(c.Address), ours)
	return &c
}

func releaseIPv6(ip *IPv6) *IPv6 {
	if ip == nil || !slices.ContainsFunc(ip.Address, ours) {
		return ip
	}
	c := *ip
	c.Address = slices.DeleteFunc(slices.Clone(c.Address), ours)
	return &c
}

// ours tells whether an address goes with its interface's release; the
// loopback's own never do.
func ours(a Address) bool { return !a.foreign() && !a.IP.IsLoopback() }

// standingOn maps each link's name to the links that stand on it: VLANs,
// tunnels and the like, not ports.
func (m *merger) standingOn() map[string][]*link {
	standing := make(map[string][]*link, len(m.links))
	for _, l := range m.links {
		for _, base := range bases(l.out) {
			standing[base] = append(standing[base], l)
		}
	}
	return standing
}

// bases names what an interface stands on in this namespace: with it the
// kernel removes the interface.
func bases(i *Interface) []string {
	if i.Facts != nil && i.Facts.BaseElsewhere {
		return nil
	}
	if i.VLAN != nil && i.VLAN.BaseIface != "" {
		return []string{i.VLAN.BaseIface}
	}
	at := rawBases[i.Type]
	if at == nil {
		return nil
	}
	var names []string
	for _, key := range at.keys {
		if name, ok := (*at.of(i))[key].(string); ok && name != "" {
			names = append(names, name)
		}
	}
	return names
}

// rawBase says where the section of a kind names what is below.
type rawBase struct {
	of   func(*Interface) *Raw
	keys []string
}

var rawBases = func() map[Type]*rawBase {
	found := map[Type]*rawBase{}
	for _, s := range rawSections {
		keys := []string{"base-iface"}
		if s.kind == TypeHSR {
			keys = []string{"port1", "port2"}
		}
		if s.kind != "" && found[s.kind] == nil {
			found[s.kind] = &rawBase{s.of, keys}
		}
	}
	return found
}()

// removeChild removes a link because what it stands on goes. It tells whether
// the link was still to stay.
func (m *merger) removeChild(child, parent *link) bool {
	if child.gone || child.ignored || physical(child.out) {
		return false
	}
	if child.des != nil && child.des.State != Absent {
		hint := "give it state: absent too, or another base-iface"
		m.fault(child.des, "name", child.name, "cannot stay: "+parent.name+" below it is absent"+whereAbsent(parent), hint)
		child.gone = true
		return true
	}
	child.remove()
	m.warn("%s is removed too: %s below it is removed", child.name, parent.name)
	return true
}

func whereAbsent(l *link) string { return where(l.desOrigin(), "state") }

// removePeer removes the other end of a pair.
func (m *merger) removePeer(l *link) []*link {
	if l.cur == nil || l.cur.Veth == nil {
		return nil
	}
	peer := m.byName[l.cur.Veth.Peer]
	if peer == nil || peer.gone || peer.cur == nil || peer.cur.Veth == nil || peer.cur.Veth.Peer != l.name {
		return nil
	}
	if peer.des != nil && peer.des.State != Absent {
		m.fault(peer.des, "name", peer.name, "cannot stay: the other end of the pair, "+l.name+", is absent"+whereAbsent(l), "give it state: absent too: a pair goes as a whole")
		peer.gone = true
		return nil
	}
	peer.remove()
	m.warn("%s is removed too: it is the other end of %s", peer.name, l.name)
	return []*link{peer}
}
