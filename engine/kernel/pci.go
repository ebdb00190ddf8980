package kernel

import (
	"os"
	"path/filepath"

	"holdfast/state"
)

// pciAddress tells where a NIC sits on the PCI bus, "" for one that does not
// or of which it is not known. The kernel names the bus device since Linux
// 5.14; before, and above a virtio device, only the tree of devices does.
func pciAddress(l *rawLink) state.PCIAddress {
	if l.Kind != "" {
		return ""
	}
	device := l.ParentDevice
	if device == "" {
		device = linkedTo("/sys/class/net/" + l.Name + "/device")
	}
	if at := asPCI(filepath.Base(device)); at != "" {
		return at
	}
	above := linkedTo("/sys/bus/virtio/devices/" + filepath.Base(device))
	return asPCI(filepath.Base(filepath.Dir(above)))
}

// linkedTo is where a symbolic link leads; "." where there is none.
func linkedTo(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return "."
	}
	return target
}

// asPCI takes the name of a device for a PCI address; "" for another one.
func asPCI(name string) state.PCIAddress {
	var at state.PCIAddress
	if at.UnmarshalText([]byte(name)) != nil {
		return ""
	}
	return at
}
