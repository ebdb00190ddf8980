package state

import "holdfast/internal/problem"

// claim is where the document makes an interface a port: in the list of a
// controller, or by its own property.
type claim struct {
	controller *link
	by         *Interface
	path       string
}

// mergePorts settles who is whose port. The lists of controllers and the
// controller property of ports must not contradict each other; a list replaces
// what was there, except for ports that are not ours.
func (m *merger) mergePorts() {
	m.indexPorts()
	for _, l := range m.links {
		if l.des != nil && !l.ignored && l.des.State != Absent {
			m.claimListed(l)
		}
	}
	for _, l := range m.links {
		if l.des != nil && !l.ignored && l.des.Controller != nil && l.des.State != Absent {
			m.claimByProperty(l)
		}
	}
	for _, l := range m.links {
		m.settle(l)
	}
	for _, l := range m.links {
		if l.gone {
			continue
		}
		if rebuild := portRebuilders[l.out.Type]; rebuild != nil {
			rebuild(l)
		}
	}
}

// indexPorts notes the present controllers, as the controllers and as the
// ports tell them.
func (m *merger) indexPorts() {
	for _, l := range m.links {
		if l.cur == nil {
			continue
		}
		for _, name := range portNames(l.cur) {
			l.members = append(l.members, name)
			if p := m.byName[name]; p != nil {
				p.was = l.name
			}
		}
	}
	for _, l := range m.links {
		if l.cur == nil || l.was != "" || value(l.cur.Controller, "") == "" {
			continue
		}
		l.was = *l.cur.Controller
		if c := m.byName[l.was]; c != nil {
			c.members = append(c.members, l.name)
		}
	}
}

// portNames lists the ports that a controller names.
func portNames(i *Interface) []string {
	if list := portLists[i.Type]; list != nil {
		names, _, _ := list(i)
		return names
	}
	return nil
}

// portLists reads the list of ports from a controller's section: the names,
// the key path of the list, and whether it is mentioned at all.
var portLists = map[Type]func(*Interface) (names []string, path string, mentioned bool){
	TypeBond:   bondPorts,
	TypeBridge: bridgePorts,
	TypeVRF:    vrfPorts,
}

func bondPorts(i *Interface) ([]string, string, bool) {
	if i.Bond == nil {
		return nil, "", false
	}
	return i.Bond.Port, "link-aggregation.port", i.Bond.Port != nil
}

func bridgePorts(i *Interface) ([]string, string, bool) {
	if i.Bridge == nil {
		return nil, "", false
	}
	names := make([]string, len(i.Bridge.Port))
	for n, p := range i.Bridge.Port {
		names[n] = p.Name
	}
	return names, "bridge.port", i.Bridge.Port != nil
}

func vrfPorts(i *Interface) ([]string, string, bool) {
	list, mentioned := i.VRF["port"].([]any)
	var names []string
	for _, e := range list {
		if name, ok := e.(string); ok {
			names = append(names, name)
		}
	}
	return names, "vrf.port", mentioned
}

// claimListed claims the ports that a controller of the document lists.
func (m *merger) claimListed(c *link) {
	list := portLists[c.out.Type]
	if list == nil {
		return
	}
	names, path, mentioned := list(c.des)
	c.listing = mentioned
	for n, name := range names {
		at := path + "[" + itoa(n) + "]"
		if c.out.Type == TypeBridge {
			at += ".name"
		}
		p := m.byName[name]
		switch {
		case p == nil:
			m.fault(c.des, at, name, "there is no such interface", m.suggestInterface(name, listHint))
		case p.ignored:
		case p.gone || p.des != nil && p.des.State == Absent:
			m.fault(c.des, at, name, "the port is absent"+whereAbsent(p), "take it off the list, or let it stay")
		case p.claim != nil && p.claim.controller != c:
			m.fault(c.des, at, name, name+" is a port of "+p.claim.controller.name+" already"+where(p.claim.by.Origin, p.claim.path),
				"an interface is the port of one controller only")
		default:
			p.claim = &claim{c, c.des, at}
		}
	}
}

// claimByProperty claims a port by its controller property.
func (m *merger) claimByProperty(p *link) {
	name := *p.des.Controller
	if p.claim != nil && p.claim.controller.name != name {
		said := "no controller"
		if name != "" {
			said = name
		}
		m.fault(p.des, "controller", name, p.name+" is listed as a port of "+p.claim.controller.name+where(p.claim.by.Origin, p.claim.path)+", but names "+said,
			"say the same in both places, or leave one out")
		return
	}
	if name == "" || p.claim != nil {
		return
	}
	c := m.byName[name]
	if c == nil {
		m.fault(p.des, "controller", name, "there is no such interface", m.suggestInterface(name, listHint))
		return
	}
	if p.was == name && (c.ignored || !c.listing) && !c.gone && !c.released {
		if !c.ignored {
			p.claim = &claim{c, p.des, "controller"}
		}
		return
	}
	if why := m.refusal(c, p); why != nil {
		m.problems.Add(why)
		return
	}
	p.claim = &claim{c, p.des, "controller"}
}

// refusal tells why an interface cannot have the port that names it; nil if it
// can.
func (m *merger) refusal(c, p *link) *problem.Problem {
	bad := func(message, hint string) *problem.Problem {
		return fault(p.des, "controller", c.name, message, hint)
	}
	switch {
	case c.ignored:
		return bad("the controller is to be ignored"+where(c.desOrigin(), "state"), "leave state: ignore out, or the controller key here")
	case c.gone || c.released:
		return bad("the controller is absent"+whereAbsent(c), "name another one, or leave the key out")
	case !c.out.IsController():
		return bad(c.name+" is of type "+string(c.out.Type)+", which has no ports", "ports belong to bonds and bridges")
	case c.out.Type != TypeBond && c.out.Type != TypeBridge:
		return unsupported(p.des, "controller", c.name, "making an interface a port of "+c.name+", of type "+string(c.out.Type)+", is not supported yet", keepHint)
	case c.listing:
		_, path, _ := portLists[c.out.Type](c.des)
		return bad("the list of ports of "+c.name+where(c.des.Origin, path)+" does not have "+p.name, "say the same in both places, or leave one out")
	}
	return nil
}

// settle decides on a link's controller, and notes the change on both.
func (m *merger) settle(l *link) {
	l.master = m.masterOf(l)
	if l.master == l.was {
		if l.fresh() {
			l.out.Controller = nil
		}
		return
	}
	if c := m.byName[l.was]; c != nil {
		c.depart(l.name)
	}
	if next := m.byName[l.master]; next != nil {
		next.joined = append(next.joined, l.name)
		l.edit().Controller = new(l.master)
		return
	}
	l.edit().Controller = nil
}

// masterOf returns the name of the controller that a link will have, or "".
func (m *merger) masterOf(l *link) string {
	c := m.byName[l.was]
	switch {
	case l.gone, l.released && !l.ignored:
		return ""
	case l.claim != nil:
		return l.claim.controller.name
	case c != nil && c.gone:
		return ""
	case l.ignored:
		return l.was
	case l.des != nil && l.des.Controller != nil && *l.des.Controller == "":
		return ""
	case c != nil && c.listing && (l.des != nil || !foreignPort(l.cur)):
		return ""
	}
	return l.was
}

// depart notes that a port leaves the controller.
func (l *link) depart(name string) {
	if l.departed == nil {
		l.departed = map[string]bool{}
	}
	l.departed[name] = true
}

// foreignPort tells whether a port is of the sort that others attach, and no
// earlier document told holdfast of it; one that this document describes is
// ours whatever it is.
func foreignPort(i *Interface) bool {
	return i.State == Ignore || i.Facts != nil && i.Facts.Foreign && !i.Facts.Owned
}
