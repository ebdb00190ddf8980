package reach

import (
	"context"
	"net"
	"net/netip"

	"github.com/mdlayher/ndp"
	"golang.org/x/net/ipv6"
)

// solicit wants the address's neighbour advertisement on a link.
func solicit(ctx context.Context, on *net.Interface, addr netip.Addr) error {
	conn, err := listenND(ctx, on, addr)
	if err != nil {
		return openError(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	var advertisements ipv6.ICMPFilter
	advertisements.SetAll(true)
	advertisements.Accept(ipv6.ICMPTypeNeighborAdvertisement)
	if err := conn.SetICMPFilter(&advertisements); err != nil {
		return plain(ctx, err)
	}
	target := addr.WithZone("")
	group, err := ndp.SolicitedNodeMulticast(target)
	if err != nil {
		return err
	}
	request := &ndp.NeighborSolicitation{
		TargetAddress: target,
		Options:       []ndp.Option{&ndp.LinkLayerAddress{Direction: ndp.Source, Addr: on.HardwareAddr}},
	}
	return converse(ctx, conn, again, func() error {
		return conn.WriteTo(request, nil, group)
	}, func() (bool, error) {
		m, _, _, err := conn.ReadFrom()
		advertisement, ok := m.(*ndp.NeighborAdvertisement)
		return err == nil && ok && advertisement.TargetAddress == target, err
	})
}

// listenND opens a socket with the address that the routes would take, if the
// link has it, and else with a link-local one.
func listenND(ctx context.Context, on *net.Interface, addr netip.Addr) (*ndp.Conn, error) {
	choice := ndp.LinkLocal
	if from, err := source(ctx, addr, on.Name); err == nil && hasAddress(on, from) {
		choice = ndp.Addr(from.String())
	}
	conn, _, err := ndp.Listen(on, choice)
	return conn, err
}
