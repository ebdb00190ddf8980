package reach

import (
	"context"
	"net"
	"net/netip"
)

// TCP wants a connection, which it closes at once.
func TCP(ctx context.Context, t Target, port uint16) error {
	conn, err := t.dial(ctx, port)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dial connects to the address that is the first to let it.
func (t Target) dial(ctx context.Context, port uint16) (net.Conn, error) {
	addrs, err := t.addresses(ctx)
	if err != nil {
		return nil, err
	}
	return race(ctx, addrs, func(ctx context.Context, addr netip.Addr) (net.Conn, error) {
		conn, err := dialer(t.Interface).DialContext(ctx, "tcp", netip.AddrPortFrom(addr, port).String())
		if err != nil {
			return nil, plain(ctx, err)
		}
		return conn, nil
	}, func(conn net.Conn) { _ = conn.Close() })
}
