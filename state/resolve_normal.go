package state

import (
	"net/netip"
	"slices"
	"strings"
)

// normalise gives the document's words for one thing the form in which the
// host shows it, so that the same said differently is no change. Sections are
// replaced, never changed: they belong to the document.
func normalise(i *Interface) {
	for _, f := range normalisers {
		f(i)
	}
}

var normalisers = []func(*Interface){normaliseState, normaliseBond, normaliseBridge, normaliseAddresses}

func normaliseState(i *Interface) {
	if i.State == "" {
		i.State = Up
	}
}

// normaliseBond fills in the other name of one value, and brings lists of
// targets into the kernel's form.
func normaliseBond(i *Interface) {
	if i.Bond == nil || i.Bond.Options == nil {
		return
	}
	b, o := *i.Bond, *i.Bond.Options
	if o.NumGratARP == nil {
		o.NumGratARP = o.NumUnsolNA
	}
	if o.NumUnsolNA == nil {
		o.NumUnsolNA = o.NumGratARP
	}
	o.ARPIPTarget = normaliseTargets(o.ARPIPTarget)
	o.NSIP6Target = normaliseTargets(o.NSIP6Target)
	b.Options, i.Bond = &o, &b
}

func normaliseTargets(list *string) *string {
	if list == nil {
		return nil
	}
	var targets []string
	for t := range strings.SplitSeq(*list, ",") {
		t = strings.TrimSpace(t)
		if a, err := netip.ParseAddr(t); err == nil {
			t = a.String()
		}
		if t != "" {
			targets = append(targets, t)
		}
	}
	return new(strings.Join(targets, ","))
}

// normaliseBridge fills in the other name of the forward mask.
func normaliseBridge(i *Interface) {
	if i.Bridge == nil || i.Bridge.Options == nil || i.Bridge.Options.GroupForwardMask == nil && i.Bridge.Options.GroupFwdMask == nil {
		return
	}
	o := *i.Bridge.Options
	if o.GroupForwardMask == nil {
		o.GroupForwardMask = o.GroupFwdMask
	}
	if o.GroupFwdMask == nil {
		o.GroupFwdMask = o.GroupForwardMask
	}
	b := *i.Bridge
	b.Options, i.Bridge = &o, &b
}

// normaliseAddresses drops addresses of finite life, which are a lease and no
// wish, and what else is read only in an address.
func normaliseAddresses(i *Interface) {
	if i.IPv4 != nil && !plain(i.IPv4.Address) {
		ip := *i.IPv4
		ip.Address = wishes(ip.Address)
		i.IPv4 = &ip
	}
	if i.IPv6 != nil && !plain(i.IPv6.Address) {
		ip := *i.IPv6
		ip.Address = wishes(ip.Address)
		i.IPv6 = &ip
	}
}

// plain tells whether a list holds wishes alone.
func plain(list []Address) bool {
	return !slices.ContainsFunc(list, func(a Address) bool {
		return a.ValidLifeTime != "" || a.PreferredLifeTime != "" || a.MPTCPFlags != nil || a.Facts != nil
	})
}

func wishes(list []Address) []Address {
	kept := []Address{}
	for _, a := range list {
		if !finite(a) {
			kept = append(kept, Address{IP: a.IP, PrefixLength: a.PrefixLength})
		}
	}
	return kept
}

// finite tells whether an address ends by itself.
func finite(a Address) bool { return a.ValidLifeTime != "" && a.ValidLifeTime != "forever" }
