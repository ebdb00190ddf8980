package enginetest

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"holdfast/plan"
	"holdfast/state"
)

// list gives the link's addresses of the family of ip.
func (l *link) list(ip netip.Addr) *[]state.Address {
	if ip.Is4() {
		return &l.set.IPv4.Address
	}
	return &l.set.IPv6.Address
}

func (h *host) addAddress(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	a := *step.Address
	if a.IP.Is6() && !value(l.set.IPv6.Enabled) {
		return fmt.Errorf("IPv6 is disabled on this device: %w", syscall.EACCES)
	}
	list := l.list(a.IP)
	if a.IP.Is4() && step.Link != nil && step.Link.IPv4 != nil && step.Link.IPv4.PrefixRouteMetric != nil {
		l.set.IPv4.PrefixRouteMetric = unlessZero(*step.Link.IPv4.PrefixRouteMetric)
	}
	if renew(*list, a) {
		return syscall.EEXIST // which is done: the lifetimes are new
	}
	facts := state.AddressFacts{}
	if a.Facts != nil {
		facts = *a.Facts
	}
	facts.Tentative, facts.Failed = false, a.IP.Is6() && h.elsewhere[a.IP]
	a.Facts = &facts
	at := len(*list)
	if a.IP.Is6() {
		if first := slices.IndexFunc(*list, func(o state.Address) bool { return scope6(o.IP) <= scope6(a.IP) }); first >= 0 {
			at = first
		}
	}
	*list = slices.Insert(*list, at, a)
	return nil
}

// renew gives an address that is there other lifetimes; false if it is not.
func renew(list []state.Address, a state.Address) bool {
	for n := range list {
		if o := &list[n]; o.IP == a.IP && (a.IP.Is6() || o.PrefixLength == a.PrefixLength) {
			o.ValidLifeTime, o.PreferredLifeTime = a.ValidLifeTime, a.PreferredLifeTime
			return true
		}
	}
	return false
}

// unlessZero is nil for the metric that is not shown.
func unlessZero(metric uint32) *uint32 {
	if metric == 0 {
		return nil
	}
	return &metric
}

// scope6 orders the addresses of a link: wider scopes come first, and in each
// the newest (ipv6_link_dev_addr, net/ipv6/addrconf.c).
func scope6(ip netip.Addr) int {
	if ip.IsLinkLocalUnicast() || ip.IsLoopback() {
		return 0
	}
	return 1
}

// removeAddress takes an address away, and with it what the kernel takes
// along: the secondary addresses of its subnet, routes with it as their source,
// and all routes through the link with the last IPv4 address.
func (h *host) removeAddress(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	a := step.Address
	list := l.list(a.IP)
	at := slices.IndexFunc(*list, func(o state.Address) bool { return o.Prefix() == a.Prefix() })
	if at < 0 {
		return syscall.EADDRNOTAVAIL
	}
	primary := a.IP.Is4() && !slices.ContainsFunc((*list)[:at], func(o state.Address) bool { return o.Prefix().Masked() == a.Prefix().Masked() })
	gone := []netip.Addr{a.IP}
	*list = slices.DeleteFunc(slices.Clone(*list), func(o state.Address) bool {
		if primary && o.Prefix().Masked() == a.Prefix().Masked() {
			gone = append(gone, o.IP)
			return true
		}
		return o.Prefix() == a.Prefix()
	})
	h.forgetSources(gone)
	if a.IP.Is4() && len(*list) == 0 {
		h.dropRoutes(l.name(), func(r *state.Route) bool { return r.Destination.Addr().Is4() })
	}
	return nil
}

// forgetSources removes IPv4 routes that prefer an address that is gone; IPv6
// routes stay without.
func (h *host) forgetSources(gone []netip.Addr) {
	h.routes = slices.DeleteFunc(h.routes, func(r *state.Route) bool {
		if r.Source == nil || !slices.Contains(gone, *r.Source) {
			return false
		}
		if r.Source.Is6() {
			r.Source = nil
			return false
		}
		return true
	})
}

// changeIP sets what a stack does by itself.
func (h *host) changeIP(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	for _, key := range step.Keys {
		set := ipKeys[key]
		if set == nil {
			return fmt.Errorf("internal error: there is no key %q", key)
		}
		set(l, step.Link)
	}
	if !value(l.set.IPv6.Enabled) {
		l.set.IPv6.Address = nil
		h.dropRoutes(l.name(), func(r *state.Route) bool { return r.Destination.Addr().Is6() })
	}
	return nil
}

// ipKeys is what each key of plan.ChangeIP sets.
var ipKeys = map[string]func(l *link, want *state.Interface){
	plan.KeyQuiet: func(l *link, _ *state.Interface) {
		l.set.Facts.NoAddrGen, l.set.Facts.AcceptRA = true, new(int32(0))
	},
	plan.KeyRestore: func(l *link, want *state.Interface) {
		l.set.Facts.NoAddrGen, l.set.Facts.AcceptRA = false, new(acceptRA(want))
	},
	plan.KeyReset: func(l *link, _ *state.Interface) {
		l.set.Facts.NoAddrGen, l.set.Facts.AcceptRA = false, new(int32(1))
		l.set.IPv6.Enabled, l.set.IPv6.AddrGenMode, l.set.IPv6.Token = new(true), new("eui64"), nil
	},
	plan.KeyIPv6: func(l *link, want *state.Interface) {
		l.set.IPv6.Enabled = new(want.IPv6 != nil && value(want.IPv6.Enabled))
	},
	plan.KeyAutoconf: func(l *link, want *state.Interface) {
		l.set.Facts.AcceptRA = new(int32(0))
		if value(want.IPv6.Autoconf) {
			l.set.Facts.AcceptRA = new(int32(1))
		}
	},
	plan.KeyAddrGenMode: func(l *link, want *state.Interface) {
		l.set.Facts.NoAddrGen, l.set.IPv6.AddrGenMode = false, want.IPv6.AddrGenMode
	},
	plan.KeyToken:      func(l *link, want *state.Interface) { l.set.IPv6.Token = want.IPv6.Token },
	plan.KeyForwarding: func(l *link, want *state.Interface) { l.set.IPv4.Forwarding = want.IPv4.Forwarding },
}

// acceptRA is 1 unless autoconf is said to be off.
func acceptRA(want *state.Interface) int32 {
	if want.IPv6 != nil && want.IPv6.Autoconf != nil && !*want.IPv6.Autoconf {
		return 0
	}
	return 1
}

// settleLinkLocal makes or removes the kernel's own IPv6 address of a link
// (addrconf_dev_config, net/ipv6/addrconf.c).
func (h *host) settleLinkLocal(l *link) {
	if l.set.Type == state.TypeLoopback {
		return
	}
	ip, err := linkLocal(l.set.MAC)
	if err != nil {
		return
	}
	wanted := l.up() && h.carrier(l, 0) && value(l.set.IPv6.Enabled) && l.master == "" && !l.set.Facts.NoAddrGen
	has := slices.ContainsFunc(l.set.IPv6.Address, func(a state.Address) bool { return a.IP.IsLinkLocalUnicast() })
	if wanted && !has {
		l.set.IPv6.Address = append(l.set.IPv6.Address, state.Address{
			IP: ip, PrefixLength: 64, Facts: &state.AddressFacts{Foreign: true},
		})
	}
}

// linkLocal is the address that a MAC makes (RFC 4291, appendix A).
func linkLocal(mac state.MAC) (netip.Addr, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(string(mac), ":", ""))
	if err != nil || len(b) != 6 {
		return netip.Addr{}, syscall.EINVAL
	}
	return netip.AddrFrom16([16]byte{0xfe, 0x80, 8: b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]}), nil
}
