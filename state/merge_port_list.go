package state

import (
	"slices"
	"strconv"
)

func itoa(n int) string { return strconv.Itoa(n) }

// portRebuilders write a controller's list of ports anew where its ports or
// their options change.
var portRebuilders = map[Type]func(*link){
	TypeBond:   rebuildBond,
	TypeBridge: rebuildBridge,
	TypeVRF:    rebuildVRF,
}

// ports returns the names of the controller's ports in the target: those that
// stay in their order, then those that the document lists, then the others.
func (l *link) ports() []string {
	if len(l.departed)+len(l.joined) == 0 {
		return l.members
	}
	names := make([]string, 0, len(l.members)+len(l.joined))
	for _, name := range l.members {
		if !l.departed[name] {
			names = append(names, name)
		}
	}
	rest := slices.Clone(l.joined)
	if l.des != nil {
		for _, name := range portNames(l.des) {
			if n := slices.Index(rest, name); n >= 0 {
				names = append(names, name)
				rest = slices.Delete(rest, n, n+1)
			}
		}
	}
	return append(names, rest...)
}

func rebuildBond(l *link) {
	if len(l.departed)+len(l.joined) == 0 {
		return
	}
	b := Bond{}
	if l.out.Bond != nil {
		b = *l.out.Bond
	}
	b.Port = l.ports()
	b.PortsConfig = slices.DeleteFunc(slices.Clone(b.PortsConfig), func(p BondPort) bool { return !slices.Contains(b.Port, p.Name) })
	if b.Options != nil && b.Options.Primary != nil && !l.wantsPrimary() && !slices.Contains(b.Port, *b.Options.Primary) {
		o := *b.Options
		o.Primary = nil
		b.Options = &o
	}
	l.edit().Bond = &b
}

// wantsPrimary tells whether the document has a word on the preferred port. If
// it has none, the kernel forgets one that leaves.
func (l *link) wantsPrimary() bool {
	return l.des != nil && l.des.Bond != nil && l.des.Bond.Options != nil && l.des.Bond.Options.Primary != nil
}

func rebuildBridge(l *link) {
	var wanted, present bridgePortSet
	if l.des != nil && !l.ignored {
		wanted = newBridgePortSet(l.des)
	}
	changed := len(l.departed)+len(l.joined) > 0
	if !changed && len(wanted.list) == 0 {
		return
	}
	if l.cur != nil {
		present = newBridgePortSet(l.cur)
	}
	list := make([]BridgePort, 0, len(l.members)+len(l.joined))
	for _, name := range l.ports() {
		p := BridgePort{Name: name}
		if there := present.find(name); there != nil {
			p = *there
		}
		if w := wanted.find(name); w != nil {
			laid, differs := mergeBridgePort(p, *w)
			p, changed = laid, changed || differs
		}
		list = append(list, p)
	}
	if !changed {
		return
	}
	b := Bridge{}
	if l.out.Bridge != nil {
		b = *l.out.Bridge
	}
	b.Port = list
	l.edit().Bridge = &b
}

// bridgePortSet finds the ports of a bridge by name: in the list while that is
// short, in an index beyond.
type bridgePortSet struct {
	list  []BridgePort
	index map[string]*BridgePort
}

func newBridgePortSet(i *Interface) bridgePortSet {
	if i.Bridge == nil {
		return bridgePortSet{}
	}
	s := bridgePortSet{list: i.Bridge.Port}
	if len(s.list) > 8 {
		s.index = make(map[string]*BridgePort, len(s.list))
		for n := range s.list {
			s.index[s.list[n].Name] = &s.list[n]
		}
	}
	return s
}

// find returns the port of that name, nil for none.
func (s bridgePortSet) find(name string) *BridgePort {
	if s.index != nil {
		return s.index[name]
	}
	for n := range s.list {
		if s.list[n].Name == name {
			return &s.list[n]
		}
	}
	return nil
}

func rebuildVRF(l *link) {
	if len(l.departed) == 0 {
		return
	}
	names := l.ports()
	list := make([]any, len(names))
	for n, name := range names {
		list[n] = name
	}
	out := cloneRaw(l.out.VRF)
	out["port"] = list
	l.edit().VRF = out
}

// agree makes the wish of a controller agree with ports that are to be
// ignored: those that are there stay, the others do not come.
func (m *merger) agree(c *link) {
	if !c.listing {
		return
	}
	ignored := func(name string) bool { p := m.byName[name]; return p != nil && p.ignored }
	listed, present := portNames(c.des), portNames(c.out)
	stays := func(name string) bool { return ignored(name) && !slices.Contains(listed, name) }
	drops := func(name string) bool { return ignored(name) && !slices.Contains(present, name) }
	if !slices.ContainsFunc(listed, drops) && !slices.ContainsFunc(present, stays) {
		return
	}
	if c.des.Bond != nil {
		b := *c.des.Bond
		b.Port = slices.DeleteFunc(slices.Clone(b.Port), drops)
		for _, name := range present {
			if stays(name) {
				b.Port = append(b.Port, name)
			}
		}
		c.des.Bond = &b
	}
	if c.des.Bridge != nil {
		b := *c.des.Bridge
		b.Port = slices.DeleteFunc(slices.Clone(b.Port), func(p BridgePort) bool { return drops(p.Name) })
		for _, name := range present {
			if stays(name) {
				b.Port = append(b.Port, BridgePort{Name: name})
			}
		}
		c.des.Bridge = &b
	}
}
