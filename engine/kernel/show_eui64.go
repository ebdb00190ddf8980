package kernel

import (
	"net"
	"net/netip"
)

// isEUI64 tells whether an address ends in the identifier that the kernel
// makes of a MAC: a flipped bit, and FF:FE in the middle (RFC 4291, appendix A).
func isEUI64(mac string, ip netip.Addr) bool {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 || !ip.Is6() {
		return false
	}
	b := ip.As16()
	return [8]byte(b[8:]) == [8]byte{hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]}
}
