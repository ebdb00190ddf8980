package monitor

import (
	"net/netip"

	"holdfast/state"
)

// The states of an address.
const (
	usable    = "ready"
	tentative = "tentative"
	duplicate = "duplicate"
)

func addressState(a state.Address) string {
	switch {
	case a.Facts != nil && a.Facts.Failed:
		return duplicate
	case a.Facts != nil && a.Facts.Tentative:
		return tentative
	}
	return usable
}

// addresses are those of a link, both families, in its order. What is left of
// their lives is no event.
func addresses(i *state.Interface) []state.Address {
	if i == nil {
		return nil
	}
	var list []state.Address
	if i.IPv4 != nil {
		list = append(list, i.IPv4.Address...)
	}
	if i.IPv6 != nil {
		list = append(list, i.IPv6.Address...)
	}
	return list
}

func byPrefix(list []state.Address) map[netip.Prefix]state.Address {
	index := make(map[netip.Prefix]state.Address, len(list))
	for _, a := range list {
		index[a.Prefix()] = a
	}
	return index
}

// goneAddresses names the links as they were called when they had them.
func (d *differ) goneAddresses() {
	for _, i := range d.before.Interfaces {
		now := d.is[i]
		if now == i {
			continue
		}
		have := byPrefix(addresses(now))
		for _, a := range addresses(i) {
			if _, stays := have[a.Prefix()]; !stays {
				d.add(Event{Kind: Address, What: Removed, Object: i.Name, Address: a.Prefix().String(), From: addressState(a)})
			}
		}
	}
}

func (d *differ) newAddresses() {
	for _, i := range d.after.Interfaces {
		was := d.was[i]
		if was == i {
			continue
		}
		had := byPrefix(addresses(was))
		for _, a := range addresses(i) {
			e := Event{Kind: Address, What: Added, Object: i.Name, Address: a.Prefix().String(), To: addressState(a)}
			if old, there := had[a.Prefix()]; there {
				e.What, e.From = Changed, addressState(old)
			}
			if e.From != e.To {
				d.add(e)
			}
		}
	}
}
