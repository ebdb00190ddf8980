package kernel

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/sys/unix"
)

// An attrScanner walks netlink attributes in place: no copy and no allocation
// for an attribute. The readers give the current value; a value of the wrong
// size is kept as the first error in err and reads as zero, so that a decoder
// looks at err once, at its end.
type attrScanner struct {
	rest []byte
	typ  uint16 // without NLA_F_NESTED and NLA_F_NET_BYTEORDER
	val  []byte // of the scanned buffer
	err  error
}

// nlaTypeMask is NLA_TYPE_MASK.
const nlaTypeMask = ^uint16(unix.NLA_F_NESTED | unix.NLA_F_NET_BYTEORDER)

// scan begins a walk over b.
func scan(b []byte) attrScanner { return attrScanner{rest: b} }

// next moves to the next attribute; false at the end and after damage.
func (a *attrScanner) next() bool {
	if len(a.rest) < unix.SizeofNlAttr || a.err != nil {
		return false // fewer than four bytes are padding
	}
	n := int(binary.NativeEndian.Uint16(a.rest))
	if n < unix.SizeofNlAttr || n > len(a.rest) {
		a.err = fmt.Errorf("attribute says %d bytes, has %d", n, len(a.rest))
		return false
	}
	a.typ = binary.NativeEndian.Uint16(a.rest[2:]) & nlaTypeMask
	a.val = a.rest[unix.SizeofNlAttr:n]
	a.rest = a.rest[min(align4(n), len(a.rest)):]
	return true
}

// need checks the size of the current value.
func (a *attrScanner) need(n int) bool {
	if len(a.val) >= n {
		return true
	}
	if a.err == nil {
		a.err = fmt.Errorf("attribute %d has %d bytes, not %d", a.typ, len(a.val), n)
	}
	return false
}

// keep remembers the error of a nested walk.
func (a *attrScanner) keep(err error) {
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("attribute %d: %w", a.typ, err)
	}
}

func (a *attrScanner) u8() uint8 {
	if !a.need(1) {
		return 0
	}
	return a.val[0]
}

func (a *attrScanner) flag() bool { return a.u8() != 0 }

func (a *attrScanner) u16() uint16 {
	if !a.need(2) {
		return 0
	}
	return binary.NativeEndian.Uint16(a.val)
}

// be16 is a value in network byte order (ports, ethertypes).
func (a *attrScanner) be16() uint16 {
	if !a.need(2) {
		return 0
	}
	return binary.BigEndian.Uint16(a.val)
}

func (a *attrScanner) u32() uint32 {
	if !a.need(4) {
		return 0
	}
	return binary.NativeEndian.Uint32(a.val)
}

func (a *attrScanner) s32() int32 { return int32(a.u32()) }

func (a *attrScanner) index() int { return int(a.s32()) }

func (a *attrScanner) u64() uint64 {
	if !a.need(8) {
		return 0
	}
	return binary.NativeEndian.Uint64(a.val)
}

// text is a string up to its first zero byte.
func (a *attrScanner) text() string { return cString(a.val) }

func cString(b []byte) string {
	text, _, _ := strings.Cut(string(b), "\x00")
	return text
}

// bytes is a copy of the value.
func (a *attrScanner) bytes() []byte { return append([]byte(nil), a.val...) }

// mac is a hardware address in colon notation, upper case as the schema prints
// it; empty for an address of no bytes.
func (a *attrScanner) mac() string { return macText(a.val) }

func macText(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if len(b) != 6 {
		return strings.ToUpper(net.HardwareAddr(b).String())
	}
	const hex = "0123456789ABCDEF"
	var out [17]byte
	for i, v := range b {
		if i > 0 {
			out[i*3-1] = ':'
		}
		out[i*3], out[i*3+1] = hex[v>>4], hex[v&15]
	}
	return string(out[:])
}

// addr is an IP address of four or sixteen bytes. An IPv4-mapped IPv6 address
// stays IPv6: it is what the kernel has.
func (a *attrScanner) addr() netip.Addr {
	ip, ok := netip.AddrFromSlice(a.val)
	if !ok && a.err == nil {
		a.err = fmt.Errorf("attribute %d: address of %d bytes", a.typ, len(a.val))
	}
	return ip
}

// prefix is an address with a length taken from the message's header.
func (a *attrScanner) prefix(bits uint8) netip.Prefix {
	ip := a.addr()
	p := netip.PrefixFrom(ip, int(bits))
	if ip.IsValid() && !p.IsValid() && a.err == nil {
		a.err = fmt.Errorf("attribute %d: prefix length %d of %s", a.typ, bits, ip)
	}
	return p
}

// short says that a message's fixed header is incomplete.
func short(what string, b []byte) error {
	return fmt.Errorf("%s message of %d bytes", what, len(b))
}
