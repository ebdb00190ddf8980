package kernel

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// foreverLife is a lifetime without an end (INFINITY_LIFE_TIME).
const foreverLife = ^uint32(0)

// ifaProto is IFA_PROTO (Linux 5.18), and below what the kernel puts there
// (IFAPROT_KERNEL_*, include/uapi/linux/if_addr.h).
const (
	ifaProto        = 11
	addrProtoLo     = 1
	addrProtoRA     = 2
	addrProtoLinkLL = 3
)

// A rawAddress is one address of a link as the kernel tells it.
type rawAddress struct {
	Index  int   `json:"index"`
	Family uint8 `json:"family"`
	// Prefix is the link's own address with the length of its network.
	Prefix netip.Prefix `json:"prefix"`
	// Peer is the far end of a point-to-point address; invalid without one.
	Peer      netip.Addr `json:"peer,omitzero"`
	Broadcast netip.Addr `json:"broadcast,omitzero"`
	Label     string     `json:"label,omitempty"`
	Scope     uint8      `json:"scope,omitempty"`
	Flags     uint32     `json:"flags"`
	// Valid and Preferred are in seconds; foreverLife is no end.
	Valid     uint32 `json:"valid"`
	Preferred uint32 `json:"preferred"`
	// Protocol says who made it; 0 is not known (and always before Linux 5.18).
	Protocol uint8 `json:"protocol,omitempty"`
	// Metric is that of the route which the address brings; 0 is the default.
	Metric uint32 `json:"metric,omitempty"`
	// Body is the message, kept for a checkpoint only.
	Body []byte `json:"body,omitempty"`
}

// permanent tells whether the address has no end of life.
func (a *rawAddress) permanent() bool { return a.Valid == foreverLife }

// readAddresses dumps the addresses of both families.
func readAddresses(ctx context.Context, c *conn, s *snapshot, w want) (err error) {
	request := make([]byte, unix.SizeofIfAddrmsg)
	s.Addresses, err = dumpAll(ctx, c, unix.RTM_GETADDR, request, func(body []byte) (*rawAddress, bool, error) {
		if len(body) > 0 && body[0] != unix.AF_INET && body[0] != unix.AF_INET6 {
			return nil, false, nil
		}
		a, err := decodeAddress(body)
		if err == nil && w&wantRaw != 0 {
			a.Body = append([]byte(nil), body...)
		}
		return a, true, err
	})
	return err
}

// decodeAddress decodes the body of an RTM_NEWADDR message.
func decodeAddress(b []byte) (*rawAddress, error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return nil, short("address", b)
	}
	bits := b[1]
	out := &rawAddress{
		Family: b[0], Flags: uint32(b[2]), Scope: b[3],
		Index: int(binary.NativeEndian.Uint32(b[4:])),
		Valid: foreverLife, Preferred: foreverLife,
	}
	var local, address netip.Addr
	a := scan(b[unix.SizeofIfAddrmsg:])
	for a.next() {
		switch a.typ {
		case unix.IFA_LOCAL:
			local = a.addr()
		case unix.IFA_ADDRESS:
			address = a.addr()
		default:
			out.decodeRest(&a)
		}
	}
	// IPv6 sends only the address without a peer, IPv4 always both.
	if !local.IsValid() {
		local = address
	} else if address.IsValid() && address != local {
		out.Peer = address
	}
	out.Prefix = netip.PrefixFrom(local, int(bits))
	if a.err == nil && !out.Prefix.IsValid() {
		a.err = fmt.Errorf("address %s with prefix length %d", local, bits)
	}
	if a.err != nil {
		return nil, fmt.Errorf("address of link %d: %w", out.Index, a.err)
	}
	return out, nil
}

// decodeRest takes the attributes that are not addresses of the link.
func (a *rawAddress) decodeRest(n *attrScanner) {
	switch n.typ {
	case unix.IFA_BROADCAST:
		a.Broadcast = n.addr()
	case unix.IFA_LABEL:
		a.Label = n.text()
	case unix.IFA_FLAGS:
		a.Flags = n.u32()
	case unix.IFA_RT_PRIORITY:
		a.Metric = n.u32()
	case ifaProto:
		a.Protocol = n.u8()
	case unix.IFA_CACHEINFO: // struct ifa_cacheinfo: preferred, valid, …
		if n.need(8) {
			a.Preferred = binary.NativeEndian.Uint32(n.val)
			a.Valid = binary.NativeEndian.Uint32(n.val[4:])
		}
	}
}
