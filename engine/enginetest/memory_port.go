package enginetest

import (
	"cmp"
	"fmt"
	"slices"
	"syscall"

	"holdfast/plan"
	"holdfast/state"
)

func (h *host) attachStep(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	c, err := h.find(step.Controller)
	if err != nil {
		return err
	}
	return h.attach(l, c)
}

// attach makes l a port of c, with what that does to both.
func (h *host) attach(l, c *link) error {
	switch {
	case l.master == c.name():
		return nil
	case l.master != "":
		return fmt.Errorf("it is a port of %s: %w", l.master, syscall.EBUSY)
	case h.sitsOn(l, c):
		return syscall.ELOOP
	case c.set.Type == state.TypeBond && l.up():
		return fmt.Errorf("device can not be enslaved while up: %w", syscall.EPERM)
	case c.set.Type != state.TypeBond && c.set.Type != state.TypeBridge:
		return syscall.EOPNOTSUPP
	}
	l.master = c.name()
	if c.set.Type == state.TypeBridge {
		l.bridgePort = state.BridgePort{
			Hairpin: new(false), PathCost: new(uint32(100)), Priority: new(uint16(32)),
		}
		if pvid := value(c.set.Bridge.Options.VLANDefaultPVID); pvid != 0 {
			l.vlans = []plan.VLANEntry{{First: pvid, Last: pvid, PVID: true, Untagged: true}}
		}
		return nil
	}
	l.bondPort = state.BondPort{Priority: new(int32(0)), QueueID: new(uint16(0))}
	if first := len(h.ports(c.name())) == 1; first && !c.set.Facts.MACPinned {
		c.set.MAC = l.set.MAC
	}
	l.mtuBefore, l.macBefore = l.mtu(), l.set.MAC
	h.setMTU(l, c.mtu())
	if c.set.Bond.Options.FailOverMAC == "none" || c.set.Bond.Mode != state.ActiveBackup {
		l.set.MAC = c.set.MAC
	}
	l.set.Facts.AdminUp = true // bond_enslave opens its port
	return nil
}

// sitsOn tells whether a is above b, by bases or as a controller.
func (h *host) sitsOn(a, b *link) bool {
	if a == b {
		return true
	}
	if below := h.links[base(a.set)]; below != nil && h.sitsOn(below, b) {
		return true
	}
	return slices.ContainsFunc(h.ports(a.name()), func(port *link) bool { return h.sitsOn(port, b) })
}

func (h *host) detachStep(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	c := h.links[l.master]
	if c == nil {
		return nil
	}
	h.detach(l, c)
	return nil
}

func (h *host) detach(l, c *link) {
	l.master = ""
	h.letGo(l, c)
}

// letGo is what the end of a port does to it and its controller: a bond gives
// its port MAC and MTU back and closes it, and makes up a MAC when the last one
// left (__bond_release_one, drivers/net/bonding/bond_main.c); a bridge has none
// without ports (br_stp_recalculate_bridge_id, net/bridge/br_stp_if.c).
func (h *host) letGo(l, c *link) {
	l.vlans, l.bridgePort, l.bondPort = nil, state.BridgePort{}, state.BondPort{}
	if c.set.Type != state.TypeBond {
		if h.links[c.name()] == c && len(h.ports(c.name())) == 0 && !c.set.Facts.MACPinned {
			c.set.MAC = noMAC
		}
		return
	}
	l.set.MAC = orText(l.macBefore, l.set.MAC)
	if l.mtuBefore != 0 {
		h.setMTU(l, l.mtuBefore)
	}
	l.macBefore, l.mtuBefore = "", 0
	if h.links[l.name()] == l {
		h.down(l)
	}
	if value(c.set.Bond.Options.Primary) == l.name() {
		c.set.Bond.Options.Primary = new("")
	}
	if h.links[c.name()] == c && len(h.ports(c.name())) == 0 {
		c.set.MAC, c.set.Facts.MACPinned = made(0x100000+c.index()), false
	}
}

func (h *host) changePort(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	if l.master == "" || l.master != step.Controller {
		return fmt.Errorf("it is no port of %s: %w", step.Controller, syscall.EINVAL)
	}
	if step.BridgePort != nil {
		overwrite(&l.bridgePort, step.BridgePort)
		l.bridgePort.VLAN = nil
	}
	if step.BondPort != nil {
		overwrite(&l.bondPort, step.BondPort)
	}
	return nil
}

// noMAC is the address of a bridge that has lost its last port.
const noMAC state.MAC = "00:00:00:00:00:00"

// changeVLANs removes and adds entries of a filter table.
func (h *host) changeVLANs(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	table := &l.vlans
	if step.Controller == l.name() {
		table = &l.self
		if l.set.MAC == noMAC && len(step.VLANsAdded) > 0 { // fdb_add_local, net/bridge/br_fdb.c
			return fmt.Errorf("the bridge has no address: %w", syscall.EINVAL)
		}
	} else if c := h.links[l.master]; c == nil || c.set.Type != state.TypeBridge {
		return syscall.EOPNOTSUPP
	}
	ids := map[uint16]plan.VLANEntry{}
	for _, e := range *table {
		for id := uint32(e.First); id <= uint32(e.Last); id++ {
			ids[uint16(id)] = plan.VLANEntry{PVID: e.PVID, Untagged: e.Untagged}
		}
	}
	for _, e := range step.VLANsRemoved {
		for id := uint32(e.First); id <= uint32(e.Last); id++ {
			delete(ids, uint16(id))
		}
	}
	for _, e := range step.VLANsAdded {
		for id := uint32(e.First); id <= uint32(e.Last); id++ {
			if e.PVID { // there is one
				for other, o := range ids {
					o.PVID = false
					ids[other] = o
				}
			}
			ids[uint16(id)] = plan.VLANEntry{PVID: e.PVID, Untagged: e.Untagged}
		}
	}
	*table = ranges(ids)
	return nil
}

// ranges are entries put together where they follow each other, as the kernel
// dumps them.
func ranges(ids map[uint16]plan.VLANEntry) []plan.VLANEntry {
	var list []plan.VLANEntry
	for id, e := range ids {
		list = append(list, plan.VLANEntry{First: id, Last: id, PVID: e.PVID, Untagged: e.Untagged})
	}
	slices.SortFunc(list, func(a, b plan.VLANEntry) int { return cmp.Compare(a.First, b.First) })
	var out []plan.VLANEntry
	for _, e := range list {
		if n := len(out) - 1; n >= 0 && out[n].Last+1 == e.First && !e.PVID && !out[n].PVID && out[n].Untagged == e.Untagged {
			out[n].Last = e.Last
			continue
		}
		out = append(out, e)
	}
	return out
}

// changePVID gives the ports that have the old default VLAN the new one
// (__br_vlan_set_default_pvid, net/bridge/br_vlan.c).
func (h *host) changePVID(bridge *link, pvid uint16) error {
	if bridge.filtering {
		return fmt.Errorf("disable VLAN filtering to change the default PVID: %w", syscall.EPERM)
	}
	if bridge.set.MAC == noMAC && pvid != 0 {
		return fmt.Errorf("the bridge has no address: %w", syscall.EINVAL)
	}
	old := value(bridge.set.Bridge.Options.VLANDefaultPVID)
	for _, port := range h.ports(bridge.name()) {
		port.vlans = slices.DeleteFunc(port.vlans, func(e plan.VLANEntry) bool { return e.First == old && e.PVID })
		if pvid != 0 {
			port.vlans = append(port.vlans, plan.VLANEntry{First: pvid, Last: pvid, PVID: true, Untagged: true})
		}
	}
	bridge.set.Bridge.Options.VLANDefaultPVID = &pvid
	return nil
}

// settleMAC lets a bridge follow the lowest MAC of its ports, a VLAN its base,
// and a bond's ports the bond.
func (h *host) settleMAC(l *link) {
	if l.set.Facts.MACPinned {
		return
	}
	if below := h.links[base(l.set)]; below != nil && l.set.VLAN != nil {
		l.set.MAC = below.set.MAC
	}
	if l.set.Type != state.TypeBridge {
		return
	}
	var lowest state.MAC
	for _, port := range h.ports(l.name()) {
		if lowest == "" || port.set.MAC < lowest {
			lowest = port.set.MAC
		}
	}
	l.set.MAC = orText(lowest, l.set.MAC)
}

// settleMTU lets a bridge follow the smallest MTU of its ports.
func (h *host) settleMTU(l *link) {
	if l.set.Type != state.TypeBridge || l.mtuPinned {
		return
	}
	lowest := uint32(0)
	for _, port := range h.ports(l.name()) {
		if lowest == 0 || port.mtu() < lowest {
			lowest = port.mtu()
		}
	}
	if lowest == 0 {
		lowest = 1500
	}
	if lowest != l.mtu() {
		h.setMTU(l, lowest)
	}
}
