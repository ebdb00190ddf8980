package probe

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"holdfast/internal/problem"
)

// dnsPort is where name servers listen (RFC 1035 4.2).
const dnsPort = 53

// bodyHTTP reads a URL; without a scheme it is one of http.
func bodyHTTP(p *parser, at int, text string, s *Spec) error {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return p.fault(at, text, "not a URL", "write http:https://HOST/PATH")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return p.fault(at, u.Scheme, "neither http nor https", "write http:https://HOST/PATH")
	case u.Hostname() == "":
		return p.fault(at, text, "a URL without a host", "write http:https://HOST/PATH")
	case u.User != nil:
		return secretURL(at)
	}
	if wrong := badURLHost(u); wrong != "" {
		return p.fault(at, u.Host, wrong, "")
	}
	u.Fragment, u.RawFragment = "", ""
	s.URL = u.String()
	return nil
}

// secretURL refuses a URL with a password without repeating it.
func secretURL(at int) error {
	return &problem.Problem{
		Key:     "probe http, character " + itoa(at+1),
		Column:  at + 1,
		Message: "a URL with a user's name",
		Hint:    "it would be shown in logs and in the history; ask for a page that needs none",
	}
}

// badURLHost says what is wrong with a URL's host or port.
func badURLHost(u *url.URL) string {
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "not a port from 1 to 65535"
		}
	}
	host, zone, scoped := strings.Cut(u.Hostname(), "%")
	if scoped {
		if wrong := badInterface(zone); wrong != "" {
			return wrong
		}
	}
	_, wrong := canonicalHost(host)
	return wrong
}

// bodyDNS reads NAME[@SERVER].
func bodyDNS(p *parser, at int, text string, s *Spec) error {
	name, server, asked := strings.Cut(text, "@")
	canonical, wrong := canonicalHost(name)
	if wrong != "" {
		return p.fault(at, name, wrong, "")
	}
	s.Name = canonical
	if !asked {
		return nil
	}
	addr, wrong := readServer(server)
	if wrong != "" {
		return p.fault(at+len(name)+1, server, wrong, "write dns:"+name+"@ADDRESS or dns:"+name+"@[ADDRESS]:PORT")
	}
	s.Server = addr
	return nil
}

// readServer reads the address of a name server with or without a port.
func readServer(text string) (server netip.AddrPort, wrong string) {
	bare := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if addr, err := netip.ParseAddr(bare); err == nil {
		server = netip.AddrPortFrom(addr, dnsPort)
	} else if server, err = netip.ParseAddrPort(text); err != nil || server.Port() == 0 {
		return netip.AddrPort{}, "not the address of a name server"
	}
	addr := server.Addr().Unmap()
	if addr.Zone() != "" {
		if wrong := badInterface(addr.Zone()); wrong != "" {
			return netip.AddrPort{}, wrong
		}
	} else if addr.Is6() && addr.IsLinkLocalUnicast() {
		return netip.AddrPort{}, "a link-local address without its interface"
	}
	return netip.AddrPortFrom(addr, server.Port()), badAddress(addr.WithZone(""))
}

func textDNS(s Spec) string {
	if !s.Server.IsValid() {
		return s.Name
	}
	if s.Server.Port() == dnsPort {
		return s.Name + "@" + s.Server.Addr().String()
	}
	return s.Name + "@" + s.Server.String()
}

// bodyExec reads the name of a file, which is no path: it begins with a letter
// or digit and has letters, digits, dots, dashes and underscores.
func bodyExec(p *parser, at int, text string, s *Spec) error {
	if strings.Contains(text, "/") {
		return p.fault(at, text, "a path, not the name of a file in the probe folder", "put the program there and write its name")
	}
	if text[0] == '.' || text[0] == '-' || len(text) > 255 ||
		strings.IndexFunc(text, func(r rune) bool { return r != '.' && notInName(r) }) >= 0 {
		return p.fault(at, text, "not the name of a file in the probe folder",
			"it begins with a letter or digit and goes on with those, dots, dashes and underscores")
	}
	s.Name = text
	return nil
}
