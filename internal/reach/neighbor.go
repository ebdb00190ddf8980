package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Neighbor wants an answer to an ARP request (RFC 826), or of an IPv6 address
// to a neighbour solicitation (RFC 4861). The kernel's own neighbour table is
// neither asked nor changed. It needs CAP_NET_RAW.
func Neighbor(ctx context.Context, t Target) error {
	addrs, err := t.addresses(ctx)
	if err != nil {
		return err
	}
	return each(ctx, addrs, func(ctx context.Context, addr netip.Addr) error {
		on, err := neighborLink(ctx, addr, t.Interface)
		if err != nil {
			return err
		}
		if err := canAsk(on, addr); err != nil {
			return err
		}
		if addr.Is4() {
			return requestARP(ctx, on, addr)
		}
		return solicit(ctx, on, addr)
	})
}

// openError is why a raw socket could not be opened.
func openError(ctx context.Context, err error) error {
	if isForbidden(err) {
		return permanent{"not allowed to ask: that needs CAP_NET_RAW"}
	}
	return plain(ctx, err)
}

func isForbidden(err error) bool { return errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) }

// hardwareLength is that of an Ethernet address.
const hardwareLength = 6

// canAsk says why nobody could answer on a link.
func canAsk(on *net.Interface, addr netip.Addr) error {
	switch {
	case on.Flags&net.FlagUp == 0:
		return errors.New(on.Name + " is down")
	case len(on.HardwareAddr) != hardwareLength:
		return errors.New(on.Name + " has no Ethernet address to ask from")
	case hasAddress(on, addr):
		return errors.New("this host itself has the address")
	}
	return nil
}
