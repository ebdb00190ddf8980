// Package probe says what must still be reachable after a change: it reads the
// little language of probes, finds the gateways behind `gateway`, runs probes
// with the functions that it is handed, and judges the answers.
//
// It is pure: it opens no file and no socket, and has no clock of its own.
// Package probe/live joins it to the network.
package probe

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Kind is the sort of a probe; the list is closed.
type Kind string

// The kinds of probe.
const (
	// Ping wants an echo reply (ICMP, ICMPv6).
	Ping Kind = "ping"
	// ARP wants an answer to an ARP request, or for an IPv6 address to a
	// neighbour solicitation.
	ARP Kind = "arp"
	// TCP wants a connection.
	TCP Kind = "tcp"
	// HTTP wants a good status.
	HTTP Kind = "http"
	// DNS wants a record.
	DNS Kind = "dns"
	// Gateway stands for a probe of every default gateway; see Expand.
	Gateway Kind = "gateway"
	// Exec wants a program of the probe folder to exit with 0.
	Exec Kind = "exec"
	// Client wants whoever asked for the change to be heard again over a new
	// connection; the caller of a Runner answers it.
	Client Kind = "client"
)

// Spec is one probe as it was asked for. It can be compared, and used as a
// key. Which members count depends on the kind; the others are zero.
type Spec struct {
	// Kind is the sort of probe.
	Kind Kind
	// Host is a name, or an address without zone, of ping, arp and tcp.
	Host string
	// Interface is the link to go by, of ping, arp, tcp, http and dns; empty
	// leaves it to the routes. For http and dns a zone in the URL or the server
	// comes before it.
	Interface string
	// Port is that of tcp.
	Port uint16
	// URL is that of http, with its scheme.
	URL string
	// Status is the one that http must answer with; 0 is any 2xx or 3xx.
	Status int
	// Insecure keeps http from verifying the certificate.
	Insecure bool
	// Name is the name (or address, for a reverse lookup) that dns asks for,
	// or the file that exec runs.
	Name string
	// Server is the one that dns asks; the zero one stands for those of
	// resolv.conf.
	Server netip.AddrPort
	// Type is the type of record that dns asks for; empty is an address of
	// either family, or for an address the name.
	Type string
	// Timeout is how long one try may take.
	Timeout time.Duration
	// Retries is how many more tries there are after the first.
	Retries int
	// Optional probes may fail before the change.
	Optional bool
	// Default is set on those that the configuration asks for, as opposed to
	// whoever asked for the change. It is no part of the text.
	Default bool
}

// String is the canonical text of the probe: Parse gives an equal Spec back,
// Default apart.
func (s Spec) String() string {
	k := kinds.find(s.Kind)
	if k == nil {
		return string(s.Kind)
	}
	var b strings.Builder
	b.WriteString(string(s.Kind))
	if k.text != nil {
		b.WriteByte(':')
		b.WriteString(k.text(s))
	}
	for _, o := range options {
		if value := o.text(s, k); value != "" {
			b.WriteString("," + o.name + "=" + value)
		}
	}
	if s.Optional {
		b.WriteByte('?')
	}
	return b.String()
}

// Label is the text without its options and without its mark: how messages
// name the probe.
func (s Spec) Label() string {
	k := kinds.find(s.Kind)
	if k == nil || k.text == nil {
		return string(s.Kind)
	}
	return string(s.Kind) + ":" + k.text(s)
}

// MarshalText is String, for JSON.
func (s Spec) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText is Parse; its errors are Parse's.
func (s *Spec) UnmarshalText(text []byte) error {
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// Join is the probes of a transaction: those that were asked for, and of the
// configuration's those that nobody asked for. Repeated ones are dropped.
func Join(explicit, defaults []Spec) []Spec {
	joined := make([]Spec, 0, len(explicit)+len(defaults))
	seen := map[string]bool{}
	add := func(list []Spec, byDefault bool) {
		for _, s := range list {
			if s.Default = byDefault; !seen[s.Label()] {
				seen[s.Label()] = true
				joined = append(joined, s)
			}
		}
	}
	add(explicit, false)
	add(defaults, true)
	return joined
}

// hostText is HOST[%IFACE], with brackets around an IPv6 address where a port
// follows.
func hostText(host, iface string, port uint16) string {
	text := host
	if iface != "" {
		text += "%" + iface
	}
	if port == 0 {
		return text
	}
	if strings.Contains(host, ":") {
		text = "[" + text + "]"
	}
	return text + ":" + strconv.Itoa(int(port))
}
