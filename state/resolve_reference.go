package state

import "slices"

// addAliases makes the further names that the document gives an interface
// known, so that the rest of the document can use them.
func (m *merger) addAliases(l *link) {
	for _, a := range l.des.AltNames {
		if _, taken := m.alias[a.Name]; !taken && a.State != Absent {
			m.alias[a.Name] = l.name
		}
	}
	if p := l.des.ProfileName; p != "" {
		if _, taken := m.alias[p]; !taken && m.byName[p] == nil {
			m.alias[p] = l.name
		}
	}
}

// ref returns the kernel's name for a name in the document.
func (m *merger) ref(name string) string {
	if m.byName[name] != nil {
		return name
	}
	if known, ok := m.alias[name]; ok {
		return known
	}
	return name
}

// resolveReferences writes the kernel's names in the place of alternative and
// profile names wherever one interface of the document names another.
func (m *merger) resolveReferences() {
	if len(m.alias) == 0 {
		return
	}
	for _, l := range m.links {
		if l.des == nil || l.ignored {
			continue
		}
		for _, resolve := range references {
			resolve(m, l.des)
		}
	}
}

// references rewrites the names in one section each. A section is replaced,
// never changed: it belongs to the document.
var references = []func(*merger, *Interface){
	func(m *merger, i *Interface) { i.Controller = m.refPointer(i.Controller) },
	func(m *merger, i *Interface) { i.CopyMACFrom = m.ref(i.CopyMACFrom) },
	(*merger).refVeth,
	(*merger).refVLAN,
	(*merger).refBond,
	(*merger).refBridge,
}

func (m *merger) refPointer(p *string) *string {
	if p == nil || m.ref(*p) == *p {
		return p
	}
	return new(m.ref(*p))
}

func (m *merger) refVeth(i *Interface) {
	if i.Veth != nil && m.ref(i.Veth.Peer) != i.Veth.Peer {
		i.Veth = &Veth{Peer: m.ref(i.Veth.Peer)}
	}
}

func (m *merger) refVLAN(i *Interface) {
	if i.VLAN != nil && m.ref(i.VLAN.BaseIface) != i.VLAN.BaseIface {
		v := *i.VLAN
		v.BaseIface = m.ref(v.BaseIface)
		i.VLAN = &v
	}
}

func (m *merger) refBond(i *Interface) {
	if i.Bond == nil {
		return
	}
	b := *i.Bond
	b.Port = slices.Clone(b.Port)
	for n, p := range b.Port {
		b.Port[n] = m.ref(p)
	}
	b.PortsConfig = slices.Clone(b.PortsConfig)
	for n, p := range b.PortsConfig {
		b.PortsConfig[n].Name = m.ref(p.Name)
	}
	if b.Options != nil && b.Options.Primary != nil {
		o := *b.Options
		o.Primary = m.refPointer(o.Primary)
		b.Options = &o
	}
	i.Bond = &b
}

func (m *merger) refBridge(i *Interface) {
	if i.Bridge == nil || i.Bridge.Port == nil {
		return
	}
	b := *i.Bridge
	b.Port = slices.Clone(b.Port)
	for n, p := range b.Port {
		b.Port[n].Name = m.ref(p.Name)
	}
	i.Bridge = &b
}
