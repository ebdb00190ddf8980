package state

import "fmt"

// vlanKey is what two VLANs cannot share: the base, the number and the tag.
func (i *Interface) vlanKey() vlanKey {
	k := vlanKey{i.VLAN.BaseIface, value(i.VLAN.ID, 0), i.VLAN.Protocol}
	if k.protocol == "" {
		k.protocol = Dot1Q
	}
	return k
}

// changedVLAN tells whether the VLAN's place is the document's doing.
func (l *checked) changedVLAN() bool {
	return l.out.VLAN != nil && (l.cur == nil || l.cur.VLAN == nil || l.out.vlanKey() != l.cur.vlanKey())
}

// vlanNumber refuses the priority tag for a new VLAN, and bases that cannot
// carry tags.
func (c *targetCheck) vlanNumber(l *checked) {
	if !l.changedVLAN() {
		return
	}
	if value(l.out.VLAN.ID, 1) == 0 {
		c.fault(l, "vlan.id", "0", "is the priority tag, and no VLAN", "VLANs are 1 to 4094")
	}
	if base := c.out[l.out.VLAN.BaseIface]; base != nil && base.Type == TypeLoopback {
		c.fault(l, "vlan.base-iface", base.Name, "the loopback interface cannot carry VLANs", "VLANs stand on NICs, bonds and bridges")
	}
}

// vlanTwice refuses a second VLAN of one number on one base.
func (c *targetCheck) vlanTwice(l *checked) {
	if l.out.VLAN == nil || l.out == l.cur || l.out.VLAN.BaseIface == "" {
		return
	}
	if other := c.vlans[l.out.vlanKey()]; other != l.out && (l.changedVLAN() || other != c.cur[other.Name]) {
		c.fault(l, "vlan.id", fmt.Sprint(value(l.out.VLAN.ID, 0)), "is "+other.Name+" on "+other.VLAN.BaseIface+" already"+where(other.Origin, "vlan.id"), "give it another id, or use "+other.Name)
	}
}
