package enginetest

import (
	"cmp"
	"slices"

	"holdfast/plan"
	"holdfast/state"
)

// maxDepth ends the search for a carrier below; no host is so deep.
const maxDepth = 64

// show writes the host in the schema's words, as a copy.
func (h *host) show() *state.State {
	s := &state.State{
		Interfaces: []*state.Interface{},
		Routes:     &state.Routes{Running: []*state.Route{}, Config: []*state.Route{}},
		Rules:      &state.Rules{Config: []*state.Rule{}},
	}
	for _, l := range h.sorted() {
		s.Interfaces = append(s.Interfaces, h.interfaceOf(l))
	}
	for _, r := range h.routes {
		s.Routes.Running = append(s.Routes.Running, r)
		if !r.Facts.Foreign {
			s.Routes.Config = append(s.Routes.Config, r)
		}
	}
	s.Rules.Config = append(s.Rules.Config, h.rules...)
	s.DNS, s.Hostname = h.dns, h.names
	s = s.Clone()
	slices.SortStableFunc(s.Routes.Running, compareRoutes)
	slices.SortStableFunc(s.Routes.Config, compareRoutes)
	slices.SortStableFunc(s.Rules.Config, func(a, b *state.Rule) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(value(a.Priority), value(b.Priority)))
	})
	return s
}

func compareRoutes(a, b *state.Route) int {
	return cmp.Or(
		cmp.Compare(a.Destination.Addr().BitLen(), b.Destination.Addr().BitLen()),
		cmp.Compare(*a.TableID, *b.TableID),
		a.Destination.Addr().Compare(b.Destination.Addr()),
		cmp.Compare(a.Destination.Bits(), b.Destination.Bits()),
		cmp.Compare(*a.Metric, *b.Metric),
	)
}

// interfaceOf adds to what a link has of its own what follows from others.
func (h *host) interfaceOf(l *link) *state.Interface {
	i := l.set.Clone()
	i.State = state.Down
	if l.up() {
		i.State = state.Up
	}
	i.Facts.Carrier = h.carrier(l, 0)
	if l.master != "" {
		i.Controller = new(l.master)
		i.IPv4, i.IPv6 = nil, nil
		if l.macBefore != "" && i.PermanentMAC == "" {
			i.PermanentMAC = l.macBefore
		}
	} else {
		showIP(i)
	}
	switch i.Type {
	case state.TypeBond:
		h.showBond(l, i)
	case state.TypeBridge:
		h.showBridge(l, i)
	}
	slices.SortFunc(i.AltNames, func(a, b state.AltName) int { return cmp.Compare(a.Name, b.Name) })
	return i
}

func showIP(i *state.Interface) {
	i.IPv4.Enabled = new(len(i.IPv4.Address) > 0)
	if i.IPv4.Address == nil {
		i.IPv4.Address = []state.Address{}
	}
	if i.IPv6.Address == nil {
		i.IPv6.Address = []state.Address{}
	}
	if !value(i.IPv6.Enabled) || i.Facts.NoAddrGen {
		i.IPv6.AddrGenMode = nil
	}
}

// carrier tells whether packets could get out of a link.
func (h *host) carrier(l *link, depth int) bool {
	if !l.up() || depth > maxDepth {
		return false
	}
	if below := h.links[base(l.set)]; below != nil {
		return h.carrier(below, depth+1)
	}
	if l.set.Type == state.TypeVeth && l.set.Veth != nil {
		end := h.links[l.set.Veth.Peer]
		return end == nil || end.up()
	}
	if l.set.Type != state.TypeBond && l.set.Type != state.TypeBridge {
		return !l.unplugged
	}
	ports := h.ports(l.name())
	return len(ports) == 0 && l.set.Type == state.TypeBridge ||
		slices.ContainsFunc(ports, func(port *link) bool { return h.carrier(port, depth+1) })
}

func (h *host) showBond(l *link, i *state.Interface) {
	hideOptions(i.Bond.Mode, i.Bond.Options)
	i.Bond.Port, i.Bond.PortsConfig = []string{}, nil
	for _, port := range h.ports(l.name()) {
		i.Bond.Port = append(i.Bond.Port, port.name())
		options := port.bondPort
		options.Name = port.name()
		if i.Bond.Options.Primary == nil {
			options.Priority = nil
		}
		i.Bond.PortsConfig = append(i.Bond.PortsConfig, options)
	}
}

func (h *host) showBridge(l *link, i *state.Interface) {
	pvid := value(i.Bridge.Options.VLANDefaultPVID)
	if !l.filtering {
		i.Bridge.Options.VLANDefaultPVID = nil
	}
	i.Bridge.Port = []state.BridgePort{}
	for _, port := range h.ports(l.name()) {
		options := port.bridgePort
		options.Name, options.VLAN = port.name(), &state.PortVLAN{}
		if l.filtering {
			options.VLAN = portVLAN(port.vlans, pvid)
		}
		i.Bridge.Port = append(i.Bridge.Port, options)
	}
}

// portVLAN writes a filter table in the schema's words; a table that the
// schema cannot say is nil.
func portVLAN(table []plan.VLANEntry, pvid uint16) *state.PortVLAN {
	single := len(table) == 1 && table[0].First == table[0].Last && table[0].PVID && table[0].Untagged
	switch {
	case len(table) == 0 && pvid == 0, single && table[0].First == pvid:
		return &state.PortVLAN{}
	case len(table) == 0:
		return nil
	case single:
		return &state.PortVLAN{Mode: state.Access, Tag: new(table[0].First)}
	}
	return trunk(table)
}

// trunk writes a table with tagged VLANs, nil if the schema cannot say it.
func trunk(table []plan.VLANEntry) *state.PortVLAN {
	v := &state.PortVLAN{Mode: state.Trunk, EnableNative: new(false)}
	for _, e := range table {
		switch {
		case e.PVID && e.Untagged && e.First == e.Last:
			v.EnableNative, v.Tag = new(true), new(e.First)
		case e.PVID || e.Untagged:
			return nil
		case e.First == e.Last:
			v.TrunkTags = append(v.TrunkTags, state.TrunkTag{ID: new(e.First)})
		default:
			v.TrunkTags = append(v.TrunkTags, state.TrunkTag{Range: &state.VLANRange{Min: e.First, Max: e.Last}})
		}
	}
	return v
}
