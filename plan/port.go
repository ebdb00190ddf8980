package plan

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"holdfast/state"
)

var (
	bridgePortFields = fieldsOf(reflect.TypeFor[state.BridgePort](), "", "name", "vlan")
	bondPortFields   = fieldsOf(reflect.TypeFor[state.BondPort](), "", "name")
)

// bondPortOf is the configuration of the bond port of that name, nil for none.
func bondPortOf(i *state.Interface, name string) *state.BondPort {
	if i == nil || i.Bond == nil {
		return nil
	}
	for n := range i.Bond.PortsConfig {
		if i.Bond.PortsConfig[n].Name == name {
			return &i.Bond.PortsConfig[n]
		}
	}
	return nil
}

// ports plans the options and VLANs of the controller's ports. Ports are
// looked up by one pass over each list.
func (b *builder) ports(l *link) {
	if l.want == nil {
		return
	}
	if l.want.Bridge != nil {
		was := map[string]*state.BridgePort{}
		if !l.fresh && l.was.Bridge != nil {
			for n := range l.was.Bridge.Port {
				was[l.was.Bridge.Port[n].Name] = &l.was.Bridge.Port[n]
			}
		}
		for n := range l.want.Bridge.Port {
			p := &l.want.Bridge.Port[n]
			if m := b.byName[p.Name]; m != nil && m.ctl == l {
				b.bridgePort(l, m, was[p.Name], p)
			}
		}
	}
	if l.want.Bond != nil {
		for n := range l.want.Bond.PortsConfig {
			p := &l.want.Bond.PortsConfig[n]
			if m := b.byName[p.Name]; m != nil && m.ctl == l {
				b.bondPort(l, m, p)
			}
		}
	}
}

// bridgePort plans one port of a bridge.
func (b *builder) bridgePort(l, m *link, was, want *state.BridgePort) {
	if m.joins || l.fresh {
		was = nil
	}
	changes := relative(differ(bridgePortFields, was, want))
	if len(changes) > 0 {
		m.at.port = b.add(Step{
			Verb: ChangePort, Object: m.name, Type: m.want.Type, Controller: l.name, BridgePort: want,
			Changes: changes, Keys: keysOf(changes), Impact: ImpactHot, Why: "port options of " + l.name,
		}, nil)
	}
	b.portVLANs(l, m, was, want)
}

// bondPort plans one port of a bond.
func (b *builder) bondPort(l, m *link, want *state.BondPort) {
	var was *state.BondPort
	if !m.joins && !l.fresh {
		was = bondPortOf(l.was, m.name)
	}
	changes := relative(differ(bondPortFields, was, want))
	if len(changes) == 0 {
		return
	}
	m.at.port = b.add(Step{
		Verb: ChangePort, Object: m.name, Type: m.want.Type, Controller: l.name, BondPort: want,
		Changes: changes, Keys: keysOf(changes), Impact: ImpactHot, Why: "port options of " + l.name,
	}, nil)
}

// relative takes the dot off keys that have no prefix, and drops the options
// of a new port that say what every new port has anyway.
func relative(changes []Change) []Change {
	kept := changes[:0]
	for _, c := range changes {
		c.Key = strings.TrimPrefix(c.Key, ".")
		if c.From == "" && (c.Key == "stp-hairpin-mode" && c.To == "false" || c.Key == "queue-id" && c.To == "0" || c.Key == "priority" && c.To == "0") {
			continue
		}
		kept = append(kept, c)
	}
	return kept
}

// noVLAN tells whether the port asks for no VLANs.
func noVLAN(v *state.PortVLAN) bool {
	return v == nil || v.Mode == "" && v.Tag == nil && len(v.TrunkTags) == 0 && !value(v.EnableNative)
}

// portVLANs plans the VLAN table of a port. In a target no configuration is
// none: one that is kept stands there as well.
func (b *builder) portVLANs(l, m *link, was, want *state.BridgePort) {
	var before *state.PortVLAN
	first, after := pvid(l.want), pvid(l.want)
	if was != nil {
		before, first = was.VLAN, pvid(l.was)
	}
	if noVLAN(before) && noVLAN(want.VLAN) {
		return
	}
	table := vlanTable(before, first)
	const standard = tagged | untagged | isPVID
	if first != after && first != 0 && table[first] == standard && table[after] == 0 {
		table[first] = 0 // the kernel gives such ports the new default VLAN
		if after != 0 {
			table[after] = standard
		}
	}
	added, removed := tableChange(table, vlanTable(want.VLAN, after))
	if len(added)+len(removed) == 0 {
		return
	}
	m.at.vlans = b.add(Step{
		Verb: ChangeVLANs, Object: m.name, Type: m.want.Type, Controller: l.name, VLANsAdded: added, VLANsRemoved: removed,
		Changes: vlanChanges(added, removed), Impact: ImpactHot, Why: "VLANs of the port in " + l.name,
	}, nil)
}

// tableSize is the number of VLAN numbers, 0 and 4095 included.
const tableSize = 4096

// The flags of one VLAN in a table.
const (
	tagged = 1 << iota
	untagged
	isPVID
)

// vlanTable is the filter table of a port: flags by VLAN number. A port
// without configuration has what the bridge gives every port.
func vlanTable(v *state.PortVLAN, defaultVLAN uint16) *[tableSize]uint8 {
	var table [tableSize]uint8
	if noVLAN(v) {
		if defaultVLAN != 0 {
			table[defaultVLAN] = tagged | untagged | isPVID
		}
		return &table
	}
	for _, t := range v.TrunkTags {
		if t.ID != nil {
			table[*t.ID%tableSize] |= tagged
		}
		if t.Range != nil {
			for id := int(t.Range.Min); id <= int(t.Range.Max) && id < tableSize; id++ {
				table[id] |= tagged
			}
		}
	}
	if v.Tag != nil && *v.Tag != 0 && (v.Mode != state.Trunk || value(v.EnableNative)) {
		table[*v.Tag%tableSize] = tagged | untagged | isPVID
	}
	return &table
}

// tableChange is what leads from one table to the other, in ranges. An entry
// with other flags is only added: the kernel replaces its flags.
func tableChange(was, want *[tableSize]uint8) (added, removed []VLANEntry) {
	for id := range tableSize {
		if want[id] != 0 && want[id] != was[id] {
			added = grow(added, id, want[id])
		}
		if want[id] == 0 && was[id] != 0 {
			removed = grow(removed, id, tagged)
		}
	}
	return added, removed
}

// grow appends a VLAN to the last range if it continues it.
func grow(list []VLANEntry, id int, flags uint8) []VLANEntry {
	e := VLANEntry{First: uint16(id), Last: uint16(id), PVID: flags&isPVID != 0, Untagged: flags&untagged != 0}
	if n := len(list) - 1; n >= 0 && int(list[n].Last) == id-1 && !e.PVID && !list[n].PVID && list[n].Untagged == e.Untagged {
		list[n].Last = e.Last
		return list
	}
	return append(list, e)
}

// vlanChanges are table entries for people.
func vlanChanges(added, removed []VLANEntry) []Change {
	var changes []Change
	if s := entriesText(removed); s != "" {
		changes = append(changes, Change{Key: "vlans", From: s})
	}
	if s := entriesText(added); s != "" {
		changes = append(changes, Change{Key: "vlans", To: s})
	}
	return changes
}

// entriesText is "10-20,30 (untagged)".
func entriesText(list []VLANEntry) string {
	parts := make([]string, 0, len(list))
	for _, e := range list {
		s := strconv.Itoa(int(e.First))
		if e.Last != e.First {
			s = fmt.Sprintf("%d-%d", e.First, e.Last)
		}
		if e.Untagged {
			s += " untagged"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}
