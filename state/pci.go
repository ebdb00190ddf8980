package state

import (
	"errors"
	"regexp"
	"strings"
)

// PCIAddress is where hardware sits on the PCI bus, "0000:07:00.0": domain,
// bus, slot and function in lower case. Empty was not mentioned.
type PCIAddress string

var errNotPCI = errors.New("not a PCI address such as 0000:07:00.0")

// pciForm is what the kernel prints (pci_setup_device, drivers/pci/probe.c).
// Documents may leave domain 0 out; some hosts have wider domains.
var pciForm = regexp.MustCompile(`^([0-9a-f]{4,8}:)?[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$`)

// UnmarshalText reads a PCI address, in which domain 0 may be left out.
func (p *PCIAddress) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*p = ""
		return nil
	}
	s := strings.ToLower(string(text))
	found := pciForm.FindStringSubmatch(s)
	if found == nil {
		return errNotPCI
	}
	if found[1] == "" {
		s = "0000:" + s
	}
	*p = PCIAddress(s)
	return nil
}
