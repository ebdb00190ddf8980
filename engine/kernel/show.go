package kernel

import (
	"cmp"
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/state"
)

// readState reads the namespace's links, addresses, routes and rules, and gives
// them in the schema's words with the raw snapshot they were made of. It needs
// no privileges; what the kernel hides from the unprivileged is not mentioned.
//
// It knows the kernel only: what the record, the files and the programs of the
// host add (owners, DNS, the host name) is the engine's to put in.
func readState(ctx context.Context, c *conn, options engine.ShowOptions) (*state.State, *snapshot, error) {
	s, err := takeSnapshot(ctx, c, wantShow)
	if err != nil {
		return nil, nil, err
	}
	if s.filtersVLANs() {
		vlans, err := takeSnapshot(ctx, c, wantVLANs)
		if err != nil {
			return nil, nil, err
		}
		s.VLANs = vlans.VLANs
	}
	nics, err := readNICs(ctx, c, s, options)
	if err != nil {
		return nil, nil, err
	}
	return limitTo(stateOf(s, nics), options.Names), s, nil
}

// filtersVLANs tells whether any bridge filters VLANs: only then its ports'
// tables mean anything, and are worth a dump of their own.
func (s *snapshot) filtersVLANs() bool {
	return slices.ContainsFunc(s.Links, func(l *rawLink) bool {
		return l.Kind == kindBridge && bridgeFilters(l)
	})
}

// stateOf writes a snapshot in the schema's words. The order is by name, and
// the same snapshot always gives the same state. nics may be nil.
func stateOf(s *snapshot, nics map[int]*nicSettings) *state.State {
	v := newView(s, nics)
	out := &state.State{
		Interfaces: make([]*state.Interface, 0, len(s.Links)),
		Routes:     v.routes(),
		Rules:      v.rules(),
	}
	for _, l := range s.Links {
		out.Interfaces = append(out.Interfaces, v.link(l))
	}
	slices.SortFunc(out.Interfaces, func(a, b *state.Interface) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// A view is a snapshot with the indexes that showing it needs.
type view struct {
	*snapshot
	nics      map[int]*nicSettings
	ports     map[int][]*rawLink // of each controller, by name
	addresses map[int][]*rawAddress
}

func newView(s *snapshot, nics map[int]*nicSettings) *view {
	v := &view{
		snapshot: s, nics: nics,
		ports:     make(map[int][]*rawLink),
		addresses: make(map[int][]*rawAddress, len(s.Links)),
	}
	for _, l := range s.Links {
		if l.Master != 0 {
			v.ports[l.Master] = append(v.ports[l.Master], l)
		}
	}
	for _, ports := range v.ports {
		slices.SortFunc(ports, func(a, b *rawLink) int { return cmp.Compare(a.Name, b.Name) })
	}
	for _, a := range s.Addresses {
		v.addresses[a.Index] = append(v.addresses[a.Index], a)
	}
	return v
}

// below names the link below, and says whether it is in another namespace,
// where the number means another link.
func (v *view) below(l *rawLink) (name string, elsewhere bool) {
	if l.BelowNetNS != nil {
		return "", true
	}
	if l.Below == 0 || l.Below == l.Index {
		return "", false
	}
	return v.name(l.Below), false
}

// link writes one link.
func (v *view) link(l *rawLink) *state.Interface {
	i := &state.Interface{
		Name: l.Name, Type: typeOf(l), State: state.Down,
		MTU: &l.MTU, MinMTU: unlessZero(l.MinMTU), MaxMTU: unlessZero(l.MaxMTU),
		Promiscuous: new(l.Flags&unix.IFF_PROMISC != 0),
	}
	if l.up() {
		i.State = state.Up
	}
	if l.Hardware == unix.ARPHRD_ETHER || l.Hardware == unix.ARPHRD_INFINIBAND || l.Hardware == unix.ARPHRD_LOOPBACK {
		i.MAC = state.MAC(l.MAC)
		i.PermanentMAC = state.MAC(permanentMAC(l))
	}
	if l.Master != 0 {
		i.Controller = new(v.name(l.Master))
	}
	for _, name := range slices.Sorted(slices.Values(l.AltNames)) {
		i.AltNames = append(i.AltNames, state.AltName{Name: name})
	}
	i.PCIAddress = pciAddress(l)
	i.Facts = v.facts(l)
	if show := kinds[l.Kind].show; show != nil {
		show(v, l, i)
	}
	v.nic(l, i)
	if v.canHaveIP(l) {
		i.IPv4, i.IPv6 = v.ipv4(l), v.ipv6(l)
	}
	return i
}

// permanentMAC is the address that the hardware came with, or for a port of a
// bond without one, the address that it had before.
func permanentMAC(l *rawLink) string {
	if l.PermMAC != "" || l.SlaveKind != kindBond {
		return l.PermMAC
	}
	return bondPortMAC(l)
}

// canHaveIP is false for ports of bonds, bridges and switches: their addresses
// would be black-holed, and are not shown.
func (v *view) canHaveIP(l *rawLink) bool {
	if l.Master == 0 {
		return true
	}
	master := v.snapshot.link(l.Master)
	return master != nil && master.Kind == kindVRF
}

// facts tells the planner what the schema does not say.
func (v *view) facts(l *rawLink) *state.Facts {
	_, elsewhere := v.below(l)
	f := &state.Facts{
		Index: l.Index, Kind: l.Kind, Physical: l.Kind == "" && l.Flags&unix.IFF_LOOPBACK == 0,
		Foreign: l.Kind == kindTun || l.Kind == kindVeth || l.Kind == kindMACVTAP,
		Carrier: l.Carrier, AdminUp: l.up(), BaseElsewhere: elsewhere,
		NoAddrGen: l.INet6.Present && l.INet6.AddrGenMode == addrGenNone,
		MACPinned: v.pinned(l), Partner: partner(l),
	}
	if l.INet6.Present {
		f.AcceptRA = &l.INet6.AcceptRA
	}
	return f
}

// pinned tells whether a controller's address is its own. Bridges and bonds
// take one of their ports' until somebody sets it; the kernel tells who did
// only in a file per link (pin.go), so an address that is also a port's counts
// as not pinned here.
func (v *view) pinned(l *rawLink) bool {
	if l.Kind != kindBridge && l.Kind != kindBond {
		return false
	}
	ports := v.ports[l.Index]
	return len(ports) > 0 && !slices.ContainsFunc(ports, func(p *rawLink) bool {
		return p.MAC == l.MAC || permanentMAC(p) == l.MAC
	})
}

// limitTo keeps the interfaces of the given names or alternative names, and
// the routes through them; all without names.
func limitTo(s *state.State, names []string) *state.State {
	if len(names) == 0 {
		return s
	}
	kept := make(map[string]bool)
	s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i *state.Interface) bool {
		wanted := slices.Contains(names, i.Name) || slices.ContainsFunc(i.AltNames, func(n state.AltName) bool {
			return slices.Contains(names, n.Name)
		})
		kept[i.Name] = wanted
		return !wanted
	})
	elsewhere := func(r *state.Route) bool { return r.NextHopInterface == nil || !kept[*r.NextHopInterface] }
	s.Routes.Running = slices.DeleteFunc(s.Routes.Running, elsewhere)
	s.Routes.Config = slices.DeleteFunc(s.Routes.Config, elsewhere)
	s.Rules = nil
	return s
}

// unlessZero is nil for zero: the kernel's way of saying "no limit".
func unlessZero(v uint32) *uint32 {
	if v == 0 {
		return nil
	}
	return &v
}
