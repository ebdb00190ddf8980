package kernel

import (
	"encoding/binary"
	"net"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// An encoder builds the body of one netlink message: a fixed header and then
// attributes. Its methods append; the zero value is empty.
type encoder struct{ b []byte }

// attr appends one attribute.
func (e *encoder) attr(typ uint16, value []byte) { e.b = appendAttr(e.b, typ, value) }

func (e *encoder) u8(typ uint16, v uint8) { e.attr(typ, []byte{v}) }

func (e *encoder) u16(typ, v uint16) {
	e.attr(typ, binary.NativeEndian.AppendUint16(nil, v))
}

// be16 is in network byte order, as EtherTypes are.
func (e *encoder) be16(typ, v uint16) { e.attr(typ, binary.BigEndian.AppendUint16(nil, v)) }

func (e *encoder) u32(typ uint16, v uint32) { e.b = appendU32(e.b, typ, v) }

func (e *encoder) u64(typ uint16, v uint64) {
	e.attr(typ, binary.NativeEndian.AppendUint64(nil, v))
}

func (e *encoder) flag(typ uint16, v bool) { e.u8(typ, bit[uint8](v)) }

// text appends a string with its terminating zero.
func (e *encoder) text(typ uint16, v string) { e.attr(typ, append([]byte(v), 0)) }

// addr appends an IP address of four or sixteen bytes.
func (e *encoder) addr(typ uint16, v netip.Addr) { e.attr(typ, v.AsSlice()) }

// mac appends a hardware address; one that cannot be read is left out, since
// validation has refused it long before.
func (e *encoder) mac(typ uint16, v string) {
	if hw, err := net.ParseMAC(v); err == nil {
		e.attr(typ, hw)
	}
}

// nest appends an attribute that holds what fill appends.
func (e *encoder) nest(typ uint16, fill func(*encoder)) {
	start := len(e.b)
	e.b = append(e.b, 0, 0, 0, 0)
	fill(e)
	binary.NativeEndian.PutUint16(e.b[start:], uint16(len(e.b)-start))
	binary.NativeEndian.PutUint16(e.b[start+2:], typ|unix.NLA_F_NESTED)
}

// bit is 1 for true.
func bit[T uint8 | uint16 | uint32](v bool) T {
	if v {
		return 1
	}
	return 0
}

// An ifHeader is struct ifinfomsg (rtnetlink(7)): which link, and which of its
// flags to change.
type ifHeader struct {
	family        uint8
	index         int
	flags, change uint32
}

// encode begins a message with the header.
func (h ifHeader) encode() *encoder {
	b := make([]byte, 16, 96)
	b[0] = h.family
	binary.NativeEndian.PutUint32(b[4:], uint32(h.index))
	binary.NativeEndian.PutUint32(b[8:], h.flags)
	binary.NativeEndian.PutUint32(b[12:], h.change)
	return &encoder{b}
}

// message makes a message of a type out of what was encoded.
func (e *encoder) message(typ uint16, flags netlink.HeaderFlags) netlink.Message {
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(typ), Flags: flags},
		Data:   e.b,
	}
}

// setLink makes a message that changes the link of an index.
func setLink(index int, fill func(*encoder)) netlink.Message {
	e := ifHeader{index: index}.encode()
	fill(e)
	return e.message(unix.RTM_NEWLINK, 0)
}

// setFlags makes a message that sets or clears flags (IFF_UP, IFF_PROMISC).
func setFlags(index int, flags, change uint32) netlink.Message {
	return ifHeader{index: index, flags: flags, change: change}.encode().message(unix.RTM_NEWLINK, 0)
}

// setInfo makes a message that changes options of the link's own kind.
func setInfo(index int, kind string, fill func(*encoder)) netlink.Message {
	return setLink(index, func(e *encoder) {
		e.nest(unix.IFLA_LINKINFO, func(e *encoder) {
			e.text(unix.IFLA_INFO_KIND, kind)
			e.nest(unix.IFLA_INFO_DATA, fill)
		})
	})
}

// setPort makes a message that changes options of a port of a bond or bridge.
func setPort(index int, kind string, fill func(*encoder)) netlink.Message {
	return setLink(index, func(e *encoder) {
		e.nest(unix.IFLA_LINKINFO, func(e *encoder) {
			e.text(unix.IFLA_INFO_SLAVE_KIND, kind)
			e.nest(unix.IFLA_INFO_SLAVE_DATA, fill)
		})
	})
}

// setMaster makes a message that puts the link under a controller, 0 for none.
func setMaster(index, master int) netlink.Message {
	return setLink(index, func(e *encoder) { e.u32(unix.IFLA_MASTER, uint32(master)) })
}
