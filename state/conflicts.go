package state

import "strings"

// findLoops reports stacks that stand on themselves, such as a bond of a VLAN
// of that bond.
func (m *merger) findLoops() {
	for _, l := range m.links {
		if l.des != nil || l.claim != nil {
			m.walkDown(l, nil)
		}
	}
}

func (m *merger) walkDown(l *link, path []*link) {
	if l.busy {
		m.reportLoop(append(path, l))
		return
	}
	if l.seen || l.gone {
		return
	}
	l.seen, l.busy = true, true
	for _, name := range l.below() {
		if next := m.byName[name]; next != nil {
			m.walkDown(next, append(path, l))
		}
	}
	l.busy = false
}

// below names what a link will stand on: its base, or its ports.
func (l *link) below() []string {
	if len(l.departed)+len(l.joined) == 0 && portLists[l.out.Type] != nil {
		return l.members
	}
	return below(l.out)
}

// below names what an interface stands on: its base, or its ports.
func below(i *Interface) []string {
	if names := bases(i); names != nil {
		return names
	}
	return portNames(i)
}

func (m *merger) reportLoop(path []*link) {
	last := path[len(path)-1]
	for len(path) > 1 && path[0] != last {
		path = path[1:]
	}
	named, at := path[0], ""
	for _, l := range path {
		if l.des != nil {
			named, at = l, "name"
			break
		}
	}
	i := named.out
	if named.des != nil {
		i = named.des
	}
	chain := make([]string, 0, len(path))
	for _, l := range path {
		chain = append(chain, l.name)
	}
	m.fault(i, at, named.name, "the interface stands on itself: "+strings.Join(chain, " on "), "give one of them another base or controller")
}

// checkBases reports new interfaces that lack what their kind needs, and bases
// that are not there.
func (m *merger) checkBases() {
	for _, l := range m.links {
		if l.des == nil || l.ignored || l.gone || l.released {
			continue
		}
		if check := needs[l.out.Type]; check != nil {
			check(m, l)
		}
	}
}

// needs checks what an interface of a kind cannot be without.
var needs = map[Type]func(*merger, *link){
	TypeBond: needsOfBond,
	TypeVLAN: needsOfVLAN,
}

func needsOfBond(m *merger, l *link) {
	if l.fresh() && l.out.Bond.Mode == "" {
		m.fault(l.des, "link-aggregation.mode", "", "a new bond needs a mode", strings.Join(BondMode("").Values(), ", "))
	}
}

func needsOfVLAN(m *merger, l *link) {
	v := l.out.VLAN
	if l.fresh() && v.BaseIface == "" {
		m.fault(l.des, "vlan.base-iface", "", "a new VLAN needs the interface that it stands on", "add base-iface with the NIC, bond or bridge below it")
	}
	if l.fresh() && v.ID == nil {
		m.fault(l.des, "vlan.id", "", "a new VLAN needs its number, 1 to 4094", "add id")
	}
	if v == nil || v.BaseIface == "" || l.cur != nil && l.cur.VLAN != nil && l.cur.VLAN.BaseIface == v.BaseIface {
		return
	}
	if m.byName[v.BaseIface] == nil {
		m.fault(l.des, "vlan.base-iface", v.BaseIface, "there is no such interface", m.suggestInterface(v.BaseIface, listHint))
	}
}
