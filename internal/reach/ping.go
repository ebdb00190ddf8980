package reach

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// Ping wants a reply to an echo request (RFC 792, RFC 4443). It takes a raw
// socket (CAP_NET_RAW) where it may, and else a ping socket, which is for the
// groups of net.ipv4.ping_group_range (icmp(7)).
func Ping(ctx context.Context, t Target) error {
	addrs, err := t.addresses(ctx)
	if err != nil {
		return err
	}
	return each(ctx, addrs, func(ctx context.Context, addr netip.Addr) error {
		e, err := openEcho(addr, t.Interface)
		if err != nil {
			return plain(ctx, err)
		}
		defer func() { _ = e.conn.Close() }()
		return converse(ctx, e.conn, again, e.send, e.receive)
	})
}

// echoFamily is what differs between the families.
type echoFamily struct {
	domain, protocol      int
	errorLevel, errorName int
	request, reply        icmp.Type
}

var (
	echo4 = echoFamily{domain: unix.AF_INET, protocol: unix.IPPROTO_ICMP,
		errorLevel: unix.IPPROTO_IP, errorName: unix.IP_RECVERR,
		request: ipv4.ICMPTypeEcho, reply: ipv4.ICMPTypeEchoReply}
	echo6 = echoFamily{domain: unix.AF_INET6, protocol: unix.IPPROTO_ICMPV6,
		errorLevel: unix.IPPROTO_IPV6, errorName: unix.IPV6_RECVERR,
		request: ipv6.ICMPTypeEchoRequest, reply: ipv6.ICMPTypeEchoReply}
)

// echo is a connected socket that sends echo requests. The kernel gives it
// nothing but what the peer sends, and what routers say of our requests as
// errors.
type echo struct {
	echoFamily
	conn     net.Conn
	nonce    []byte // tells our replies from those to others; ping sockets choose the id themselves
	id, seq  int
	received []byte
}

// openEcho opens a socket of either kind.
func openEcho(addr netip.Addr, iface string) (*echo, error) {
	family := echo4
	if addr.Is6() {
		family = echo6
	}
	conn, err := family.connect(unix.SOCK_RAW, addr, iface)
	if errors.Is(err, errForbidden) {
		conn, err = family.connect(unix.SOCK_DGRAM, addr, iface)
	}
	if err != nil {
		return nil, err
	}
	return family.echo(conn), nil
}

// echo is the conversation over a connected socket.
func (f echoFamily) echo(conn net.Conn) *echo {
	random := make([]byte, 18)
	_, _ = rand.Read(random) // never fails
	return &echo{echoFamily: f, conn: conn, nonce: random[2:],
		id: int(random[0])<<8 | int(random[1]), received: make([]byte, 1<<16)}
}

// errForbidden is what the kernel's EPERM or EACCES for a socket means.
var errForbidden error = permanent{"not allowed to ping: that needs CAP_NET_RAW or a group in net.ipv4.ping_group_range"}

// connect makes the socket. With RECVERR it hears of unreachable hosts, too
// (ip(7)).
func (f echoFamily) connect(sort int, addr netip.Addr, iface string) (net.Conn, error) {
	fd, err := unix.Socket(f.domain, sort|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, f.protocol)
	if isForbidden(err) {
		return nil, errForbidden
	}
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	file := os.NewFile(uintptr(fd), "icmp")
	defer func() { _ = file.Close() }() // FileConn has one of its own
	if err := bindTo(fd, iface); err != nil {
		return nil, err
	}
	if err := unix.SetsockoptInt(fd, f.errorLevel, f.errorName, 1); err != nil {
		return nil, os.NewSyscallError("setsockopt", err)
	}
	peer, err := f.sockaddr(addr)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, peer); err != nil {
		return nil, os.NewSyscallError("connect", err)
	}
	return net.FileConn(file)
}

func (f echoFamily) sockaddr(addr netip.Addr) (unix.Sockaddr, error) {
	if addr.Is4() {
		return &unix.SockaddrInet4{Addr: addr.As4()}, nil
	}
	peer := &unix.SockaddrInet6{Addr: addr.As16()}
	if zone := addr.Zone(); zone != "" {
		i, err := link(zone)
		if err != nil {
			return nil, err
		}
		peer.ZoneId = uint32(i.Index)
	}
	return peer, nil
}

// send sends the next request. The kernel fills in the checksum of ICMPv6.
func (e *echo) send() error {
	e.seq++
	m := icmp.Message{Type: e.request, Body: &icmp.Echo{ID: e.id, Seq: e.seq, Data: e.nonce}}
	packet, err := m.Marshal(nil)
	if err != nil {
		return err
	}
	_, err = e.conn.Write(packet)
	return err
}

// receive reads one packet; a reply to any of our requests will do. ReadFrom
// is what takes the header off a packet of a raw IPv4 socket.
func (e *echo) receive() (bool, error) {
	n, _, err := e.conn.(net.PacketConn).ReadFrom(e.received)
	if err != nil {
		return false, err
	}
	m, err := icmp.ParseMessage(e.protocol, e.received[:n])
	if err != nil || m.Type != e.reply {
		return false, nil // somebody else's, or damaged
	}
	body, ok := m.Body.(*icmp.Echo)
	return ok && bytes.Equal(body.Data, e.nonce), nil
}
