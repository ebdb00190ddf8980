package state

import (
	"net/netip"
	"slices"
)

// foreign tells whether an address of the host is not ours to remove.
func (a Address) foreign() bool {
	if a.Facts != nil {
		return a.Facts.Foreign
	}
	return finite(a) || a.IP.Is6() && a.IP.IsLinkLocalUnicast()
}

// mergeAddressList returns the addresses that an interface shall have: those
// that are there and stay, in their order, and then the new ones in the
// document's. Where that would make another address than the document's first
// the primary one of its subnet, the foreign ones come first and then the
// document's, whole. Of those that end none stays; a lease that the document
// lists is for ever from now on.
func mergeAddressList(cur, des []Address, ends func(Address) bool) []Address {
	if sameAddresses(cur, des) {
		return cur
	}
	wanted := make(map[netip.Prefix]bool, len(des))
	for _, a := range des {
		wanted[a.Prefix()] = true
	}
	list := make([]Address, 0, len(cur)+len(des))
	present := make(map[netip.Prefix]Address, len(cur))
	for _, a := range cur {
		if wanted[a.Prefix()] {
			a = forEver(a)
		} else if !a.foreign() || ends(a) {
			continue
		}
		present[a.Prefix()] = a
		list = append(list, a)
	}
	for _, a := range des {
		if _, there := present[a.Prefix()]; !there {
			list = append(list, a)
		}
	}
	if inOrder(des, list) {
		return list
	}
	return documentOrder(list, des, wanted)
}

// documentOrder puts the addresses that are not wanted first, and then those
// of the document.
func documentOrder(list, des []Address, wanted map[netip.Prefix]bool) []Address {
	have := make(map[netip.Prefix]Address, len(list))
	out := make([]Address, 0, len(list))
	for _, a := range list {
		have[a.Prefix()] = a
		if !wanted[a.Prefix()] {
			out = append(out, a)
		}
	}
	for _, a := range des {
		out = append(out, have[a.Prefix()])
	}
	return out
}

// forEver makes a lease a static address.
func forEver(a Address) Address {
	if finite(a) {
		return Address{IP: a.IP, PrefixLength: a.PrefixLength}
	}
	return a
}

// inOrder tells whether the addresses of want stand in have in an order that
// means the same: the order counts among IPv4 addresses of one subnet, where
// the first one is the primary.
func inOrder(want, have []Address) bool {
	if len(want) < 2 || want[0].IP.Is6() {
		return true
	}
	place := make(map[netip.Prefix]int, len(have))
	for i, a := range have {
		place[a.Prefix()] = i
	}
	last := map[netip.Prefix]int{}
	for _, a := range want {
		subnet := a.Prefix().Masked()
		at, there := place[a.Prefix()]
		before, second := last[subnet]
		if there && second && at < before {
			return false
		}
		last[subnet] = max(at, before)
	}
	return true
}

// sameAddresses tells whether two lists hold the same addresses in the same
// order.
func sameAddresses(a, b []Address) bool {
	return slices.EqualFunc(a, b, func(x, y Address) bool {
		return x.Prefix() == y.Prefix() && x.ValidLifeTime == y.ValidLifeTime
	})
}
