package state

import "slices"

// mergePeers makes the other ends of new pairs, and matches the ends that the
// document describes both.
func (m *merger) mergePeers() {
	for _, l := range slices.Clip(m.links) {
		if l.des == nil || l.ignored || l.des.State == Absent || l.out.Type != TypeVeth {
			continue
		}
		switch {
		case l.fresh():
			m.pairNew(l)
		case l.des.Veth != nil && l.cur.Veth != nil && l.des.Veth.Peer != "" && l.des.Veth.Peer != l.cur.Veth.Peer:
			m.fault(l.des, "veth.peer", l.des.Veth.Peer, "the other end of "+l.name+" is "+l.cur.Veth.Peer+"; a pair cannot be changed",
				"remove it with state: absent, and make it anew in a second change")
		}
	}
}

// pairNew makes the other end of a new veth.
func (m *merger) pairNew(l *link) {
	if l.out.Veth == nil || l.out.Veth.Peer == "" {
		if other := m.newPeerOf(l.name); other != nil {
			l.out.Veth = &Veth{Peer: other.name}
			return
		}
		m.fault(l.des, "veth.peer", "", "a new veth needs the name of its other end", "add veth: {peer: NAME}; both ends are made")
		return
	}
	name := l.out.Veth.Peer
	peer := m.byName[name]
	switch {
	case peer == nil:
		out := m.create(&Interface{Name: name, Type: TypeVeth, State: Up, Veth: &Veth{Peer: l.name}, Origin: l.des.Origin})
		peer = &link{name: name, out: out}
		m.links = append(m.links, peer)
		m.byName[name] = peer
	case !peer.fresh():
		m.fault(l.des, "veth.peer", name, "there is an interface of this name already", "the other end of a new veth is made with it")
	case peer.out.Type != TypeVeth:
		m.fault(l.des, "veth.peer", name, "the other end is of type "+string(peer.out.Type)+where(peer.out.Origin, "type"), "both ends of a pair are of type veth")
	case peer.out.Veth != nil && peer.out.Veth.Peer != "" && peer.out.Veth.Peer != l.name:
		m.fault(l.des, "veth.peer", name, name+" names another end, "+peer.out.Veth.Peer+where(peer.out.Origin, "veth.peer"), "let each end name the other one")
	default:
		peer.out.Veth = &Veth{Peer: l.name}
	}
}

// newPeerOf returns the new veth that names the other end so.
func (m *merger) newPeerOf(name string) *link {
	for _, l := range m.links {
		if l.fresh() && l.out.Veth != nil && l.out.Veth.Peer == name {
			return l
		}
	}
	return nil
}
