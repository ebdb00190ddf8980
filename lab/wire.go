package lab

import (
	"fmt"
	"strconv"
	"testing"
)

// Wiring says how the host's NICs are wired to a switch.
type Wiring struct {
	NICs []string // their names on the host
	LACP bool     // the switch's ports form one 802.3ad bond
	VLAN int      // the untagged VLAN of the ports; 0 is 1. All other VLANs pass tagged
}

// Switch is a VLAN-aware switch: a host with a bridge that filters VLANs. Its ports carry frames of up to 9000 bytes.
type Switch struct {
	*Host
	Ports  []string // its ends of the cables, in the order of the NICs; with LACP they are in the bond lag
	joined int
}

// bridge and lag are the names of the switch's own links; switchMTU is more than any host uses.
const (
	bridge    = "br0"
	lag       = "lag"
	switchMTU = "9216"
)

// Wire gives the host NICs that are ends of veth pairs, with the other ends in a switch. The NICs are down.
func Wire(t testing.TB, wiring Wiring) *Switch {
	t.Helper()
	s := newSwitch(t)
	for i, name := range wiring.NICs {
		port := fmt.Sprintf("port%d", i)
		IP(t, "link", "add", name, "type", "veth", "peer", "name", port, "netns", s.Name)
		s.Ports = append(s.Ports, port)
	}
	s.plug(t, wiring)
	return s
}

func newSwitch(t testing.TB) *Switch {
	t.Helper()
	s := &Switch{Host: Namespace(t, "switch")}
	s.IP(t, "link add "+bridge+" type bridge vlan_filtering 1 stp_state 0 mcast_snooping 0")
	s.IP(t, "link set "+bridge+" up")
	return s
}

// plug makes the ports ports of the bridge, alone or as one bond.
func (s *Switch) plug(t testing.TB, wiring Wiring) {
	t.Helper()
	trunks := s.Ports
	if wiring.LACP {
		s.IP(t, "link add "+lag+" type bond mode 802.3ad miimon 100 lacp_rate fast")
		for _, port := range s.Ports {
			s.IP(t, "link set", port, "down")
			s.IP(t, "link", "set", port, "master", lag)
		}
		trunks = []string{lag}
	}
	for _, port := range s.Ports {
		s.IP(t, "link", "set", port, "mtu", switchMTU, "up")
	}
	for _, port := range trunks {
		s.IP(t, "link", "set", port, "mtu", switchMTU, "master", bridge, "up")
		s.Run(t, "bridge", "vlan", "add", "dev", port, "vid", "2-4094")
		if wiring.VLAN > 1 {
			s.Run(t, "bridge", "vlan", "add", "dev", port, "vid", strconv.Itoa(wiring.VLAN), "pvid", "untagged")
			s.Run(t, "bridge", "vlan", "add", "dev", port, "vid", "1")
		}
	}
}

// Join puts another host behind the switch: its eth0 is in the VLAN (0 is 1) and has the addresses, such as
// "192.0.2.2/24" or "2001:db8::2/64", the latter without duplicate detection.
func (s *Switch) Join(t testing.TB, name string, vlan int, addresses ...string) *Host {
	t.Helper()
	h := Namespace(t, name)
	port := fmt.Sprintf("host%d", s.joined)
	s.joined++
	s.IP(t, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", h.Name)
	s.IP(t, "link", "set", port, "mtu", switchMTU, "master", bridge, "up")
	if vlan > 1 {
		s.Run(t, "bridge", "vlan", "del", "dev", port, "vid", "1")
		s.Run(t, "bridge", "vlan", "add", "dev", port, "vid", strconv.Itoa(vlan), "pvid", "untagged")
	}
	h.IP(t, "link set eth0 mtu 9000 up")
	for _, address := range addresses {
		h.IP(t, "address", "add", address, "dev", "eth0", "nodad")
	}
	return h
}

// Cut takes the carrier from the NIC at that port of the switch, or gives it back.
func (s *Switch) Cut(t testing.TB, port string, cut bool) {
	t.Helper()
	state := "up"
	if cut {
		state = "down"
	}
	s.IP(t, "link", "set", port, state)
}
