package kernel

import (
	"golang.org/x/sys/unix"

	"holdfast/state"
)

// A kind is what showing a kind of link takes.
type kind struct {
	name state.Type
	// show fills the section of the kind; nil for one without.
	show func(v *view, l *rawLink, i *state.Interface)
}

// kinds maps the kernel's names to the schema's. A kind that is not here keeps
// its own name as type, as nmstate does, and has no section.
var kinds = map[string]kind{
	kindBond:    {state.TypeBond, showBond},
	kindBridge:  {state.TypeBridge, showBridge},
	kindVLAN:    {state.TypeVLAN, showVLAN},
	kindVeth:    {state.TypeVeth, showVeth},
	kindDummy:   {state.TypeDummy, nil},
	kindVXLAN:   {state.TypeVXLAN, showVXLAN},
	kindVRF:     {state.TypeVRF, showVRF},
	kindMACVLAN: {state.TypeMACVLAN, showMACVLAN},
	kindMACVTAP: {state.TypeMACVTAP, showMACVTAP},
	kindIPVLAN:  {state.TypeIPVLAN, showIPVLAN},
	kindMACsec:  {state.TypeMACsec, showMACsec},
	kindHSR:     {state.TypeHSR, showHSR},
	kindTun:     {state.TypeTun, nil},
	"xfrm":      {state.TypeXFRM, nil},
	"ipoib":     {state.TypeInfiniBand, nil},
	"ipip":      {state.TypeIPTunnel, nil},
	"sit":       {state.TypeIPTunnel, nil},
	"ip6tnl":    {state.TypeIPTunnel, nil},
}

// typeOf gives the schema's type of a link.
func typeOf(l *rawLink) state.Type {
	if k, ok := kinds[l.Kind]; ok {
		return k.name
	}
	switch {
	case l.Kind != "":
		return state.Type(l.Kind)
	case l.Flags&unix.IFF_LOOPBACK != 0:
		return state.TypeLoopback
	case l.Hardware == unix.ARPHRD_ETHER:
		return state.TypeEthernet
	case l.Hardware == unix.ARPHRD_INFINIBAND:
		return state.TypeInfiniBand
	}
	return state.TypeUnknown
}

// showVeth names the peer, if it is in this namespace.
func showVeth(v *view, l *rawLink, i *state.Interface) {
	if peer, _ := v.below(l); peer != "" {
		i.Veth = &state.Veth{Peer: peer}
	}
}

// word gives the n-th word of a list in the kernel's order, empty for a number
// that is newer than this program.
func word[T ~string](list []string, n int) T {
	if n < 0 || n >= len(list) {
		return ""
	}
	return T(list[n])
}
