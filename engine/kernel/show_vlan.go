package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// Flags of a VLAN (enum vlan_flags, include/uapi/linux/if_vlan.h).
const (
	vlanReorderHeader = 1 << 0
	vlanGVRP          = 1 << 1
	vlanLooseBinding  = 1 << 2
	vlanMVRP          = 1 << 3
	vlanBridgeBinding = 1 << 4
)

// showVLAN decodes IFLA_VLAN_*.
func showVLAN(v *view, l *rawLink, i *state.Interface) {
	s := &state.VLAN{Protocol: state.Dot1Q, RegistrationProtocol: "none"}
	s.BaseIface, _ = v.below(l)
	a := scan(l.Info)
	for a.next() {
		switch a.typ {
		case unix.IFLA_VLAN_ID:
			s.ID = new(a.u16())
		case unix.IFLA_VLAN_PROTOCOL:
			s.Protocol = vlanProtocol(a.be16())
		case unix.IFLA_VLAN_FLAGS: // struct ifla_vlan_flags: flags, mask
			setVLANFlags(s, a.u32())
		case unix.IFLA_VLAN_INGRESS_QOS:
			s.IngressQoSMap = qosMap(a.val)
		case unix.IFLA_VLAN_EGRESS_QOS:
			s.EgressQoSMap = qosMap(a.val)
		}
	}
	i.VLAN = s
}

func setVLANFlags(s *state.VLAN, flags uint32) {
	s.ReorderHeaders = new(flags&vlanReorderHeader != 0)
	s.LooseBinding = new(flags&vlanLooseBinding != 0)
	switch {
	case flags&vlanGVRP != 0:
		s.RegistrationProtocol = "gvrp"
	case flags&vlanMVRP != 0:
		s.RegistrationProtocol = "mvrp"
	}
}

// vlanProtocol gives the schema's word for an EtherType.
func vlanProtocol(etherType uint16) state.VLANProtocol {
	if etherType == unix.ETH_P_8021AD {
		return state.Dot1AD
	}
	return state.Dot1Q
}

// qosMap decodes a list of struct ifla_vlan_qos_mapping; nil for none.
func qosMap(b []byte) []state.QoSMap {
	var out []state.QoSMap
	a := scan(b)
	for a.next() {
		if a.typ == unix.IFLA_VLAN_QOS_MAPPING && a.need(8) {
			out = append(out, state.QoSMap{
				From: binary.NativeEndian.Uint32(a.val), To: binary.NativeEndian.Uint32(a.val[4:]),
			})
		}
	}
	return out
}
