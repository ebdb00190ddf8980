package state

func (v *validation) veth(i *Interface) {
	if i.Veth != nil && i.Veth.Peer == i.Name && i.Name != "" {
		v.fault(i, "veth.peer", i.Name, "the interface cannot be its own other end", "name the other end")
	}
}

func (v *validation) vlan(i *Interface) {
	if i.VLAN == nil {
		return
	}
	if i.VLAN.BaseIface == i.Name && i.Name != "" {
		v.fault(i, "vlan.base-iface", i.Name, "the VLAN cannot stand on itself", "name the interface below it")
	}
	if value(i.VLAN.ID, 1) > 4094 {
		v.fault(i, "vlan.id", itoa(int(*i.VLAN.ID)), "is no VLAN's number, 1 to 4094", "give a number from 1 to 4094")
	}
	v.qos(i, "vlan.ingress-qos-map", i.VLAN.IngressQoSMap, func(q QoSMap) bool { return q.From > 7 }, "the tag's priority, from, is 0 to 7")
	v.qos(i, "vlan.egress-qos-map", i.VLAN.EgressQoSMap, func(q QoSMap) bool { return q.To > 7 }, "the tag's priority, to, is 0 to 7")
}

// qos checks a priority map: each priority once, and within a tag's 3 bits.
func (v *validation) qos(i *Interface, path string, list []QoSMap, bad func(QoSMap) bool, message string) {
	seen := map[uint32]bool{}
	for n, q := range list {
		at := path + "[" + itoa(n) + "]"
		if bad(q) {
			v.fault(i, at, itoa(int(q.From))+" to "+itoa(int(q.To)), message, "a map is written as [{from: 5, to: 3}]")
		}
		if seen[q.From] {
			v.fault(i, at+".from", itoa(int(q.From)), "the priority is mapped twice", "map it once")
		}
		seen[q.From] = true
	}
}
