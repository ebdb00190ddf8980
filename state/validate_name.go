package state

import (
	"fmt"
	"net"
	"strings"
	"unicode"
)

// maxName is the longest name of a link in bytes (IFNAMSIZ - 1).
const maxName = 15

// maxAltName is the longest alternative name in bytes (ALTIFNAMSIZ - 1).
const maxAltName = 127

// name checks an interface's name. Names of profiles and of user space's
// types are free.
func (v *validation) name(i *Interface) {
	switch {
	case i.Name == "":
		v.fault(i, "", "", "the interface has no name", "add a name, such as eth0")
	case i.Identifier == ByMAC || i.Identifier == ByPCI || i.Type == TypeOVSBridge || i.Type == TypeIPsec:
	case i.State == Absent && len(i.Name) > maxName:
		v.badName(i, "name", i.Name, maxAltName)
	default:
		v.badName(i, "name", i.Name, maxName)
	}
}

// badName reports what the kernel refuses in a name (dev_valid_name in
// net/core/dev.c).
func (v *validation) badName(i *Interface, path, name string, longest int) {
	switch {
	case name == "":
		v.fault(i, path, name, "the name is empty", "give a name, such as eth0")
	case len(name) > longest:
		v.fault(i, path, name, fmt.Sprintf("a name has at most %d bytes, this one has %d", longest, len(name)), shorter(longest))
	case name == "." || name == "..":
		v.fault(i, path, name, "is no name for an interface", "letters, digits, '-', '_' and '.' make a name")
	case strings.ContainsAny(name, "/:"):
		v.fault(i, path, name, "a name cannot contain '/' or ':'", "letters, digits, '-', '_' and '.' make a name")
	case strings.ContainsFunc(name, unicode.IsSpace):
		v.fault(i, path, name, "a name cannot contain white space", "letters, digits, '-', '_' and '.' make a name")
	}
}

// shorter says what to do about a name that is too long.
func shorter(longest int) string {
	if longest == maxName {
		return "longer names, up to 127 bytes, go under alt-names"
	}
	return ""
}

func (v *validation) altNames(i *Interface) {
	for n, a := range i.AltNames {
		path := "alt-names[" + itoa(n) + "]"
		v.badName(i, path+".name", a.Name, maxAltName)
		if a.State != "" && a.State != Absent && a.State != Up {
			v.fault(i, path+".state", string(a.State), "an alternative name can only be absent", "leave state out to add the name")
		}
	}
}

func (v *validation) identifier(i *Interface) {
	if i.Identifier == ByMAC && i.MAC == "" {
		v.fault(i, "identifier", string(i.Identifier), "needs the mac-address to find the interface by", "add mac-address with the NIC's permanent address")
	}
	if i.Identifier == ByPCI && i.PCIAddress == "" {
		v.fault(i, "identifier", string(i.Identifier), "needs the pci-address to find the interface by", "add pci-address, such as 0000:07:00.0")
	}
}

// macs checks addresses and what they contradict.
func (v *validation) macs(i *Interface) {
	if i.Identifier != ByMAC {
		v.badMAC(i, i.MAC)
	}
	if i.CopyMACFrom == "" {
		return
	}
	switch {
	case i.CopyMACFrom == i.Name:
		v.fault(i, "copy-mac-from", i.CopyMACFrom, "is the interface itself", "name the interface whose address to take")
	case i.MAC != "" && i.Identifier != ByMAC:
		v.fault(i, "copy-mac-from", i.CopyMACFrom, "contradicts mac-address "+string(i.MAC), "leave one of them out")
	case !unresolved(i.Type) && i.Type != TypeBond && i.Type != TypeBridge && i.Type != TypeOVSPort:
		v.fault(i, "copy-mac-from", i.CopyMACFrom, "is for bonds and bridges, not for an interface of type "+string(i.Type), "give mac-address in its place")
	}
}

// badMAC reports an address that no interface can have
// (is_valid_ether_addr in include/linux/etherdevice.h).
func (v *validation) badMAC(i *Interface, mac MAC) {
	hw, err := net.ParseMAC(string(mac))
	if mac == "" || err != nil || len(hw) != 6 {
		return
	}
	switch {
	case hw[0]&1 != 0:
		v.fault(i, "mac-address", string(mac), "is a multicast address", "the first byte of an interface's address is even")
	case hw.String() == "00:00:00:00:00:00" && i.Type != TypeLoopback:
		v.fault(i, "mac-address", string(mac), "an interface's address cannot be zero", "leave mac-address out to keep the address")
	}
}

func (v *validation) controller(i *Interface) {
	if i.Controller != nil && *i.Controller == i.Name && i.Name != "" {
		v.fault(i, "controller", i.Name, "the interface cannot be its own controller", "name the bond or the bridge that it is a port of")
	}
}

// loopback checks what cannot be changed on the loopback interface.
func (v *validation) loopback(i *Interface) {
	if i.Type != TypeLoopback && (i.Name != "lo" || !unresolved(i.Type)) {
		return
	}
	if i.IPv4 != nil && isNot(i.IPv4.Enabled) {
		v.fault(i, "ipv4.enabled", "false", "the loopback interface keeps IPv4", "leave the key out")
	}
	if i.IPv4 != nil && is(i.IPv4.DHCP) {
		v.fault(i, "ipv4.dhcp", "true", "the loopback interface has no DHCP", "leave the key out")
	}
	if i.IPv6 != nil && isNot(i.IPv6.Enabled) {
		v.fault(i, "ipv6.enabled", "false", "the loopback interface keeps IPv6", "leave the key out")
	}
	if i.IPv6 != nil && (is(i.IPv6.DHCP) || is(i.IPv6.Autoconf)) {
		v.fault(i, "ipv6", "", "the loopback interface has no DHCP and no autoconf", "leave both keys out")
	}
	if value(i.Controller, "") != "" {
		v.fault(i, "controller", *i.Controller, "the loopback interface cannot be a port", "leave the key out")
	}
}
