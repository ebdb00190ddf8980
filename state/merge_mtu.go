package state

import "fmt"

// mergeMTUs computes the MTUs that the document leaves open, from the bottom
// of each stack up: ports of a bond have the bond's, nothing carries more than
// what it stands on, and a bridge that follows its ports goes on to.
func (m *merger) mergeMTUs() {
	for _, l := range m.links {
		m.settleMTU(l)
	}
}

// settleMTU settles the MTU of a link after all that is below.
func (m *merger) settleMTU(l *link) {
	if l.mtuDone || l.busy || l.gone || l.ignored {
		return
	}
	l.busy = true
	if l.master != "" && m.isBond(l.master) {
		m.settleMTU(m.byName[l.master])
	}
	if l.out.Type != TypeBond {
		for _, name := range l.below() {
			if next := m.byName[name]; next != nil {
				m.settleMTU(next)
			}
		}
	}
	l.busy, l.mtuDone = false, true
	switch {
	case l.out.Type == TypeBond:
		m.bondMTU(l)
	case l.out.Type == TypeBridge:
		m.bridgeMTU(l)
	case len(bases(l.out)) > 0:
		m.basedMTU(l)
	}
	if m.isBond(l.master) {
		m.portMTU(l, m.byName[l.master])
	}
}

// said returns the MTU that the document gives a link, or nil.
func (l *link) said() *uint32 {
	if l.des == nil {
		return nil
	}
	return l.des.MTU
}

func (l *link) setMTU(mtu uint32) {
	if l.out.MTU == nil || *l.out.MTU != mtu {
		l.edit().MTU = new(mtu)
	}
}

// bondMTU gives a bond that the document leaves open the MTU that it gives the
// ports, if it gives them all the same.
func (m *merger) bondMTU(l *link) {
	if l.said() != nil {
		return
	}
	var common *uint32
	for _, name := range portNames(l.out) {
		p := m.byName[name]
		if p == nil || p.said() == nil || common != nil && *common != *p.said() {
			common = nil
			break
		}
		common = p.said()
	}
	switch {
	case common != nil:
		l.setMTU(*common)
	case l.fresh():
		l.setMTU(1500)
	}
}

// portMTU gives a port its bond's MTU; another one in the document is an
// error.
func (m *merger) portMTU(l, bond *link) {
	if bond.out.MTU == nil {
		return
	}
	mtu := *bond.out.MTU
	if s := l.said(); s != nil && *s != mtu {
		if l.cur == nil || l.was != l.master || l.cur.MTU == nil || *l.cur.MTU != *s || bond.changedMTU() {
			m.fault(l.des, "mtu", fmt.Sprint(*s), fmt.Sprintf("a port has the MTU of its bond, and %s has %d", bond.name, mtu), fmt.Sprintf("give %s the MTU, and leave its ports' out", bond.name))
		}
		return
	}
	if bond.changedMTU() || l.was != l.master {
		l.setMTU(mtu)
	}
}

// changedMTU tells whether a link's MTU becomes another one.
func (l *link) changedMTU() bool {
	return l.cur == nil || l.out != l.cur && l.out.MTU != nil && (l.cur.MTU == nil || *l.cur.MTU != *l.out.MTU)
}

// basedMTU keeps a link within what it stands on: a VLAN cannot have a larger
// MTU than its base. A larger one in the document is found by ValidateTarget.
func (m *merger) basedMTU(l *link) {
	if !followsBase[l.out.Type] || l.said() != nil {
		return
	}
	for _, name := range bases(l.out) {
		base := m.byName[name]
		if base == nil {
			continue
		}
		mtu := base.mtu()
		switch {
		case mtu == nil:
		case l.fresh():
			l.setMTU(*mtu)
		case l.out.MTU != nil && *l.out.MTU > *mtu && (base.changedMTU() || l.out != l.cur):
			l.setMTU(*mtu)
		}
	}
}

// followsBase tells of which kinds the kernel lowers the MTU with the base's.
var followsBase = map[Type]bool{TypeVLAN: true, TypeMACVLAN: true, TypeMACVTAP: true, TypeIPVLAN: true, TypeMACsec: true}

// mtu is what a link will have; nil if that is not known.
func (l *link) mtu() *uint32 {
	if l.out.MTU == nil && l.cur != nil {
		return l.cur.MTU
	}
	return l.out.MTU
}

// bridgeMTU computes the MTU of a bridge that the document leaves open: the
// smallest of its ports', if the bridge is new or had just that.
func (m *merger) bridgeMTU(l *link) {
	if l.said() != nil {
		return
	}
	next, known := m.smallest(l.below(), (*link).mtu)
	switch {
	case l.fresh() && !known:
		l.setMTU(1500)
	case l.fresh():
		l.setMTU(next)
	case known && l.cur.MTU != nil:
		was, knew := m.smallest(l.members, func(p *link) *uint32 {
			if p.cur == nil {
				return nil
			}
			return p.cur.MTU
		})
		if knew && was == *l.cur.MTU && was != next {
			l.setMTU(next)
		}
	}
}

// smallest returns the least MTU of several links, if all are known.
func (m *merger) smallest(names []string, of func(*link) *uint32) (uint32, bool) {
	var least uint32
	for _, name := range names {
		p := m.byName[name]
		if p == nil {
			return 0, false
		}
		mtu := of(p)
		if mtu == nil {
			return 0, false
		}
		if least == 0 || *mtu < least {
			least = *mtu
		}
	}
	return least, least > 0
}
