package state

import (
	"net/netip"
	"slices"
	"strings"
)

// dnsOptions are the words of resolv.conf(5); a colon ends those with a number.
var dnsOptions = strings.Fields("debug edns0 inet6 ip6-bytestring ip6-dotint no-aaaa no-check-names no-ip6-dotint no-reload no-tld-query " +
	"rotate single-request single-request-reopen trust-ad use-vc ndots: timeout: attempts:")

// dns checks the lists of the resolver, each entry once.
func (v *validation) dns(d *DNS) {
	if d == nil || d.Config == nil {
		return
	}
	v.dnsList(d, "config.server", "server", d.Config.Server, badServer)
	v.dnsList(d, "config.search", "domain", d.Config.Search, func(s string) (message, hint string) {
		if badDomain(s) {
			return "is no domain", "a domain is written like example.com"
		}
		return "", ""
	})
	v.dnsList(d, "config.options", "option", d.Config.Options, badDNSOption)
}

func (v *validation) dnsList(d *DNS, path, what string, list []string, bad func(string) (message, hint string)) {
	for n, s := range list {
		message, hint := bad(s)
		if message == "" && slices.Index(list, s) < n {
			message, hint = "the "+what+" is listed twice", "list it once"
		}
		if message == "" {
			continue
		}
		p := d.Origin.Problem(path+"["+itoa(n)+"]", s, message, hint)
		if d.Origin == nil {
			p.Key = "dns-resolver." + p.Key
		}
		v.problems.Add(p)
	}
}

// badServer tells what is wrong with a name server's address.
func badServer(s string) (message, hint string) {
	a, err := netip.ParseAddr(s)
	switch {
	case err != nil:
		return "is no address of a name server", "give its IP address"
	case a.IsUnspecified() || a.IsMulticast():
		return "is no address of one host", "give the IP address of the name server"
	case a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "":
		return "a link-local server needs its interface", "write " + s + "%eth0"
	}
	return "", ""
}

func badDNSOption(o string) (message, hint string) {
	word, number, valued := strings.Cut(o, ":")
	known := word
	if valued {
		known += ":"
	}
	switch {
	case contains(dnsOptions, word+":") && !valued:
		return "the option needs a number", "write " + word + ":1"
	case !contains(dnsOptions, known):
		return "is no option of resolv.conf", suggestOr(o, dnsOptions, "the options are those of resolv.conf(5)")
	case valued && !allDigits(number):
		return "the option needs a number", "write " + word + ":1"
	}
	return "", ""
}

func allDigits(s string) bool {
	return s != "" && len(s) < 10 && strings.Trim(s, "0123456789") == ""
}

// badDomain tells whether a text cannot stand in a list of search domains.
func badDomain(s string) bool {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "~"), ".")
	if s == "" || len(s) > 253 {
		return true
	}
	for label := range strings.SplitSeq(s, ".") {
		if badLabel(label, "_") {
			return true
		}
	}
	return false
}

// badLabel tells whether a text is no label of a host name (RFC 1123, 2.1).
func badLabel(s, also string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return true
	}
	for _, c := range []byte(s) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-'
		if !letter && strings.IndexByte(also, c) < 0 {
			return true
		}
	}
	return false
}

// maxHostname is the longest host name in bytes (HOST_NAME_MAX).
const maxHostname = 64

func (v *validation) hostname(h *Hostname) {
	if h == nil {
		return
	}
	v.oneHostname(h, "running", h.Running, false)
	v.oneHostname(h, "config", h.Config, true)
}

func (v *validation) oneHostname(h *Hostname, key string, name *string, empty bool) {
	if name == nil || *name == "" && empty {
		return
	}
	message, hint := "", "a host name is written like host1.example.com"
	switch {
	case *name == "":
		message, hint = "the host name is empty", "leave running out to keep the name"
	case len(*name) > maxHostname:
		message = "a host name has at most 64 bytes, this one has " + itoa(len(*name))
	default:
		for label := range strings.SplitSeq(*name, ".") {
			if badLabel(label, "") {
				message = "is no host name: letters, digits and '-' inside, with dots between"
			}
		}
	}
	if message == "" {
		return
	}
	p := h.Origin.Problem(key, *name, message, hint)
	if h.Origin == nil {
		p.Key = "hostname." + key
	}
	v.problems.Add(p)
}
