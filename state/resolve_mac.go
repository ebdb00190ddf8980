package state

import "strings"

// indexMACs finds links by address in upper case: first, by the one that the
// hardware came with, then by the one in use. Links that the document makes
// have none yet.
func (m *merger) indexMACs() map[MAC][]*link {
	macs := make(map[MAC][]*link, 2*len(m.links))
	for _, l := range m.links {
		if l.cur == nil {
			continue
		}
		for key, mac := range map[string]MAC{"permanent ": l.cur.PermanentMAC, "active ": l.cur.MAC} {
			if mac != "" {
				k := MAC(key) + upper(mac)
				macs[k] = append(macs[k], l)
			}
		}
	}
	return macs
}

func upper(mac MAC) MAC { return MAC(strings.ToUpper(string(mac))) }

// resolveMAC gives an interface that is identified by its address the name
// that the kernel has for it; the name in the document is the profile's. It
// tells whether there is exactly one such interface.
func (m *merger) resolveMAC(des *Interface, macs map[MAC][]*link) bool {
	mac := upper(des.MAC)
	found := macs["permanent "+mac]
	if len(found) == 0 {
		found = macs["active "+mac]
	}
	if !m.adopt(des, preferHardware(found), "mac-address", string(des.MAC)) {
		return false
	}
	des.MAC = ""
	return true
}

// resolvePCI is resolveMAC for an address on the PCI bus.
func (m *merger) resolvePCI(des *Interface) bool {
	var found []*link
	for _, l := range m.links {
		if l.cur != nil && l.cur.PCIAddress == des.PCIAddress && des.PCIAddress != "" {
			found = append(found, l)
		}
	}
	return m.adopt(des, found, "pci-address", string(des.PCIAddress))
}

// adopt gives an interface of the document the name and the type of the only
// link that was found for it.
func (m *merger) adopt(des *Interface, found []*link, key, val string) bool {
	found = preferNamed(found, des.Name)
	switch len(found) {
	case 0:
		if des.State != Absent && des.State != Ignore {
			m.fault(des, key, val, "no interface has this address", "holdfast show lists the addresses of this host's interfaces")
		}
		return false
	case 1:
	default:
		m.fault(des, key, val, "several interfaces have this address: "+linkNames(found), "name one of them and leave identifier out")
		return false
	}
	l := found[0]
	if des.Name != l.name {
		if des.ProfileName == "" {
			des.ProfileName = des.Name
		}
		if _, taken := m.byName[des.Name]; !taken {
			m.alias[des.Name] = l.name
		}
		des.Name = l.name
	}
	des.Identifier = ""
	if unresolved(des.Type) {
		des.Type = l.cur.Type
	}
	return true
}

// preferHardware narrows a choice of several to hardware: VLANs and bridges
// share the address of the NIC below them.
func preferHardware(found []*link) []*link {
	if len(found) < 2 {
		return found
	}
	var hardware []*link
	for _, l := range found {
		if physical(l.cur) {
			hardware = append(hardware, l)
		}
	}
	if len(hardware) == 0 {
		return found
	}
	return hardware
}

func preferNamed(found []*link, name string) []*link {
	if len(found) > 1 {
		for _, l := range found {
			if l.name == name {
				return []*link{l}
			}
		}
	}
	return found
}

func linkNames(links []*link) string {
	names := make([]string, 0, len(links))
	for _, l := range links {
		names = append(names, l.name)
	}
	return strings.Join(names, ", ")
}

// physical tells whether a link is hardware, which cannot be removed.
func physical(i *Interface) bool {
	if i.Facts != nil {
		return i.Facts.Physical || i.Type == TypeLoopback
	}
	return !i.IsVirtual()
}
