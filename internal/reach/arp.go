package reach

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// The words of an ARP packet for IPv4 over Ethernet (RFC 826).
const (
	arpEthernet = 1
	arpRequest  = 1
	arpReply    = 2
	arpLength   = 28
)

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// requestARP wants the address's answer on a link.
func requestARP(ctx context.Context, on *net.Interface, addr netip.Addr) error {
	conn, err := packet.Listen(on, packet.Datagram, unix.ETH_P_ARP, nil)
	if err != nil {
		return openError(ctx, err)
	}
	defer func() { _ = conn.Close() }()
	request := arpPacket(on.HardwareAddr, arpSource(ctx, on, addr), addr)
	received := make([]byte, 128)
	return converse(ctx, conn, again, func() error {
		_, err := conn.WriteTo(request, &packet.Addr{HardwareAddr: broadcast})
		return err
	}, func() (bool, error) {
		n, _, err := conn.ReadFrom(received)
		return err == nil && answersARP(received[:n], addr), err
	})
}

// arpSource is the address to ask with. A link without one that the routes
// would take asks with none, as duplicate detection does (RFC 5227 2.1.1); hosts
// answer that too.
func arpSource(ctx context.Context, on *net.Interface, addr netip.Addr) netip.Addr {
	if from, err := source(ctx, addr, on.Name); err == nil && hasAddress(on, from) {
		return from
	}
	return netip.IPv4Unspecified()
}

// arpPacket is a request for the address of dst.
func arpPacket(hardware net.HardwareAddr, from, dst netip.Addr) []byte {
	p := make([]byte, 0, arpLength)
	p = binary.BigEndian.AppendUint16(p, arpEthernet)
	p = binary.BigEndian.AppendUint16(p, unix.ETH_P_IP)
	p = append(p, hardwareLength, net.IPv4len)
	p = binary.BigEndian.AppendUint16(p, arpRequest)
	p = append(append(p, hardware...), from.AsSlice()...)
	return append(append(p, make([]byte, hardwareLength)...), dst.AsSlice()...)
}

// answersARP tells whether the packet is a reply of the address.
func answersARP(p []byte, addr netip.Addr) bool {
	head := []byte{0, arpEthernet, unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff, hardwareLength, net.IPv4len, 0, arpReply}
	return len(p) >= arpLength && bytes.HasPrefix(p, head) && bytes.Equal(p[14:18], addr.AsSlice())
}
