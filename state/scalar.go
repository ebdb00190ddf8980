package state

import (
	"errors"
	"strings"
)

var errNotMAC = errors.New("not a MAC address such as 52:54:00:12:34:56")

// macLengths are the numbers of bytes that hardware addresses have: tunnels
// over IPv4, Ethernet, FireWire, tunnels over IPv6, InfiniBand.
var macLengths = [...]int{4, 6, 8, 16, 20}

// UnmarshalText reads a hardware address, in hexadecimal bytes with colons
// between them, and writes it in upper case. An empty text was not mentioned.
func (m *MAC) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*m = ""
		return nil
	}
	upper := strings.ToUpper(string(text))
	if !isMAC(upper) {
		return errNotMAC
	}
	*m = MAC(upper)
	return nil
}

// isMAC reports whether s is two hexadecimal digits, a colon, two digits…
func isMAC(s string) bool {
	for i := range len(s) {
		c := s[i]
		if i%3 == 2 {
			if c != ':' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'A' || c > 'F') {
			return false
		}
	}
	for _, n := range macLengths {
		if len(s) == 3*n-1 {
			return true
		}
	}
	return false
}
