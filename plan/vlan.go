package plan

import (
	"reflect"

	"holdfast/state"
)

// vlanKind is a VLAN: flags and priority maps change in place, what makes its
// identity does not (net/8021q/vlan_netlink.c, vlan_changelink).
var vlanKind = kind{
	fields:  fieldsOf(reflect.TypeFor[state.VLAN](), "vlan"),
	section: func(i *state.Interface) any { return i.VLAN },
	classes: map[string]class{
		"vlan.id":         anew,
		"vlan.protocol":   anew,
		"vlan.base-iface": anew,
	},
	makes: true,
}

// vlanKey is what no two links of a host can share.
type vlanKey struct {
	base     string
	id       uint16
	protocol state.VLANProtocol
}

// vlanKeyOf is the identity of a VLAN; false for other links.
func vlanKeyOf(i *state.Interface) (vlanKey, bool) {
	if i == nil || i.Type != state.TypeVLAN || i.VLAN == nil {
		return vlanKey{}, false
	}
	k := vlanKey{base: i.VLAN.BaseIface, id: value(i.VLAN.ID), protocol: i.VLAN.Protocol}
	if k.protocol == "" {
		k.protocol = state.Dot1Q
	}
	return k, true
}

// vlanConflicts lets new VLANs wait for the removal of those that have their
// place: the same number on the same base under another name.
func (b *builder) vlanConflicts() {
	removed := map[vlanKey]int{}
	for _, l := range b.touched {
		if k, ok := vlanKeyOf(l.was); ok && l.at.remove >= 0 {
			removed[k] = l.at.remove
		}
	}
	if len(removed) == 0 {
		return
	}
	for _, l := range b.touched {
		if l.at.create < 0 {
			continue
		}
		if k, ok := vlanKeyOf(l.want); ok {
			if i, ok := removed[k]; ok {
				b.need(l.at.create, i)
			}
		}
	}
}

// baseOf names the link that i sits on, whatever its type; empty for none or
// for one in another namespace.
func baseOf(i *state.Interface) string {
	if i == nil || (i.Facts != nil && i.Facts.BaseElsewhere) {
		return ""
	}
	if i.VLAN != nil {
		return i.VLAN.BaseIface
	}
	for _, raw := range [...]state.Raw{i.MACVLAN, i.MACVTAP, i.IPVLAN, i.VXLAN, i.MACsec} {
		if name, ok := raw["base-iface"].(string); ok {
			return name
		}
	}
	return ""
}

// follows tells whether the link goes down and up with its base: VLANs do
// unless loosely bound (net/8021q/vlan.c, vlan_device_event).
func follows(i *state.Interface) bool {
	return i != nil && i.Type == state.TypeVLAN && (i.VLAN == nil || !value(i.VLAN.LooseBinding))
}
