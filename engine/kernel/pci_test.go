package kernel

import (
	"testing"

	"holdfast/state"
)

func TestPCIAddressOfTheBusDevice(t *testing.T) {
	for _, tt := range []struct {
		link rawLink
		want state.PCIAddress
	}{
		{rawLink{Name: "eth0", ParentDevice: "0000:07:00.0"}, "0000:07:00.0"},
		{rawLink{Name: "eth0", ParentDevice: "10000:e1:1f.7"}, "10000:e1:1f.7"},
		{rawLink{Name: "no-such-link", ParentDevice: "no-such-device"}, ""},
		{rawLink{Name: "no-such-link"}, ""},
		{rawLink{Name: "eth0.7", Kind: "vlan", ParentDevice: "0000:07:00.0"}, ""},
	} {
		if got := pciAddress(&tt.link); got != tt.want {
			t.Errorf("%+v is at %q, want %q", tt.link, got, tt.want)
		}
	}
}
