package probe

import (
	"slices"
	"time"
)

// kind is what there is to know of one kind of probe.
type kind struct {
	name Kind
	// form is how it is written, about what it wants: for hints and completion.
	form, about string
	// body reads what stands behind the colon; nil when nothing does.
	body func(p *parser, at int, text string, s *Spec) error
	// text is the inverse of body.
	text func(Spec) string
	// options are those besides timeout and retries.
	options []string
	// timeout and retries count unless the probe says otherwise.
	timeout time.Duration
	retries int
}

type kindTable []kind

// kinds is the table of all kinds, in the order in which they are told. The
// time limits of ping, arp and tcp leave the kernel the three seconds that it
// takes to find that a neighbour does not answer (neigh->parms mcast_solicit,
// net/ipv4/arp.c), since its word tells more than a limit does.
var kinds = kindTable{
	{name: Ping, form: "ping:HOST[%IFACE]", about: "a reply to an echo request",
		body: bodyHost, text: textHost, options: []string{"interface"}, timeout: 5 * time.Second, retries: 2},
	{name: ARP, form: "arp:HOST[%IFACE]", about: "a reply to ARP or neighbour discovery",
		body: bodyHost, text: textHost, options: []string{"interface"}, timeout: 3 * time.Second, retries: 2},
	{name: TCP, form: "tcp:HOST[%IFACE]:PORT", about: "a TCP connection",
		body: bodyTCP, text: textHost, options: []string{"interface"}, timeout: 5 * time.Second, retries: 2},
	{name: HTTP, form: "http:URL", about: "a web server's good answer",
		body: bodyHTTP, text: func(s Spec) string { return s.URL },
		options: []string{"interface", "status", "verify"}, timeout: 10 * time.Second, retries: 2},
	{name: DNS, form: "dns:NAME[@SERVER]", about: "a name server's answer",
		body: bodyDNS, text: textDNS, options: []string{"interface", "type"}, timeout: 5 * time.Second, retries: 2},
	{name: Gateway, form: "gateway", about: "a reply of every default gateway",
		timeout: 3 * time.Second, retries: 2},
	{name: Exec, form: "exec:NAME", about: "a program of the probe folder that ends well",
		body: bodyExec, text: func(s Spec) string { return s.Name }, timeout: 10 * time.Second},
	{name: Client, form: "client", about: "a new connection of whoever asked",
		timeout: 30 * time.Second},
}

func (t kindTable) find(name Kind) *kind {
	for i := range t {
		if t[i].name == name {
			return &t[i]
		}
	}
	return nil
}

func (t kindTable) names() []string {
	names := make([]string, len(t))
	for i, k := range t {
		names[i] = string(k.name)
	}
	return names
}

// allowed are the names of the kind's options.
func (k *kind) allowed() []string {
	return append([]string{"timeout", "retries"}, k.options...)
}

func (k *kind) allows(option string) bool { return slices.Contains(k.allowed(), option) }
