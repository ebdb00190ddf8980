package kernel

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/state"
)

// portIP is what a port had of IP, which is not shown of ports: mostly nothing,
// so that what it got when it was let go must go again. Whether it has IPv6 is a
// matter of its becoming a port.
func (c *checkpoint) portIP(was, now *state.Interface) (*state.IPv4, *state.IPv6) {
	v := newView(c.Network, nil)
	l := c.Network.named()[was.Name]
	if l == nil {
		return nil, nil
	}
	ip4, ip6 := v.ipv4(l), v.ipv6(l)
	ip4.Address, ip4.DHCP = backAddresses(ip4.Address, addresses4(now)), now.IPv4.DHCP
	ip4.Enabled = new(len(ip4.Address) > 0)
	if now.IPv6 == nil {
		return ip4, nil
	}
	six := *now.IPv6
	six.Address = backAddresses(ip6.Address, addresses6(now))
	return ip4, &six
}

// portAddresses lists the ports whose own addresses are not as they were: the
// schema does not show them.
func (c *checkpoint) portAddresses(now *snapshot, scope map[string]bool) []string {
	was, is := newView(c.Network, nil), newView(now, nil)
	before := c.Network.named()
	var lines []string
	for _, l := range now.Links {
		b := before[l.Name]
		if b == nil || !scope[l.Name] || is.canHaveIP(l) || was.canHaveIP(b) {
			continue
		}
		if want, have := was.static(b), is.static(l); want != have {
			lines = append(lines, fmt.Sprintf("%s: its addresses are %q, were %q", l.Name, have, want))
		}
	}
	return lines
}

// static are the addresses of a link that somebody configured, sorted.
func (v *view) static(l *rawLink) string {
	var list []string
	for _, a := range v.addresses[l.Index] {
		if !foreignAddress(l, a) {
			list = append(list, a.Prefix.String())
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// named finds links by their name.
func (s *snapshot) named() map[string]*rawLink {
	links := make(map[string]*rawLink, len(s.Links))
	for _, l := range s.Links {
		links[l.Name] = l
	}
	return links
}
