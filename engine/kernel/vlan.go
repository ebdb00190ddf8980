package kernel

import (
	"encoding/binary"
	"errors"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

func vlanBase(i *state.Interface) string {
	if i.VLAN == nil {
		return ""
	}
	return i.VLAN.BaseIface
}

// createVLAN appends number, protocol, flags and priority maps.
func createVLAN(e *encoder, i *state.Interface, _ *linkTable) error {
	v := i.VLAN
	if v == nil || v.ID == nil {
		return errors.New("a new VLAN needs an id")
	}
	e.u16(unix.IFLA_VLAN_ID, *v.ID)
	e.be16(unix.IFLA_VLAN_PROTOCOL, etherType(v.Protocol))
	if flags, mask := vlanFlags(v); mask != 0 {
		putVLANFlags(e, flags, mask)
	}
	putQoS(e, unix.IFLA_VLAN_INGRESS_QOS, v.IngressQoSMap)
	putQoS(e, unix.IFLA_VLAN_EGRESS_QOS, v.EgressQoSMap)
	return nil
}

// vlanFlags gives the flags, and which of them were mentioned.
func vlanFlags(v *state.VLAN) (flags, mask uint32) {
	set := func(flag uint32, on bool) {
		mask |= flag
		flags |= flag * bit[uint32](on)
	}
	if v.ReorderHeaders != nil {
		set(vlanReorderHeader, *v.ReorderHeaders)
	}
	if v.LooseBinding != nil {
		set(vlanLooseBinding, *v.LooseBinding)
	}
	if v.RegistrationProtocol != "" {
		set(vlanGVRP, v.RegistrationProtocol == "gvrp")
		set(vlanMVRP, v.RegistrationProtocol == "mvrp")
	}
	return flags, mask
}

// putVLANFlags appends struct ifla_vlan_flags.
func putVLANFlags(e *encoder, flags, mask uint32) {
	b := binary.NativeEndian.AppendUint32(nil, flags)
	e.attr(unix.IFLA_VLAN_FLAGS, binary.NativeEndian.AppendUint32(b, mask))
}

// putQoS appends a priority map: struct ifla_vlan_qos_mapping each.
func putQoS(e *encoder, typ uint16, list []state.QoSMap) {
	if len(list) == 0 {
		return
	}
	e.nest(typ, func(e *encoder) {
		for _, m := range list {
			b := binary.NativeEndian.AppendUint32(nil, m.From)
			e.attr(unix.IFLA_VLAN_QOS_MAPPING, binary.NativeEndian.AppendUint32(b, m.To))
		}
	})
}

// changedQoS is what sets a map: the entries wanted, and those that are to go
// mapped to 0, which is what the kernel does with what is not mapped.
func changedQoS(was, want []state.QoSMap) []state.QoSMap {
	kept := make(map[uint32]bool, len(want))
	for _, m := range want {
		kept[m.From] = true
	}
	var list []state.QoSMap
	for _, m := range was {
		if !kept[m.From] {
			list = append(list, state.QoSMap{From: m.From})
		}
	}
	return append(list, want...)
}

// changeVLAN sets flags and maps in one message.
func changeVLAN(s *plan.Step, l *link, keys []string, _ *linkTable) ([]task, error) {
	v := s.Link.VLAN
	if v == nil {
		return nil, unknownKey(s, keys[0])
	}
	was := &state.VLAN{}
	if s.Was != nil && s.Was.VLAN != nil {
		was = s.Was.VLAN
	}
	var values encoder
	var mask uint32
	var words []string
	for _, key := range keys {
		name := strings.TrimPrefix(key, "vlan.")
		switch name {
		case "reorder-headers":
			mask |= vlanReorderHeader
		case "loose-binding":
			mask |= vlanLooseBinding
		case "registration-protocol":
			mask |= vlanGVRP | vlanMVRP
		case "ingress-qos-map":
			putQoS(&values, unix.IFLA_VLAN_INGRESS_QOS, changedQoS(was.IngressQoSMap, v.IngressQoSMap))
		case "egress-qos-map":
			putQoS(&values, unix.IFLA_VLAN_EGRESS_QOS, changedQoS(was.EgressQoSMap, v.EgressQoSMap))
		default:
			return nil, unknownKey(s, key)
		}
		words = append(words, name+valueText(s, name))
	}
	if mask != 0 {
		flags, _ := vlanFlags(v)
		putVLANFlags(&values, flags&mask, mask)
	}
	return []task{send("set "+strings.Join(words, ", "), setInfo(l.index, kindVLAN, func(e *encoder) {
		e.b = append(e.b, values.b...)
	}))}, nil
}
