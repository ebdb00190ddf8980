package reach

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Query is a question to name servers.
type Query struct {
	// Name is the one to ask for; an address is looked up in reverse.
	Name string
	// Type is the type of record; empty is A or AAAA, and PTR for an address.
	Type string
	// Server is the one to ask; the zero one stands for those of ResolvConf,
	// each in turn, with its search domains.
	Server netip.AddrPort
	// Interface and ResolvConf are as in Target.
	Interface, ResolvConf string
}

// DNS wants a record. It asks over UDP, and again over TCP when the answer does
// not fit. The hosts file does not count.
func DNS(ctx context.Context, q Query) error {
	r, err := q.resolver()
	if err != nil {
		return err
	}
	types, err := q.types()
	if err != nil {
		return err
	}
	var last error
	for _, name := range r.names {
		if last, err = r.lookUp(ctx, name, types); err != nil {
			return err
		}
		if last == nil {
			return nil
		}
	}
	return last
}

// types are those that will do, by number.
func (q Query) types() ([]uint16, error) {
	if _, err := netip.ParseAddr(q.Name); err == nil && q.Type == "" {
		return []uint16{dns.TypePTR}, nil
	}
	if q.Type == "" {
		return []uint16{dns.TypeA, dns.TypeAAAA}, nil
	}
	number, ok := dns.StringToType[q.Type]
	if !ok {
		return nil, permanent{"there is no type of record " + q.Type}
	}
	return []uint16{number}, nil
}

// dnsResolver is whom to ask for what.
type dnsResolver struct {
	names, servers []string
	iface          string
}

func (q Query) resolver() (*dnsResolver, error) {
	r := &dnsResolver{iface: q.Interface}
	reverse := ""
	if _, err := netip.ParseAddr(q.Name); err == nil {
		if reverse, err = dns.ReverseAddr(q.Name); err != nil {
			return nil, err
		}
	}
	if q.Server.IsValid() {
		r.servers, r.names = []string{q.Server.String()}, []string{cmp.Or(reverse, dns.Fqdn(q.Name))}
		return r, nil
	}
	path := cmp.Or(q.ResolvConf, resolvConf)
	config, err := dns.ClientConfigFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("read name servers: %w", err)
	}
	r.servers, r.names = serversOf(path), []string{reverse}
	if reverse == "" {
		r.names = config.NameList(q.Name)
	}
	return r, nil
}

// lookUp asks for all types of a name until there is a record. missing tells
// that there is none; err that nobody could say.
func (r *dnsResolver) lookUp(ctx context.Context, name string, types []uint16) (missing, err error) {
	for _, t := range types {
		answer, server, err := r.ask(ctx, name, t)
		if err != nil {
			return nil, err
		}
		if answer.Rcode == dns.RcodeNameError {
			return fmt.Errorf("%s knows no name %s (NXDOMAIN)", server, strings.TrimSuffix(name, ".")), nil
		}
		for _, record := range answer.Answer {
			if record.Header().Rrtype == t {
				return nil, nil
			}
		}
		missing = fmt.Errorf("%s has no %s record of %s", server, typeNames(types), strings.TrimSuffix(name, "."))
	}
	return missing, nil
}

func typeNames(types []uint16) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = dns.TypeToString[t]
	}
	return strings.Join(names, " or ")
}

// ask asks the servers in turn until one gives an answer that counts. Each gets
// its share of the time that is left.
func (r *dnsResolver) ask(ctx context.Context, name string, t uint16) (answer *dns.Msg, server string, err error) {
	var said []string
	late := true
	for i, address := range r.servers {
		server = strings.TrimSuffix(address, ":53")
		answer, err := r.askOne(ctx, address, name, t, len(r.servers)-i)
		if err == nil {
			return answer, server, nil
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil, "", ctx.Err()
		}
		said = append(said, server+": "+err.Error())
		late = late && errors.Is(err, context.DeadlineExceeded)
	}
	text := strings.Join(said, "; ")
	if late {
		return nil, "", silent{text}
	}
	return nil, "", errors.New(text)
}

// askOne asks one server in one of so many shares of the time that is left.
func (r *dnsResolver) askOne(ctx context.Context, address, name string, t uint16, shares int) (*dns.Msg, error) {
	ctx, cancel := share(ctx, shares)
	defer cancel()
	answer, err := r.exchange(ctx, "udp", dnsAgain, address, name, t)
	if err == nil && answer.Truncated {
		answer, err = r.exchange(ctx, "tcp", dnsOnce, address, name, t)
	}
	if err != nil {
		return nil, err
	}
	if answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError {
		return nil, errors.New("answers " + cmp.Or(dns.RcodeToString[answer.Rcode], "an unknown code"))
	}
	return answer, nil
}

// A question is sent again over UDP, where it may be lost, but not over TCP.
const (
	dnsAgain = 2 * time.Second
	dnsOnce  = time.Hour
)

// exchange asks one question and waits for its answer.
func (r *dnsResolver) exchange(ctx context.Context, network string, every time.Duration, address, name string, t uint16) (*dns.Msg, error) {
	raw, err := dialer(r.iface).DialContext(ctx, network, address)
	if err != nil {
		return nil, plain(ctx, err)
	}
	conn := &dns.Conn{Conn: raw}
	defer func() { _ = conn.Close() }()
	question := new(dns.Msg).SetQuestion(name, t)
	var answer *dns.Msg
	err = converse(ctx, conn, every, func() error { return conn.WriteMsg(question) }, func() (bool, error) {
		m, err := conn.ReadMsg()
		if err != nil || !answers(question, m) {
			return false, err
		}
		answer = m
		return true, nil
	})
	return answer, err
}

// answers tells whether the message answers the question; others are late ones
// or forged.
func answers(question, m *dns.Msg) bool {
	return m.Response && m.Id == question.Id && len(m.Question) == 1 &&
		strings.EqualFold(m.Question[0].Name, question.Question[0].Name) &&
		m.Question[0].Qtype == question.Question[0].Qtype
}

// share is a context for one of so many parts of the time that is left.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(parts))
}
