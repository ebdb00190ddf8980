package kernel

import (
	"context"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// A rawNeigh is a neighbour entry of IPv4 or IPv6, or a forwarding entry of a
// bridge or VXLAN (family AF_BRIDGE).
type rawNeigh struct {
	Family uint8  `json:"family"`
	Index  int    `json:"index"`
	State  uint16 `json:"state"`
	Flags  uint8  `json:"flags"`
	// MAC, VLAN and Master tell forwarding entries apart.
	MAC    string `json:"mac,omitempty"`
	VLAN   uint16 `json:"vlan,omitempty"`
	Master int    `json:"master,omitempty"`
	// Body is the message.
	Body []byte `json:"body"`
}

// ndmsgSize is that of struct ndmsg.
const ndmsgSize = unix.SizeofNdMsg

// readFDB dumps the forwarding entries that somebody configured: not those
// learned from traffic, nor the bridge's own local addresses, which come back
// by themselves.
func readFDB(ctx context.Context, c *conn, s *snapshot, _ want) (err error) {
	s.FDB, err = dumpNeighbours(ctx, c, unix.AF_BRIDGE, func(n *rawNeigh) bool {
		const learned = unix.NTF_EXT_LEARNED
		static := n.State&(unix.NUD_NOARP|unix.NUD_PERMANENT) != 0
		return static && n.Flags&learned == 0 && (n.State&unix.NUD_NOARP != 0 || !s.ownMAC(n))
	})
	return err
}

// ownMAC tells whether a forwarding entry is the address of its own port.
func (s *snapshot) ownMAC(n *rawNeigh) bool {
	if l := s.link(n.Index); l != nil && l.MAC == n.MAC {
		return true
	}
	// Multicast addresses that the stack itself listens to are entries "self
	// permanent" of every link and follow its addresses.
	return n.Flags&unix.NTF_SELF != 0 && n.State&unix.NUD_PERMANENT != 0
}

// readNeighbours dumps the permanent neighbours of both families.
func readNeighbours(ctx context.Context, c *conn, s *snapshot, _ want) error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		found, err := dumpNeighbours(ctx, c, family, func(n *rawNeigh) bool {
			return n.Family == family && n.State&unix.NUD_PERMANENT != 0
		})
		if err != nil {
			return err
		}
		s.Neighbours = append(s.Neighbours, found...)
	}
	return nil
}

func dumpNeighbours(ctx context.Context, c *conn, family uint8, wanted func(*rawNeigh) bool) ([]*rawNeigh, error) {
	request := make([]byte, ndmsgSize)
	request[0] = family
	return dumpAll(ctx, c, unix.RTM_GETNEIGH, request, func(body []byte) (*rawNeigh, bool, error) {
		n, err := decodeNeighbour(body)
		if err != nil || !wanted(n) {
			return nil, false, err
		}
		n.Body = append([]byte(nil), body...)
		return n, true, nil
	})
}

// decodeNeighbour decodes the body of an RTM_NEWNEIGH message.
func decodeNeighbour(b []byte) (*rawNeigh, error) {
	if len(b) < ndmsgSize {
		return nil, short("neighbour", b)
	}
	n := &rawNeigh{
		Family: b[0], Index: int(int32(binary.NativeEndian.Uint32(b[4:]))),
		State: binary.NativeEndian.Uint16(b[8:]), Flags: b[10],
	}
	a := scan(b[ndmsgSize:])
	for a.next() {
		switch a.typ {
		case unix.NDA_LLADDR:
			n.MAC = a.mac()
		case unix.NDA_VLAN:
			n.VLAN = a.u16()
		case unix.NDA_MASTER:
			n.Master = a.index()
		}
	}
	return n, a.err
}
