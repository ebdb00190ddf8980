package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"holdfast/state"
)

// manyLost is how many addresses and routes a warning names.
const manyLost = 6

// lost warns of the addresses and routes that go with controllers which are to
// be absent: their ports do not get them by themselves.
func (b *builder) lost() {
	for _, l := range b.touched {
		if l.gone && l.absent && l.was.IsController() {
			b.lostWith(l)
		}
	}
}

func (b *builder) lostWith(l *link) {
	what := append(b.lostAddresses(l), b.lostRoutes(l)...)
	if len(what) == 0 {
		return
	}
	if more := len(what) - manyLost; more > 0 {
		what = append(what[:manyLost], fmt.Sprintf("%d more", more))
	}
	b.warnings = append(b.warnings, fmt.Sprintf("%s is removed with %s: no other interface gets that", l.name, strings.Join(what, ", ")))
}

// lostAddresses are the addresses of a link that no interface of the target
// has.
func (b *builder) lostAddresses(l *link) []string {
	v4, _ := addresses4(l.was)
	v6, _ := addresses6(l.was)
	var list []string
	for _, a := range slices.Concat(v4, v6) {
		if !kernelMade(&a) && !a.IP.IsLinkLocalUnicast() && !b.keeps(a.IP) {
			list = append(list, "the address "+a.Prefix().String())
		}
	}
	return list
}

// keeps tells whether an interface of the target has the address.
func (b *builder) keeps(ip netip.Addr) bool {
	return slices.ContainsFunc(b.target.State.Interfaces, func(i *state.Interface) bool {
		if i.State == state.Absent {
			return false
		}
		v4, _ := addresses4(i)
		v6, _ := addresses6(i)
		same := func(a state.Address) bool { return a.IP == ip }
		return slices.ContainsFunc(v4, same) || slices.ContainsFunc(v6, same)
	})
}

// lostRoutes are the configured routes by a link that the target does not have
// by another one.
func (b *builder) lostRoutes(l *link) []string {
	if b.current.Routes == nil {
		return nil
	}
	kept := map[routeKey]bool{}
	if t := b.target.State.Routes; t != nil {
		for _, r := range t.Config {
			kept[keyOfRoute(r)] = kept[keyOfRoute(r)] || r.State != state.Absent && !b.withoutLink(r)
		}
	}
	var list []string
	for _, r := range b.current.Routes.Config {
		if value(r.NextHopInterface) != l.name || kept[keyOfRoute(r)] {
			continue
		}
		text := "the route " + keyOfRoute(r).text()
		if via := hopOf(r).via; via.IsValid() {
			text += " via " + via.String()
		}
		list = append(list, text)
	}
	return list
}
