package kernel

import (
	"golang.org/x/sys/unix"

	"holdfast/state"
)

// The kinds of this file are shown and kept, not carried out: their sections
// are raw. Numbers are int64, as a document's are.

// rawSection begins a section with the link below, if it is in this namespace.
func rawSection(v *view, l *rawLink) state.Raw {
	s := state.Raw{}
	if base, _ := v.below(l); base != "" {
		s["base-iface"] = base
	}
	return s
}

// showVXLAN decodes IFLA_VXLAN_*.
func showVXLAN(v *view, l *rawLink, i *state.Interface) {
	s := rawSection(v, l)
	a := scan(l.Info)
	for a.next() {
		switch a.typ {
		case unix.IFLA_VXLAN_ID:
			s["id"] = int64(a.u32())
		case unix.IFLA_VXLAN_LINK:
			if name := v.name(a.index()); name != "" && l.BelowNetNS == nil {
				s["base-iface"] = name
			}
		case unix.IFLA_VXLAN_GROUP, unix.IFLA_VXLAN_GROUP6:
			s["remote"] = a.addr().String()
		case unix.IFLA_VXLAN_LOCAL, unix.IFLA_VXLAN_LOCAL6:
			s["local"] = a.addr().String()
		case unix.IFLA_VXLAN_PORT:
			s["destination-port"] = int64(a.be16())
		case unix.IFLA_VXLAN_LEARNING:
			s["learning"] = a.flag()
		}
	}
	i.VXLAN = s
}

// showVRF decodes IFLA_VRF_* and lists the ports.
func showVRF(v *view, l *rawLink, i *state.Interface) {
	ports := []any{}
	for _, p := range v.ports[l.Index] {
		ports = append(ports, p.Name)
	}
	s := state.Raw{"port": ports}
	a := scan(l.Info)
	for a.next() {
		if a.typ == unix.IFLA_VRF_TABLE {
			s["route-table-id"] = int64(a.u32())
		}
	}
	i.VRF = s
}

func showMACVLAN(v *view, l *rawLink, i *state.Interface) { i.MACVLAN = macvlan(v, l) }

func showMACVTAP(v *view, l *rawLink, i *state.Interface) { i.MACVTAP = macvlan(v, l) }

// macvlanNoPromisc is MACVLAN_FLAG_NOPROMISC (include/uapi/linux/if_link.h).
const macvlanNoPromisc = 1

// macvlan decodes IFLA_MACVLAN_*.
func macvlan(v *view, l *rawLink) state.Raw {
	s := rawSection(v, l)
	a := scan(l.Info)
	for a.next() {
		switch a.typ {
		case unix.IFLA_MACVLAN_MODE:
			s["mode"] = macvlanMode(a.u32())
		case unix.IFLA_MACVLAN_FLAGS:
			s["promiscuous"] = a.u16()&macvlanNoPromisc == 0
		}
	}
	return s
}

// macvlanMode gives the schema's word for enum macvlan_mode, which is a bit set.
func macvlanMode(mode uint32) string {
	switch mode {
	case 1:
		return "private"
	case 2:
		return "vepa"
	case 4:
		return "bridge"
	case 8:
		return "passthru"
	case 16:
		return "source"
	}
	return "unknown"
}

// showIPVLAN decodes IFLA_IPVLAN_*.
func showIPVLAN(v *view, l *rawLink, i *state.Interface) {
	const private, vepa = 1, 2 // IPVLAN_F_*
	s := rawSection(v, l)
	a := scan(l.Info)
	for a.next() {
		switch a.typ {
		case unix.IFLA_IPVLAN_MODE:
			s["mode"] = word[string]([]string{"l2", "l3", "l3s"}, int(a.u16()))
		case unix.IFLA_IPVLAN_FLAGS:
			flags := a.u16()
			s["private"], s["vepa"] = flags&private != 0, flags&vepa != 0
		}
	}
	i.IPVLAN = s
}

// showMACsec decodes the part of IFLA_MACSEC_* that the schema has; the keys
// are not the kernel's to tell.
func showMACsec(v *view, l *rawLink, i *state.Interface) {
	s := rawSection(v, l)
	a := scan(l.Info)
	for a.next() {
		switch a.typ {
		case unix.IFLA_MACSEC_ENCRYPT:
			s["encrypt"] = a.flag()
		case unix.IFLA_MACSEC_INC_SCI:
			s["send-sci"] = a.flag()
		case unix.IFLA_MACSEC_VALIDATION:
			s["validation"] = word[string]([]string{"disabled", "check", "strict"}, int(a.u8()))
		case unix.IFLA_MACSEC_OFFLOAD:
			s["offload"] = word[string]([]string{"off", "phy", "mac"}, int(a.u8()))
		case unix.IFLA_MACSEC_SCI: // the MAC and a port number
			if a.need(8) {
				s["port"] = int64(a.val[6])<<8 | int64(a.val[7])
			}
		}
	}
	i.MACsec = s
}

// showHSR decodes IFLA_HSR_*.
func showHSR(v *view, l *rawLink, i *state.Interface) {
	s := state.Raw{}
	a := scan(l.Info)
	for a.next() {
		switch a.typ {
		case unix.IFLA_HSR_SLAVE1:
			s["port1"] = v.name(a.index())
		case unix.IFLA_HSR_SLAVE2:
			s["port2"] = v.name(a.index())
		case unix.IFLA_HSR_MULTICAST_SPEC:
			s["multicast-spec"] = int64(a.u8())
		case unix.IFLA_HSR_SUPERVISION_ADDR:
			s["supervision-address"] = a.mac()
		case unix.IFLA_HSR_PROTOCOL:
			s["protocol"] = word[string]([]string{"hsr", "prp"}, int(a.u8()))
		}
	}
	i.HSR = s
}
