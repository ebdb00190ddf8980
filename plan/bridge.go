package plan

import (
	"maps"
	"reflect"
	"slices"

	"holdfast/state"
)

const (
	bridgeOptions = "bridge.options."
	defaultPVID   = bridgeOptions + "vlan-default-pvid"
)

// bridgeKind is a Linux bridge: everything changes in place.
var bridgeKind = kind{
	fields:  fieldsOf(reflect.TypeFor[state.Bridge](), "bridge", "port"),
	section: func(i *state.Interface) any { return i.Bridge },
	arrange: arrangeBridge,
	makes:   true,
}

// arrangeBridge drops the second name of one value, and the default VLAN where
// nothing is filtered.
func arrangeBridge(_, want *state.Interface, changes []Change) []Change {
	if !VLANFiltering(want.Bridge) {
		changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Key == defaultPVID })
	}
	has := func(key string) bool {
		return slices.ContainsFunc(changes, func(c Change) bool { return c.Key == bridgeOptions+key })
	}
	if has("group-forward-mask") && has("group-fwd-mask") {
		changes = slices.DeleteFunc(changes, func(c Change) bool { return c.Key == bridgeOptions+"group-fwd-mask" })
	}
	return changes
}

// VLANFiltering tells whether the bridge filters VLANs: as soon as one port
// has a VLAN configuration that is not empty.
func VLANFiltering(b *state.Bridge) bool {
	if b == nil {
		return false
	}
	return slices.ContainsFunc(b.Port, func(p state.BridgePort) bool { return !noVLAN(p.VLAN) })
}

// filtersNow tells whether a bridge that is shown filters VLANs. Engines show
// the default VLAN of those only; the table that it makes is shown as none, so
// that an access port of just that VLAN does not tell.
func filtersNow(b *state.Bridge) bool {
	return VLANFiltering(b) || b != nil && b.Options != nil && b.Options.VLANDefaultPVID != nil
}

// besideDefault tells whether a port has another table than the one that the
// default VLAN makes.
func besideDefault(i *state.Interface) bool {
	standard := vlanTable(nil, pvid(i))
	return slices.ContainsFunc(i.Bridge.Port, func(p state.BridgePort) bool {
		return !noVLAN(p.VLAN) && *vlanTable(p.VLAN, pvid(i)) != *standard
	})
}

// pvid is the bridge's VLAN of untagged frames, 1 if not mentioned
// (net/bridge/br_vlan.c, br_vlan_init); 0 is none.
func pvid(i *state.Interface) uint16 {
	if i == nil || i.Bridge == nil || i.Bridge.Options == nil || i.Bridge.Options.VLANDefaultPVID == nil {
		return 1
	}
	return *i.Bridge.Options.VLANDefaultPVID
}

// filter plans VLAN filtering of a bridge. Tables are filled before filtering
// is turned on and cleaned after it was turned off, so that no frame is lost
// in between; the default PVID changes only while filtering is off
// (net/bridge/br_vlan.c, br_vlan_set_default_pvid).
func (b *builder) filter(l *link) {
	if l.want == nil || l.want.Bridge == nil || l.fresh {
		return
	}
	asked, was, want := VLANFiltering(l.was.Bridge), filtersNow(l.was.Bridge), VLANFiltering(l.want.Bridge)
	moved := was && want && l.change >= 0 && slices.ContainsFunc(l.changes, func(c Change) bool { return c.Key == defaultPVID })
	if asked && !want || moved {
		l.at.filterOff = b.add(Step{
			Verb: ChangeLink, Object: l.name, Keys: []string{KeyFilterOff}, Impact: ImpactHot,
			Changes: []Change{{Key: "vlan filtering", From: "on", To: "off"}}, Why: because(moved, "the default VLAN changes only without filtering", "no port asks for VLANs"),
		}, l)
	}
	if want && (!was || moved) {
		l.at.filterOn = b.add(Step{
			Verb: ChangeLink, Object: l.name, Keys: []string{KeyFilterOn}, Impact: ImpactHot,
			Changes: []Change{{Key: "vlan filtering", From: "off", To: "on"}}, Why: because(moved, "filtering as before", "a port asks for VLANs"),
		}, l)
	}
	if moved {
		b.need(l.change, l.at.filterOff)
		b.need(l.at.filterOn, l.change)
	}
}

// ownVLANs plans the bridge's own table: a VLAN that sits on a filtering
// bridge gets no frames unless the bridge itself is in it. The default VLAN is
// the kernel's business: it comes and goes with the option.
func (b *builder) ownVLANs(l *link) {
	if l.want == nil || l.want.Bridge == nil {
		return
	}
	filtered, filters := l.filtered(), VLANFiltering(l.want.Bridge)
	had := map[uint16]bool{}
	wants := map[uint16]bool{}
	for _, u := range l.uppers {
		if k, ok := vlanKeyOf(u.was); ok && k.base == l.name && filtered && k.id != pvid(l.was) {
			had[k.id] = true
		}
		if k, ok := vlanKeyOf(u.want); ok && k.base == l.name && filters {
			wants[k.id] = true
		}
	}
	standard := pvid(l.want)
	added, removed := beyond(wants, had, standard), beyond(had, wants, standard)
	if len(added)+len(removed) == 0 {
		return
	}
	l.at.ownVLANs = b.add(Step{
		Verb: ChangeVLANs, Object: l.name, Controller: l.name, VLANsAdded: added, VLANsRemoved: removed, Impact: ImpactHot,
		Changes: vlanChanges(added, removed), Why: "VLANs sit on the bridge",
	}, l)
}

// filtered tells whether the bridge's own table is as its ports' filters ask
// for: also when they ask for nothing but the default VLAN.
func (l *link) filtered() bool {
	if l.fresh {
		return false
	}
	asks := VLANFiltering(l.want.Bridge) && !besideDefault(l.want)
	return VLANFiltering(l.was.Bridge) || asks && filtersNow(l.was.Bridge)
}

// beyond lists the VLANs that are in a and not in b, in order; the bridge's
// standard one is always in its table.
func beyond(a, b map[uint16]bool, standard uint16) []VLANEntry {
	var list []VLANEntry
	for _, id := range slices.Sorted(maps.Keys(a)) {
		if !b[id] && id != standard {
			list = append(list, VLANEntry{First: id, Last: id})
		}
	}
	return list
}

// because chooses between two reasons.
func because(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// bereft tells whether the bridge has no port at some moment, and with that no
// address: it is zero after the last port left, unless somebody set it
// (br_stp_recalculate_bridge_id, net/bridge/br_stp_if.c). The kernel adds no
// VLAN to such a bridge itself (fdb_add_local, net/bridge/br_fdb.c: EINVAL).
func (l *link) bereft() bool {
	if l.kind != &bridgeKind || l.fresh {
		return false
	}
	return !slices.ContainsFunc(l.wasMembers, func(m *link) bool { return !m.parts && !m.leaves() })
}

// latePVID tells whether the bridge gets its default VLAN after its ports.
func (l *link) latePVID() bool {
	return l.change >= 0 && l.bereft() && slices.ContainsFunc(l.changes, func(c Change) bool { return c.Key == defaultPVID })
}
