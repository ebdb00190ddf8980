package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// deviceError tells that a socket could not be bound to a link.
type deviceError struct {
	name string
	err  error
}

func (e deviceError) Error() string {
	if errors.Is(e.err, unix.ENODEV) {
		return "there is no interface " + e.name
	}
	return fmt.Sprintf("bind to %s: %v", e.name, e.err)
}

func (e deviceError) Unwrap() error { return e.err }

// dialer makes connections by a link, or by the routes when its name is empty.
// Datagram sockets hear of unreachable hosts.
func dialer(iface string) *net.Dialer {
	return &net.Dialer{Control: func(network, _ string, c syscall.RawConn) error {
		var err error
		if controlErr := c.Control(func(fd uintptr) { err = prepare(int(fd), network, iface) }); controlErr != nil {
			return controlErr
		}
		return err
	}}
}

// prepare sets the options of a socket of udp4, udp6, tcp4 or tcp6. Without
// RECVERR a datagram socket is told of closed ports only (udp(7)).
func prepare(fd int, network, iface string) error {
	if err := bindTo(fd, iface); err != nil {
		return err
	}
	switch network {
	case "udp4":
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_RECVERR, 1)
	case "udp6":
		return unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	}
	return nil
}

// bindTo binds a socket to a link. From Linux 5.7 on this needs no privilege
// as long as the socket is not bound to another.
func bindTo(fd int, iface string) error {
	if iface == "" {
		return nil
	}
	if err := unix.BindToDevice(fd, iface); err != nil {
		return deviceError{iface, err}
	}
	return nil
}

// link gives the link of that name.
func link(name string) (*net.Interface, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return nil, deviceError{name, unix.ENODEV}
	}
	return i, nil
}

// source asks the routes for the address that packets to dst have as their
// source. Connecting a datagram socket sends nothing.
func source(ctx context.Context, dst netip.Addr, iface string) (netip.Addr, error) {
	const discard = 9 // RFC 863; any port will do
	conn, err := dialer(iface).DialContext(ctx, "udp", netip.AddrPortFrom(dst, discard).String())
	if err != nil {
		return netip.Addr{}, plain(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err != nil {
		return netip.Addr{}, err
	}
	return local.Addr().Unmap().WithZone(""), nil
}

// neighborLink finds the link whose neighbour dst is: the one that was named,
// or else the one with the source address whose subnet dst lies in.
func neighborLink(ctx context.Context, dst netip.Addr, iface string) (*net.Interface, error) {
	if iface != "" {
		return link(iface)
	}
	from, err := source(ctx, dst, "")
	if err != nil {
		return nil, err
	}
	if from == dst.WithZone("") {
		return nil, errors.New("this host itself has the address")
	}
	links, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	for i := range links {
		prefixes := prefixesOf(&links[i])
		has := slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Addr() == from })
		covers := slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(dst.WithZone("")) })
		if has && covers {
			return &links[i], nil
		}
	}
	return nil, errors.New("it is on no subnet of this host; say by which interface: %IFACE")
}

// prefixesOf are the addresses of a link with their subnets; none when they
// cannot be read.
func prefixesOf(i *net.Interface) []netip.Prefix {
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	var list []netip.Prefix
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p)
		}
	}
	return list
}

// hasAddress tells whether the link has the address.
func hasAddress(i *net.Interface, addr netip.Addr) bool {
	return slices.ContainsFunc(prefixesOf(i), func(p netip.Prefix) bool { return p.Addr() == addr.WithZone("") })
}
