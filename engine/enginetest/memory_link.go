package enginetest

import (
	"fmt"
	"slices"
	"strings"
	"syscall"

	"holdfast/plan"
	"holdfast/state"
)

// makes are the types that can be created, with the kernel's names.
var makes = map[state.Type]string{
	state.TypeBond: "bond", state.TypeBridge: "bridge", state.TypeVLAN: "vlan", state.TypeVeth: "veth", state.TypeDummy: "dummy",
}

// create makes a link, down, and a veth's other end with it.
func (h *host) create(step *plan.Step) error {
	want := step.Link
	kind, ok := makes[want.Type]
	if !ok {
		return syscall.EOPNOTSUPP
	}
	if l := h.links[step.Object]; l != nil && l.peerMade {
		return h.adoptPeer(l, step)
	}
	if h.taken(step.Object) {
		return syscall.EEXIST
	}
	if err := h.mayCreate(want); err != nil {
		return err
	}
	l := h.enter(step.Object, kind, want)
	if want.Veth != nil && want.Type == state.TypeVeth {
		end := h.enter(want.Veth.Peer, kind, &state.Interface{Type: state.TypeVeth, Veth: &state.Veth{Peer: step.Object}})
		end.peerMade = true
	}
	return h.join(l, step)
}

// mayCreate refuses what the kernel refuses.
func (h *host) mayCreate(want *state.Interface) error {
	switch want.Type {
	case state.TypeVeth:
		if want.Veth == nil || h.taken(want.Veth.Peer) {
			return syscall.EEXIST
		}
	case state.TypeVLAN:
		below, err := h.find(want.VLAN.BaseIface)
		if err != nil {
			return err
		}
		if want.MTU != nil && *want.MTU > below.mtu() {
			return fmt.Errorf("mtu %d is above that of %s: %w", *want.MTU, below.name(), syscall.ERANGE)
		}
		for _, o := range h.above(below) {
			if o.set.VLAN != nil && value(o.set.VLAN.ID) == value(want.VLAN.ID) && o.set.VLAN.Protocol == protocol(want.VLAN) {
				return syscall.EEXIST
			}
		}
	}
	return nil
}

func protocol(v *state.VLAN) state.VLANProtocol {
	if v.Protocol == "" {
		return state.Dot1Q
	}
	return v.Protocol
}

// enter makes the link of what a create message holds: the section, MAC, MTU.
func (h *host) enter(name, kind string, want *state.Interface) *link {
	i := (&state.Interface{
		Name: name, Type: want.Type, MAC: want.MAC, MTU: want.MTU, Promiscuous: want.Promiscuous,
		Veth: want.Veth, VLAN: want.VLAN, Bond: want.Bond, Bridge: want.Bridge,
	}).Clone()
	index := 0
	if want.Facts != nil {
		index = want.Facts.Index
	}
	follows := want.Facts != nil && !want.Facts.MACPinned && (want.Type == state.TypeVLAN || want.Type == state.TypeBridge)
	i.Facts = &state.Facts{Kind: kind, Foreign: kind == "veth", MACPinned: want.MAC != "" && !follows}
	l := &link{set: i, mtuPinned: want.Type == state.TypeBridge && want.MTU != nil, filtering: plan.VLANFiltering(want.Bridge)}
	h.number(l, index)
	if i.VLAN != nil {
		below := h.links[i.VLAN.BaseIface]
		i.MTU, i.MAC = orValue(i.MTU, below.mtu()), orText(i.MAC, below.set.MAC)
	}
	h.complete(l)
	h.links[name] = l
	return l
}

func orValue[T any](p *T, v T) *T {
	if p == nil {
		return &v
	}
	return p
}

func orText[T ~string](s, other T) T {
	if s == "" {
		return other
	}
	return s
}

// adoptPeer gives the second end of a veth what its own step says.
func (h *host) adoptPeer(l *link, step *plan.Step) error {
	l.peerMade = false
	if step.Link.MAC != "" {
		l.set.MAC, l.set.Facts.MACPinned = step.Link.MAC, true
	}
	if step.Link.MTU != nil {
		l.set.MTU = new(*step.Link.MTU)
	}
	return h.join(l, step)
}

// join attaches a new link as its create message says; a controller that is
// not there yet gets it by a step of its own.
func (h *host) join(l *link, step *plan.Step) error {
	name := step.Controller
	if name == "" {
		name = value(step.Link.Controller)
	}
	if c := h.links[name]; c != nil {
		return h.attach(l, c)
	}
	return nil
}

func (h *host) removeStep(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	if l.set.Facts.Physical || l.set.Type == state.TypeLoopback {
		return syscall.EOPNOTSUPP
	}
	h.remove(l)
	return nil
}

// remove deletes a link with what sits on it, the other end of a veth, and its
// routes; its ports are let go.
func (h *host) remove(l *link) {
	delete(h.links, l.name())
	for _, o := range h.above(l) {
		h.remove(o)
	}
	for _, port := range h.ports(l.name()) {
		h.detach(port, l)
	}
	if l.set.Veth != nil {
		if end := h.links[l.set.Veth.Peer]; end != nil {
			h.remove(end)
		}
	}
	h.dropRoutes(l.name(), func(*state.Route) bool { return true })
	h.leave(l)
}

// leave tells a removed port's controller.
func (h *host) leave(l *link) {
	if c := h.links[l.master]; c != nil {
		h.letGo(l, c)
	}
}

func (h *host) upStep(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	return h.up(l)
}

// up sets a link up, and the VLANs on it (vlan_device_event, net/8021q/vlan.c).
func (h *host) up(l *link) error {
	if below := h.links[base(l.set)]; below != nil && !below.up() && !loose(l) {
		return fmt.Errorf("%s below is down: %w", below.name(), syscall.ENETDOWN)
	}
	if l.set.MAC == noMAC && l.set.Type != state.TypeLoopback { // eth_validate_addr, net/ethernet/eth.c
		return fmt.Errorf("it has no address: %w", syscall.EADDRNOTAVAIL)
	}
	l.set.Facts.AdminUp = true
	for _, o := range h.above(l) {
		if o.set.VLAN != nil && !loose(o) && !o.up() {
			_ = h.up(o)
		}
	}
	return nil
}

func loose(l *link) bool { return l.set.VLAN != nil && value(l.set.VLAN.LooseBinding) }

func (h *host) downStep(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	h.down(l)
	return nil
}

// down sets a link down, and the VLANs on it; IPv6 addresses and all routes
// through them go.
func (h *host) down(l *link) {
	l.set.Facts.AdminUp = false
	l.set.IPv6.Address = nil
	h.dropRoutes(l.name(), func(*state.Route) bool { return true })
	for _, o := range h.above(l) {
		if o.set.VLAN != nil && !loose(o) && o.up() {
			h.down(o)
		}
	}
}

// change sets the keys of a link in place.
func (h *host) change(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	for _, key := range step.Keys {
		if err := h.changeKey(l, step.Link, key); err != nil {
			return fmt.Errorf("set %s: %w", key, err)
		}
	}
	return nil
}

func (h *host) changeKey(l *link, want *state.Interface, key string) error {
	switch {
	case key == "mtu":
		return h.changeMTU(l, *want.MTU)
	case key == "mac-address", key == "copy-mac-from":
		l.set.MAC, l.set.Facts.MACPinned = want.MAC, true
		return nil
	case strings.HasPrefix(key, "link-aggregation."):
		return h.changeBond(l, want, key)
	case key == plan.KeyFilterOn, key == plan.KeyFilterOff:
		l.filtering = key == plan.KeyFilterOn
		return nil
	case key == "bridge.options.vlan-default-pvid":
		return h.changePVID(l, *want.Bridge.Options.VLANDefaultPVID)
	case slices.Contains([]string{"vlan.id", "vlan.protocol", "vlan.base-iface", "veth.peer"}, key):
		return syscall.EOPNOTSUPP
	}
	if err := copyKey(l.set, want.Clone(), key); err != nil {
		return err
	}
	if key == "bridge.options.group-fwd-mask" || key == "bridge.options.group-forward-mask" {
		o := l.set.Bridge.Options
		mask := o.GroupFwdMask
		if key == "bridge.options.group-forward-mask" {
			mask = o.GroupForwardMask
		}
		o.GroupFwdMask, o.GroupForwardMask = mask, mask
	}
	return nil
}

// changeMTU keeps to the limits of the links below and takes those above and
// the ports of a bond along.
func (h *host) changeMTU(l *link, mtu uint32) error {
	if below := h.links[base(l.set)]; below != nil && l.set.VLAN != nil && mtu > below.mtu() {
		return fmt.Errorf("above that of %s: %w", below.name(), syscall.ERANGE)
	}
	l.mtuPinned = l.mtuPinned || l.set.Type == state.TypeBridge
	h.setMTU(l, mtu)
	if l.set.Type == state.TypeBond {
		for _, port := range h.ports(l.name()) {
			h.setMTU(port, mtu)
		}
	}
	return nil
}

// setMTU lowers the VLANs above with it; raising does not bring them back.
func (h *host) setMTU(l *link, mtu uint32) {
	l.set.MTU = &mtu
	for _, o := range h.above(l) {
		if o.set.VLAN != nil && o.mtu() > mtu {
			h.setMTU(o, mtu)
		}
	}
}

// bondDown and bondAlone are the keys that change only while the bond is down
// or has no ports (BOND_OPTFLAG_IFDOWN and BOND_OPTFLAG_NOSLAVES in
// drivers/net/bonding/bond_options.c).
var (
	bondDown  = []string{"mode", "lacp_active", "lacp_rate", "ad_select", "ad_user_port_key", "tlb_dynamic_lb"}
	bondAlone = []string{"mode", "fail_over_mac"}
)

func (h *host) changeBond(l *link, want *state.Interface, key string) error {
	name := key[strings.LastIndex(key, ".")+1:]
	if slices.Contains(bondDown, name) && l.up() {
		return fmt.Errorf("unable to set because the bond device is up: %w", syscall.EBUSY)
	}
	if slices.Contains(bondAlone, name) && len(h.ports(l.name())) > 0 {
		return fmt.Errorf("unable to set because the bond device has slaves: %w", syscall.ENOTEMPTY)
	}
	if err := copyKey(l.set, want.Clone(), key); err != nil {
		return err
	}
	o := l.set.Bond.Options
	switch {
	case name == "num_grat_arp":
		o.NumUnsolNA = o.NumGratARP
	case name == "num_unsol_na":
		o.NumGratARP = o.NumUnsolNA
	case name == "arp_interval" && value(o.ARPInterval) > 0:
		o.MIIMon = new(uint32(0))
	case name == "miimon" && value(o.MIIMon) > 0:
		o.ARPInterval = new(uint32(0))
	case name == "mode" && slices.Contains([]state.BondMode{state.LACP, state.BalanceTLB, state.BalanceALB}, l.set.Bond.Mode):
		o.ARPInterval, o.ARPValidate = new(uint32(0)), "none"
		if value(o.MIIMon) == 0 {
			o.MIIMon = new(uint32(100))
		}
	}
	return nil
}
