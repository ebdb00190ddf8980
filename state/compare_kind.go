package state

import (
	"fmt"
	"slices"
	"strings"
)

func listText(list []string) string { return "[" + strings.Join(list, ", ") + "]" }

func compareAltNames(c *comparison, want, have *Interface) {
	for _, a := range want.AltNames {
		there := altName(have.AltNames, a.Name) >= 0
		switch {
		case a.State == Absent && there:
			c.add("alt-names", a.Name+" absent", a.Name)
		case a.State != Absent && !there:
			c.add("alt-names", a.Name, "")
		}
	}
}

// compareVLAN compares sections with priority maps as sets and switches that
// are off where they are not shown.
func compareVLAN(c *comparison, want, have *Interface) {
	if want.VLAN == nil || want.VLAN == have.VLAN {
		return
	}
	w, h := *want.VLAN, VLAN{}
	if have.VLAN != nil {
		h = *have.VLAN
	}
	if sameQoS(w.IngressQoSMap, h.IngressQoSMap) {
		w.IngressQoSMap = nil
	}
	if sameQoS(w.EgressQoSMap, h.EgressQoSMap) {
		w.EgressQoSMap = nil
	}
	if h.RegistrationProtocol == "" && w.RegistrationProtocol == "none" {
		w.RegistrationProtocol = ""
	}
	compareSection(c, "vlan", &w, &h)
}

// compareBond compares options with their twins, ports as a set, and options
// of ports by name.
func compareBond(c *comparison, want, have *Interface) {
	if want.Bond == nil || want.Bond == have.Bond {
		return
	}
	h := Bond{}
	if have.Bond != nil {
		h = *have.Bond
	}
	c.text("link-aggregation.mode", string(want.Bond.Mode), string(h.Mode))
	c.list("link-aggregation.port", want.Bond.Port, h.Port, sameSet)
	c.bondOptions(want.Bond.Options, h.Options)
	for _, p := range want.Bond.PortsConfig {
		path := "link-aggregation.ports-config." + p.Name
		if at := bondPort(h.PortsConfig, p.Name); at >= 0 {
			compareScalar(c, path+".priority", p.Priority, h.PortsConfig[at].Priority)
			compareScalar(c, path+".queue-id", p.QueueID, h.PortsConfig[at].QueueID)
		} else if value(p.Priority, 0) != 0 || value(p.QueueID, 0) != 0 {
			c.add(path, "present", "")
		}
	}
}

// unseenOptions are those that the kernel tells to the privileged only
// (bond_fill_info in drivers/net/bonding/bond_netlink.c).
var unseenOptions = []string{"ad_actor_sys_prio", "ad_actor_system", "ad_user_port_key"}

func (c *comparison) bondOptions(want, have *BondOptions) {
	if want == nil || want == have {
		return
	}
	w := normalBondOptions(want)
	h := BondOptions{}
	if have != nil {
		h = normalBondOptions(have)
	}
	for n := range bondOptions {
		k := &bondOptions[n]
		switch {
		case !k.mentioned(&w) || k.mentioned(&h) && strings.EqualFold(k.text(&w), k.text(&h)):
		case !k.mentioned(&h) && (slices.Contains(unseenOptions, k.key) || slices.Contains([]string{"0", "false", "none"}, k.text(&w))):
		default:
			have := ""
			if k.mentioned(&h) {
				have = k.text(&h)
			}
			c.add("link-aggregation.options."+k.key, k.text(&w), have)
		}
	}
}

func normalBondOptions(o *BondOptions) BondOptions {
	i := Interface{Bond: &Bond{Options: o}}
	normaliseBond(&i)
	return *i.Bond.Options
}

// compareBridge compares options, ports as a set, and options of ports by
// name.
func compareBridge(c *comparison, want, have *Interface) {
	if want.Bridge == nil || want.Bridge == have.Bridge {
		return
	}
	h := Bridge{}
	if have.Bridge != nil {
		h = *have.Bridge
	}
	if want.Bridge.Options != nil {
		w, o := Interface{Bridge: &Bridge{Options: want.Bridge.Options}}, Interface{Bridge: &Bridge{Options: h.Options}}
		normaliseBridge(&w)
		normaliseBridge(&o)
		if h.Options != nil && h.Options.MACAgeingTime == nil { // hidden while a topology change lasts
			options := *w.Bridge.Options
			options.MACAgeingTime, w.Bridge.Options = nil, &options
		}
		compareSection(c, "bridge.options", w.Bridge.Options, o.Bridge.Options)
	}
	c.bridgePorts(want.Bridge.Port, &Interface{Type: TypeBridge, Bridge: &h})
}

func (c *comparison) bridgePorts(want []BridgePort, bridge *Interface) {
	if want == nil {
		return
	}
	list := bridge.Bridge.Port
	index := make(map[string]*BridgePort, len(list))
	for n := range list {
		index[list[n].Name] = &list[n]
	}
	wanted := make(map[string]bool, len(want))
	missing := []string{}
	for _, p := range want {
		wanted[p.Name] = true
		h := index[p.Name]
		if h == nil {
			missing = append(missing, p.Name)
			continue
		}
		path := "bridge.port." + p.Name
		compareScalar(c, path+".stp-hairpin-mode", p.Hairpin, h.Hairpin)
		compareScalar(c, path+".stp-path-cost", p.PathCost, h.PathCost)
		compareScalar(c, path+".stp-priority", p.Priority, h.Priority)
		if p.VLAN != nil && !bridge.Bridge.filters(h.VLAN, p.VLAN.filter()) {
			c.add(path+".vlan", p.VLAN.text(), h.VLAN.text())
		}
	}
	extra := c.extraPorts(wanted, bridge)
	if len(missing)+len(extra) > 0 {
		names, _, _ := bridgePorts(bridge)
		wants := make([]string, 0, len(want))
		for _, p := range want {
			wants = append(wants, p.Name)
		}
		c.add("bridge.port", listText(wants), listText(names))
	}
}

// filters tells whether a port of the bridge that shows have has that filter.
// The table of the default VLAN is shown as none, and only a bridge that
// filters shows its default VLAN.
func (b *Bridge) filters(have *PortVLAN, want portFilter) bool {
	f := have.filter()
	if f == want || have == nil || f != (portFilter{}) || b.Options == nil {
		return f == want
	}
	standard := value(b.Options.VLANDefaultPVID, 0)
	return standard != 0 && want == portFilter{mode: Access, tag: standard}
}

// extraPorts names the ports beyond a list that are not those of others.
func (c *comparison) extraPorts(wanted map[string]bool, bridge *Interface) []string {
	var extra []string
	for _, p := range bridge.Bridge.Port {
		if wanted[p.Name] {
			continue
		}
		if i := c.index[p.Name]; i == nil || c.asked[p.Name] || !foreignPort(i) {
			extra = append(extra, p.Name)
		}
	}
	return extra
}

// text writes a filter for a message.
func (v *PortVLAN) text() string {
	f := v.filter()
	switch f.mode {
	case Access:
		return fmt.Sprintf("access %d", f.tag)
	case Trunk:
		s := "trunk " + rangesText(f.tagged)
		if f.native {
			s += fmt.Sprintf(" native %d", f.tag)
		}
		return s
	}
	return "none"
}

// rangesText writes a set of VLANs as ranges.
func rangesText(set [64]uint64) string {
	var ranges []string
	has := func(id int) bool { return id < 4096 && set[id/64]&(1<<(id%64)) != 0 }
	for id := 0; id < 4096; id++ {
		if !has(id) {
			continue
		}
		first := id
		for has(id + 1) {
			id++
		}
		if first == id {
			ranges = append(ranges, itoa(id))
		} else {
			ranges = append(ranges, itoa(first)+"-"+itoa(id))
		}
	}
	return strings.Join(ranges, ",")
}
