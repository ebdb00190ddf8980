package kernel

import (
	"strconv"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// How IPv6 addresses get their interface identifier (IN6_ADDR_GEN_MODE_*,
// include/uapi/linux/if_link.h).
const (
	addrGenEUI64         = 0
	addrGenNone          = 1
	addrGenStablePrivacy = 2
	addrGenRandom        = 3
)

// ipv4 writes the IPv4 stack: it is enabled when the link has an address.
func (v *view) ipv4(l *rawLink) *state.IPv4 {
	s := &state.IPv4{IP: state.IP{Address: []state.Address{}}}
	dynamic := false
	metric, ours, same := uint32(0), false, true
	for _, a := range v.addresses[l.Index] {
		if a.Family != unix.AF_INET {
			continue
		}
		if !foreignAddress(l, a) {
			same = same && (!ours || a.Metric == metric)
			metric, ours = a.Metric, true
		}
		dynamic = dynamic || !a.permanent()
		s.Address = append(s.Address, address(l, a))
	}
	s.Enabled, s.DHCP = new(len(s.Address) > 0), &dynamic
	if metric != 0 && same {
		s.PrefixRouteMetric = &metric
	}
	if l.INet4.Present && l.Flags&unix.IFF_LOOPBACK == 0 {
		s.Forwarding = new(l.INet4.Forwarding != 0)
	}
	return s
}

// ipv6 writes the IPv6 stack: it is enabled when the link has one and
// disable_ipv6 is off. Nothing is known of a link without.
func (v *view) ipv6(l *rawLink) *state.IPv6 {
	s := &state.IPv6{IP: state.IP{Address: []state.Address{}}}
	enabled := l.INet6.Present && !l.INet6.Disabled
	dhcp, autoconf := false, false
	for _, a := range v.addresses[l.Index] {
		if a.Family != unix.AF_INET6 {
			continue
		}
		switch {
		case a.permanent():
		case a.automatic():
			autoconf = true
		default:
			dhcp = true
		}
		s.Address = append(s.Address, address(l, a))
	}
	s.Enabled, s.DHCP, s.Autoconf = &enabled, &dhcp, &autoconf
	if l.INet6.Token.IsValid() {
		s.Token = new(l.INet6.Token.String())
	}
	if enabled && l.Flags&unix.IFF_LOOPBACK == 0 {
		s.AddrGenMode = addrGenMode(l.INet6.AddrGenMode)
	}
	return s
}

// addrGenMode gives the schema's word; the schema has none for "none".
func addrGenMode(mode int32) *string {
	switch mode {
	case addrGenEUI64:
		return new("eui64")
	case addrGenStablePrivacy, addrGenRandom:
		return new("stable-privacy")
	}
	return nil
}

// address writes one address.
func address(l *rawLink, a *rawAddress) state.Address {
	out := state.Address{
		IP: a.Prefix.Addr(), PrefixLength: uint8(a.Prefix.Bits()),
		Facts: &state.AddressFacts{
			Foreign:       foreignAddress(l, a),
			Tentative:     a.Flags&unix.IFA_F_TENTATIVE != 0,
			Failed:        a.Flags&unix.IFA_F_DADFAILED != 0,
			NoPrefixRoute: a.Flags&unix.IFA_F_NOPREFIXROUTE != 0,
			Metric:        a.Metric,
			NoDAD:         a.Family == unix.AF_INET6 && a.Flags&unix.IFA_F_NODAD != 0,
		},
	}
	if !a.permanent() {
		out.ValidLifeTime = lifeTime(a.Valid)
		out.PreferredLifeTime = lifeTime(a.Preferred)
	}
	return out
}

// lifeTime is nmstate's form of a time in seconds.
func lifeTime(s uint32) string {
	if s == foreverLife {
		return "forever"
	}
	return strconv.FormatUint(uint64(s), 10) + "sec"
}

// foreignAddress tells addresses that nobody configured: of finite life, or
// the kernel's own. Before Linux 5.18 the kernel does not say so of a
// link-local address: then each with the usual length counts as its own on a
// link that makes them. Its MAC is no proof: an address outlives it.
func foreignAddress(l *rawLink, a *rawAddress) bool {
	switch {
	case !a.permanent():
		return true
	case a.Protocol == addrProtoLo, a.Protocol == addrProtoRA, a.Protocol == addrProtoLinkLL:
		return true
	case l.Flags&unix.IFF_LOOPBACK != 0:
		return a.Prefix.Addr().IsLoopback()
	case a.Family == unix.AF_INET6 && a.Prefix.Addr().IsLinkLocalUnicast() && a.Protocol == 0:
		return a.Prefix.Bits() == 64 && l.INet6.AddrGenMode != addrGenNone
	}
	return false
}
