package state

import "strings"

// mergeLinks lays every interface of the document over the current one.
func (m *merger) mergeLinks() {
	scratch := new(Interface)
	for _, l := range m.links {
		switch {
		case l.des == nil || l.ignored || l.des.State == Absent:
		case l.fresh():
			l.out = m.create(l.des)
		default:
			*scratch = *l.cur
			changed := mergeRawSections(scratch, l.des)
			for _, part := range parts {
				part(scratch, l.des)
			}
			if changed || !sameParts(scratch, l.cur) {
				scratch.Origin = l.des.Origin
				l.out, scratch = scratch, new(Interface)
			}
		}
	}
}

// parts merge what an interface is made of. out begins as a copy of the
// current interface; a part that changes nothing leaves its pointers alone.
// Ports, which two interfaces can speak of, are not among them.
var parts = []func(out, des *Interface){
	mergeDown,
	mergeState,
	mergeMAC,
	func(out, des *Interface) { out.MTU = overlayScalar(out.MTU, des.MTU) },
	func(out, des *Interface) { out.Promiscuous = overlaySwitch(out.Promiscuous, des.Promiscuous) },
	mergeAltNames,
	mergeNotes,
	func(out, des *Interface) { out.IPv4 = mergeIPv4(out.IPv4, des.IPv4) },
	func(out, des *Interface) { out.IPv6 = mergeIPv6(out.IPv6, des.IPv6) },
	mergeEthernet,
	func(out, des *Interface) { out.Veth = overlay(out.Veth, des.Veth) },
	func(out, des *Interface) { out.Bond = mergeBond(out.Bond, des.Bond) },
	func(out, des *Interface) { out.VLAN = mergeVLAN(out.VLAN, des.VLAN) },
	func(out, des *Interface) { out.Bridge = mergeBridge(out.Bridge, des.Bridge) },
}

// sameParts tells whether what parts merge is the same in two interfaces: the
// same values, and the very sections and lists.
func sameParts(a, b *Interface) bool {
	return sameSections(a, b) && a.State == b.State && a.MAC == b.MAC && a.MTU == b.MTU && a.Promiscuous == b.Promiscuous &&
		a.Description == b.Description && a.ProfileName == b.ProfileName && a.WaitIP == b.WaitIP &&
		len(a.AltNames) == len(b.AltNames) && (len(a.AltNames) == 0 || &a.AltNames[0] == &b.AltNames[0])
}

func sameSections(a, b *Interface) bool {
	return a.IPv4 == b.IPv4 && a.IPv6 == b.IPv6 && a.Ethernet == b.Ethernet && a.Veth == b.Veth &&
		a.Bond == b.Bond && a.VLAN == b.VLAN && a.Bridge == b.Bridge
}

// overlayScalar returns cur unless des mentions another value.
func overlayScalar[T comparable](cur, des *T) *T {
	if des == nil || cur != nil && *cur == *des {
		return cur
	}
	return des
}

// overlaySwitch is overlayScalar for a switch that is off where it is not
// shown.
func overlaySwitch(cur, des *bool) *bool {
	if des == nil || value(cur, false) == *des {
		return cur
	}
	return des
}

// mergeState makes an interface that is named without a state up.
func mergeState(out, des *Interface) {
	if des.State != Unknown && (des.State != Up || out.State != "") {
		out.State = des.State
	}
}

func mergeMAC(out, des *Interface) {
	if des.MAC != "" && !strings.EqualFold(string(des.MAC), string(out.MAC)) {
		out.MAC = des.MAC
	}
}

// mergeDown drops the IPv6 addresses from an interface that goes down: the
// kernel forgets them, and up brings none back. Those that the document lists
// are laid over later. It runs before the state is merged.
func mergeDown(out, des *Interface) {
	if des.State != Down || out.State == Down || out.IPv6 == nil || len(out.IPv6.Address) == 0 {
		return
	}
	ip := *out.IPv6
	ip.Address = []Address{}
	out.IPv6 = &ip
}

// mergeEthernet merges the settings of a NIC as far as the host shows them:
// those that it does not are not known, and so no change.
func mergeEthernet(out, des *Interface) {
	if out.Ethernet == nil || des.Ethernet == nil {
		return
	}
	cur, wish := out.Ethernet, *des.Ethernet
	if cur.AutoNegotiation == nil {
		wish.AutoNegotiation = nil
	}
	if cur.Speed == nil {
		wish.Speed = nil
	}
	if cur.Duplex == "" {
		wish.Duplex = ""
	}
	if cur.SRIOV == nil {
		wish.SRIOV = nil
	}
	out.Ethernet = overlay(cur, &wish)
}

// create returns a new interface of a document with what is given to new
// ones: both stacks off where they are not mentioned, and the kind's defaults.
func (m *merger) create(des *Interface) *Interface {
	out := *des
	out.Facts = nil
	out.Identifier, out.CopyMACFrom, out.PCIAddress = "", "", ""
	if out.State == Unknown {
		out.State = Up
	}
	out.AltNames = nil
	mergeAltNames(&out, des)
	normalNotes(&out)
	out.IPv4 = mergeIPv4(&IPv4{IP: IP{Enabled: new(false)}}, des.IPv4)
	out.IPv6 = createIPv6(des.IPv6)
	for _, f := range defaults[des.Type] {
		f(&out)
	}
	return &out
}

// defaults are what new interfaces of a kind get beside what the document
// says. MAC and MTU follow when the whole stack is known.
var defaults = map[Type][]func(*Interface){
	TypeBond:   {createBond},
	TypeVLAN:   {createVLAN},
	TypeBridge: {createBridge},
}
