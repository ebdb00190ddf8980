package reach

import (
	"bytes"
	"net"
	"net/netip"
	"slices"
	"testing"
)

// TestARPPacket holds the bytes of a request against RFC 826, and what counts
// as a reply to it.
func TestARPPacket(t *testing.T) {
	hardware := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	gateway := netip.MustParseAddr("192.0.2.1")
	request := arpPacket(hardware, netip.MustParseAddr("192.0.2.9"), gateway)
	want := []byte{0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1}
	if !bytes.Equal(request, want) {
		t.Errorf("request % x, want % x", request, want)
	}
	reply := []byte{0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 2, 0, 0, 0, 0, 9, 192, 0, 2, 9}
	padded := append(slices.Clone(reply), make([]byte, 18)...) // to the least frame of Ethernet
	for name, tt := range map[string]struct {
		packet []byte
		want   bool
	}{
		"reply":          {reply, true},
		"padded":         {padded, true},
		"own request":    {request, false},
		"short":          {reply[:27], false},
		"empty":          {nil, false},
		"somebody else":  {changed(reply, 17, 2), false},
		"other protocol": {changed(reply, 2, 9), false},
		"other hardware": {changed(reply, 1, 6), false},
	} {
		if got := answersARP(tt.packet, gateway); got != tt.want {
			t.Errorf("%s: answer %v, want %v", name, got, tt.want)
		}
	}
}

// changed is the packet with another byte at a place.
func changed(packet []byte, at int, to byte) []byte {
	packet = slices.Clone(packet)
	packet[at] = to
	return packet
}
