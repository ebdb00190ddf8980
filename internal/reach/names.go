package reach

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/miekg/dns"
)

// resolvConf is where the system's name servers are named.
const resolvConf = "/etc/resolv.conf"

// addresses gives all addresses of the target, each once and in order. The
// interface is the zone of link-local ones.
func (t Target) addresses(ctx context.Context) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(t.Host); err == nil {
		return []netip.Addr{t.scoped(addr)}, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	found, err := namesOf(ctx, t.ResolvConf).LookupNetIP(ctx, "ip", t.Host)
	if err != nil {
		return nil, lookupError(ctx, err)
	}
	for i, addr := range found {
		found[i] = t.scoped(addr)
	}
	slices.SortFunc(found, netip.Addr.Compare)
	return slices.Compact(found), nil
}

func (t Target) scoped(addr netip.Addr) netip.Addr {
	addr = addr.Unmap()
	if t.Interface != "" && addr.Is6() && addr.IsLinkLocalUnicast() {
		return addr.WithZone(t.Interface)
	}
	return addr
}

// namesOf looks names up as the system does: hosts file, search domains, name
// servers. Go's resolver looks at resolv.conf every five seconds only
// (net/dnsclient_unix.go), and a probe comes right after a change: a server
// that is not in the file any more is replaced by one that is. It also leaves
// its goroutines waiting for answers when the caller's context ends: closing
// their sockets, when the given one does, ends them.
func namesOf(until context.Context, path string) *net.Resolver {
	var asked atomic.Uint32
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if until.Err() != nil {
			return nil, until.Err()
		}
		servers := serversOf(path)
		if !slices.Contains(servers, address) {
			address = servers[int(asked.Add(1)-1)%len(servers)]
		}
		conn, err := dialer("").DialContext(ctx, network, address)
		if err == nil {
			context.AfterFunc(until, func() { _ = conn.Close() })
		}
		return conn, err
	}}
}

// serversOf are the name servers with their ports; without any that of this
// host, as resolv.conf(5) says.
func serversOf(path string) []string {
	config, err := dns.ClientConfigFromFile(cmp.Or(path, resolvConf))
	if err != nil || len(config.Servers) == 0 {
		return []string{net.JoinHostPort("127.0.0.1", "53")}
	}
	servers := make([]string, len(config.Servers))
	for i, server := range config.Servers {
		servers[i] = net.JoinHostPort(server, config.Port)
	}
	return servers
}

// lookupError says why a name has no address.
func lookupError(ctx context.Context, err error) error {
	e, ok := errors.AsType[*net.DNSError](err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case ok && e.IsNotFound:
		return errors.New("the name has no address")
	case isTimeout(err) || ctx.Err() != nil:
		return silent{"no answer of a name server"}
	case ok:
		return errors.New("look up the name: " + e.Err)
	}
	return err
}
