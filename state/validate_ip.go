package state

import (
	"net/netip"
	"strings"
)

func (v *validation) ipv4(i *Interface) {
	if i.IPv4 == nil {
		return
	}
	v.ip(i, "ipv4", &i.IPv4.IP)
	v.addresses(i, "ipv4.address", i.IPv4.Address, false)
}

func (v *validation) ipv6(i *Interface) {
	ip := i.IPv6
	if ip == nil {
		return
	}
	v.ip(i, "ipv6", &ip.IP)
	v.addresses(i, "ipv6.address", ip.Address, true)
	if isNot(ip.Enabled) && is(ip.Autoconf) {
		v.fault(i, "ipv6.autoconf", "true", "contradicts enabled: false", "leave one of them out")
	}
	v.token(i, ip)
}

// token checks the interface identifier of automatic addresses: 64 bits.
func (v *validation) token(i *Interface, ip *IPv6) {
	if noToken(ip.Token) {
		return
	}
	a, err := netip.ParseAddr(*ip.Token)
	switch {
	case err != nil || !a.Is6() || a.Zone() != "":
		v.fault(i, "ipv6.token", *ip.Token, "is no IPv6 interface identifier", "write it like ::1a:2b:3c:4d")
	case a.As16()[0]|a.As16()[1]|a.As16()[2]|a.As16()[3]|a.As16()[4]|a.As16()[5]|a.As16()[6]|a.As16()[7] != 0:
		v.fault(i, "ipv6.token", *ip.Token, "the upper 64 bits of a token are zero", "write it like ::1a:2b:3c:4d")
	case isNot(ip.Autoconf):
		v.fault(i, "ipv6.token", *ip.Token, "needs autoconf: true", "add autoconf: true, or leave token out")
	}
}

// ip checks what contradicts a stack that is off.
func (v *validation) ip(i *Interface, path string, ip *IP) {
	if !isNot(ip.Enabled) {
		return
	}
	if is(ip.DHCP) {
		v.fault(i, path+".dhcp", "true", "contradicts enabled: false", "leave one of them out")
	}
	for n, a := range ip.Address {
		if !finite(a) {
			v.fault(i, path+".address["+itoa(n)+"]", a.Prefix().String(), "contradicts enabled: false", "leave the addresses out, or turn the stack on")
			return
		}
	}
}

// addresses checks a list of addresses of one family.
func (v *validation) addresses(i *Interface, path string, list []Address, six bool) {
	seen := make(map[netip.Addr]netip.Prefix, len(list))
	for n, a := range list {
		at := path + "[" + itoa(n) + "]"
		if message, hint := badAddress(a, six); message != "" {
			v.fault(i, at+".ip", addrText(a.IP), message, hint)
			continue
		}
		if int(a.PrefixLength) > a.IP.BitLen() {
			v.fault(i, at+".prefix-length", itoa(int(a.PrefixLength)), "a prefix of "+familyName(six)+" has at most "+itoa(a.IP.BitLen())+" bits", "an address is written as ip: 192.0.2.1, prefix-length: 24")
			continue
		}
		if before, twice := seen[a.IP]; twice && (six || before == a.Prefix()) {
			v.fault(i, at, a.Prefix().String(), "the address is listed twice", "list it once")
		}
		seen[a.IP] = a.Prefix()
	}
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func familyName(six bool) string {
	if six {
		return "IPv6"
	}
	return "IPv4"
}

// badAddress tells what is wrong with an address for an interface.
func badAddress(a Address, six bool) (message, hint string) {
	ip := a.IP
	switch {
	case !ip.IsValid():
		return "the address is missing", "add ip, such as 192.0.2.1"
	case ip.Is4() && six:
		return "is an IPv4 address", "it belongs under ipv4"
	case ip.Is6() && !six:
		return "is an IPv6 address", "it belongs under ipv6"
	case ip.Is4In6():
		return "is an IPv4 address in IPv6's clothes", "write " + ip.Unmap().String() + " under ipv4"
	case ip.Zone() != "":
		return "an interface's own address has no zone", "write " + ip.WithZone("").String()
	case ip.IsUnspecified():
		return "no interface can have this address", "address: [] removes all addresses"
	case ip.IsMulticast():
		return "is a multicast address", "an interface has unicast addresses; programs join groups"
	}
	return "", ""
}

// waitIP checks that what activation waits for is on.
func (v *validation) waitIP(i *Interface) {
	w := string(i.WaitIP)
	if strings.Contains(w, "ipv4") && i.IPv4 != nil && isNot(i.IPv4.Enabled) {
		v.fault(i, "wait-ip", w, "waits for ipv4, which is off", "turn ipv4 on, or leave wait-ip out")
	}
	if strings.Contains(w, "ipv6") && i.IPv6 != nil && isNot(i.IPv6.Enabled) {
		v.fault(i, "wait-ip", w, "waits for ipv6, which is off", "turn ipv6 on, or leave wait-ip out")
	}
}
