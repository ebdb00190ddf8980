package kernel

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// headerSize is that of struct nlmsghdr.
const headerSize = unix.SizeofNlMsghdr

// A message is one netlink message inside a receive buffer, not copied out.
type message struct {
	typ, flags uint16
	seq        uint32
	body       []byte
}

// splitMessage takes the first message off a datagram. The body is as long as
// the header says, the rest begins at the next boundary of four bytes.
func splitMessage(b []byte) (m message, rest []byte, err error) {
	if len(b) < headerSize {
		return message{}, nil, fmt.Errorf("netlink header of %d bytes", len(b))
	}
	n := int(binary.NativeEndian.Uint32(b))
	if n < headerSize || n > len(b) {
		return message{}, nil, fmt.Errorf("netlink message says %d bytes, has %d", n, len(b))
	}
	m = message{
		typ:   binary.NativeEndian.Uint16(b[4:]),
		flags: binary.NativeEndian.Uint16(b[6:]),
		seq:   binary.NativeEndian.Uint32(b[8:]),
		body:  b[headerSize:n],
	}
	return m, b[min(align4(n), len(b)):], nil
}

// align4 is NLMSG_ALIGN and NLA_ALIGN.
func align4(n int) int { return (n + 3) &^ 3 }

// ackOf reads the verdict that a message of type NLMSG_ERROR or NLMSG_DONE
// carries: nil, or an *ackError with the kernel's own words.
//
// An error message is the errno, the header of the request, unless capped its
// body, and then attributes; a done message is the errno and attributes
// (netlink_ack and netlink_dump_done, net/netlink/af_netlink.c).
func ackOf(m message) error {
	if len(m.body) < 4 {
		if m.typ == unix.NLMSG_DONE {
			return nil // old genetlink families send it empty
		}
		return fmt.Errorf("acknowledgement of %d bytes", len(m.body))
	}
	code := int32(binary.NativeEndian.Uint32(m.body))
	if code >= 0 {
		return nil
	}
	ack := &ackError{Errno: unix.Errno(-code)}
	if m.flags&unix.NLM_F_ACK_TLVS != 0 {
		ack.Text = ackText(m)
	}
	return ack
}

// ackText is the extended acknowledgement's text, empty if it has none.
func ackText(m message) string {
	tlvs := m.body[4:]
	if m.typ == unix.NLMSG_ERROR {
		skip := headerSize
		if m.flags&unix.NLM_F_CAPPED == 0 && len(tlvs) >= 4 {
			skip = max(align4(int(binary.NativeEndian.Uint32(tlvs))), headerSize)
		}
		if skip > len(tlvs) || skip < 0 {
			return ""
		}
		tlvs = tlvs[skip:]
	}
	for a := scan(tlvs); a.next(); {
		if a.typ == unix.NLMSGERR_ATTR_MSG {
			return a.text()
		}
	}
	return ""
}
