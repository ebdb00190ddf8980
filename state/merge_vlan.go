package state

// mergeVLAN merges the section of a VLAN; priority maps are taken whole, and
// their order does not count.
func mergeVLAN(cur, des *VLAN) *VLAN {
	if cur == nil || des == nil {
		return overlay(cur, des)
	}
	d := *des
	if sameQoS(cur.IngressQoSMap, d.IngressQoSMap) {
		d.IngressQoSMap = nil
	}
	if sameQoS(cur.EgressQoSMap, d.EgressQoSMap) {
		d.EgressQoSMap = nil
	}
	d.LooseBinding = overlaySwitch(cur.LooseBinding, d.LooseBinding)
	if d.RegistrationProtocol == "none" && cur.RegistrationProtocol == "" {
		d.RegistrationProtocol = ""
	}
	return overlay(cur, &d)
}

// sameQoS tells whether two maps say the same. Entries that map to 0 are the
// kernel's default and not shown.
func sameQoS(a, b []QoSMap) bool {
	x, y := qosMap(a), qosMap(b)
	if len(x) != len(y) {
		return false
	}
	for from, to := range x {
		if v, ok := y[from]; !ok || v != to {
			return false
		}
	}
	return true
}

func qosMap(list []QoSMap) map[uint32]uint32 {
	if len(list) == 0 {
		return nil
	}
	m := make(map[uint32]uint32, len(list))
	for _, q := range list {
		if q.To != 0 {
			m[q.From] = q.To
		}
	}
	return m
}

// createVLAN gives a new VLAN its defaults: tagged 802.1Q, tags taken out.
func createVLAN(i *Interface) {
	v := VLAN{}
	if i.VLAN != nil {
		v = *i.VLAN
	}
	if v.Protocol == "" {
		v.Protocol = Dot1Q
	}
	if v.ReorderHeaders == nil {
		v.ReorderHeaders = new(true)
	}
	i.VLAN = &v
}
