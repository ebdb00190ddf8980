package kernel

import (
	"encoding/binary"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/engine"
)

// routeBody is a struct rtmsg of a protocol.
func routeBody(protocol byte, flags uint32) []byte {
	return binary.NativeEndian.AppendUint32([]byte{unix.AF_INET, 24, 0, 0, 254, protocol, 0, unix.RTN_UNICAST}, flags)
}

func TestChangeOf(t *testing.T) {
	link := wireMessage(unix.RTM_NEWLINK, 0, 0, make([]byte, 16))
	for _, c := range []struct {
		name     string
		datagram []byte
		want     engine.Change
	}{
		{"nothing", nil, engine.Change{}},
		{"a link", link, engine.Change{Links: true}},
		{"two in one", slices.Concat(link, wireMessage(unix.RTM_DELADDR, 0, 0, make([]byte, 8))), engine.Change{Links: true, Addresses: true}},
		{"a setting", wireMessage(unix.RTM_NEWNETCONF, 0, 0, make([]byte, 4)), engine.Change{Addresses: true}},
		{"a rule", wireMessage(unix.RTM_DELRULE, 0, 0, make([]byte, 12)), engine.Change{Rules: true}},
		{"a static route", wireMessage(unix.RTM_NEWROUTE, 0, 0, routeBody(unix.RTPROT_STATIC, 0)), engine.Change{Routes: true}},
		{"a leased route", wireMessage(unix.RTM_DELROUTE, 0, 0, routeBody(unix.RTPROT_DHCP, 0)), engine.Change{Routes: true}},
		{"a daemon's route", wireMessage(unix.RTM_NEWROUTE, 0, 0, routeBody(unix.RTPROT_BGP, 0)), engine.Change{}},
		{"a cached route", wireMessage(unix.RTM_NEWROUTE, 0, 0, routeBody(unix.RTPROT_STATIC, unix.RTM_F_CLONED)), engine.Change{}},
		{"half a route", wireMessage(unix.RTM_NEWROUTE, 0, 0, []byte{unix.AF_INET}), engine.Change{Routes: true}},
		{"damaged", link[:len(link)-1], engine.Change{Lost: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := changeOf(c.datagram); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
