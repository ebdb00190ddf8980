package plan

import (
	"slices"

	"holdfast/state"
)

// sendingOrder is the order in which to add addresses of one family so that the
// kernel has them in that of the list, and prefers the first: an IPv4 address
// comes behind those that are there, an IPv6 address before them
// (inet_insert_ifa, net/ipv4/devinet.c; ipv6_link_dev_addr,
// net/ipv6/addrconf.c).
func sendingOrder(list []state.Address) []*state.Address {
	order := make([]*state.Address, len(list))
	for n := range list {
		order[n] = &list[n]
	}
	if len(list) > 1 && list[0].IP.Is6() {
		slices.Reverse(order)
	}
	return order
}
