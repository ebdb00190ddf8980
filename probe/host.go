package probe

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// The lengths that the kernel and DNS allow: IFNAMSIZ less its end
// (linux/if.h), and RFC 1035 2.3.4.
const (
	maxInterface = 15
	maxLabel     = 63
	maxName      = 253
	nameLetters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
)

func textHost(s Spec) string { return hostText(s.Host, s.Interface, s.Port) }

// bodyHost reads HOST[%IFACE], with or without brackets.
func bodyHost(p *parser, at int, text string, s *Spec) error {
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); !ok {
			return p.fault(at, text, "no ] at the end", "")
		}
		at, text = at+1, inner
	}
	return p.host(at, text, s)
}

// bodyTCP reads HOST[%IFACE]:PORT.
func bodyTCP(p *parser, at int, text string, s *Spec) error {
	colon := strings.LastIndexByte(text, ':')
	bracket := strings.LastIndexByte(text, ']')
	if colon <= bracket {
		return p.fault(at+len(text), "", "the port is missing", "write "+string(s.Kind)+":"+text+":PORT")
	}
	host, port := text[:colon], text[colon+1:]
	if bracket < 0 && strings.Contains(host, ":") {
		return p.fault(at, text, "an IPv6 address with a port stands in brackets", p.bracketHint(text, host, port))
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return p.fault(at+colon+1, port, "not a port from 1 to 65535", "")
	}
	s.Port = uint16(n)
	return bodyHost(p, at, host, s)
}

// bracketHint says how an IPv6 address without brackets was perhaps meant.
func (p *parser) bracketHint(text, host, port string) string {
	if isAddress(host) {
		return "write tcp:[" + host + "]:" + port
	}
	if isAddress(text) {
		return "write tcp:[" + text + "]:PORT"
	}
	return "write tcp:[ADDRESS]:PORT"
}

// host reads HOST[%IFACE] into Host and Interface.
func (p *parser) host(at int, text string, s *Spec) error {
	host, iface, scoped := strings.Cut(text, "%")
	if scoped {
		if wrong := badInterface(iface); wrong != "" {
			return p.fault(at+len(host)+1, iface, wrong, "")
		}
		s.Interface = iface
	}
	canonical, wrong := canonicalHost(host)
	if wrong != "" {
		return p.fault(at, host, wrong, "")
	}
	s.Host = canonical
	return nil
}

// linkLocal refuses an address that means another host on every link, unless
// the probe says on which.
func (p *parser) linkLocal(at int, s *Spec) error {
	host, hint := s.Host, "write "+string(s.Kind)+":"+hostText(s.Host, "IFACE", s.Port)
	if u, err := url.Parse(s.URL); err == nil && s.Kind == HTTP {
		host, hint = u.Hostname(), "write "+s.URL+",interface=IFACE"
	}
	addr, err := netip.ParseAddr(host)
	if err != nil || !addr.Is6() || !addr.IsLinkLocalUnicast() || addr.Zone() != "" || s.Interface != "" {
		return nil
	}
	return p.fault(at, host, "a link-local address without its interface", hint)
}

// canonicalHost is a host's name or address in its usual form, or what is
// wrong with it.
func canonicalHost(host string) (canonical, wrong string) {
	if addr, err := netip.ParseAddr(host); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return addr.String(), badAddress(addr)
	}
	if host == "" {
		return "", "the host is missing"
	}
	if strings.Contains(host, ":") || strings.Trim(host, "0123456789.") == "" {
		return "", "not an address"
	}
	return strings.ToLower(host), badName(host)
}

// badAddress says why nobody can have the address.
func badAddress(addr netip.Addr) string {
	switch {
	case addr.IsUnspecified():
		return "nobody's address"
	case addr.IsMulticast():
		return "the address of a group, not of a host"
	case addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "the address of all, not of a host"
	}
	return ""
}

// badName says what is wrong with a domain name. Underscores are allowed, as
// services have them (RFC 8552).
func badName(name string) string {
	name = strings.TrimSuffix(name, ".")
	if len(name) > maxName {
		return "a name of more than 253 characters"
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.IndexFunc(label, notInName) >= 0 {
			return "not a name of a host"
		}
	}
	return ""
}

func notInName(r rune) bool { return !strings.ContainsRune(nameLetters, r) }

// badInterface says what is wrong with an interface's name (dev_valid_name,
// net/core/dev.c). What separates the parts of a probe is refused too.
func badInterface(name string) string {
	switch {
	case name == "":
		return "the interface is missing"
	case len(name) > maxInterface:
		return "an interface's name has at most 15 characters"
	case name == "." || name == "..", strings.ContainsAny(name, "/:%,?[]@"):
		return "not a name of an interface"
	}
	return ""
}

// isAddress tells whether the text is an address, perhaps with a zone.
func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}
