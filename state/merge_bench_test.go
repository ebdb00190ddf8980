package state

import (
	"fmt"
	"net/netip"
	"testing"
)

// vlanHost is a bond of two NICs with n VLANs, each below a bridge of its own
// with an address.
func vlanHost(n int) *State {
	s := &State{Routes: &Routes{}, Rules: &Rules{}}
	for i := range 2 {
		s.Interfaces = append(s.Interfaces, &Interface{Name: fmt.Sprintf("eth%d", i), Type: TypeEthernet, State: Up, MTU: new(uint32(1500)), MAC: "52:54:00:00:00:01", Controller: new("bond0")})
	}
	off4, off6 := &IPv4{IP: IP{Enabled: new(false)}}, &IPv6{IP: IP{Enabled: new(false)}}
	s.Interfaces = append(s.Interfaces, &Interface{Name: "bond0", Type: TypeBond, State: Up, MTU: new(uint32(1500)), MAC: "52:54:00:00:00:01", IPv4: off4, IPv6: off6,
		Bond: &Bond{Mode: ActiveBackup, Options: &BondOptions{MIIMon: new(uint32(100))}, Port: []string{"eth0", "eth1"}}})
	for id := 1; id <= n; id++ {
		vlan, bridge := fmt.Sprintf("bond0.%d", id), fmt.Sprintf("br%d", id)
		s.Interfaces = append(s.Interfaces, &Interface{Name: vlan, Type: TypeVLAN, State: Up, MTU: new(uint32(1500)), MAC: "52:54:00:00:00:01", Controller: new(bridge),
			VLAN: &VLAN{BaseIface: "bond0", ID: new(uint16(id)), Protocol: Dot1Q, ReorderHeaders: new(true)}},
			&Interface{Name: bridge, Type: TypeBridge, State: Up, MTU: new(uint32(1500)), MAC: "52:54:00:00:00:01", IPv6: off6,
				IPv4:   &IPv4{IP: IP{Enabled: new(true), Address: []Address{{IP: netip.AddrFrom4([4]byte{10, byte(id >> 8), byte(id), 1}), PrefixLength: 24}}}},
				Bridge: &Bridge{Options: &BridgeOptions{STP: &STP{Enabled: new(false)}, MulticastSnooping: new(true)}, Port: []BridgePort{{Name: vlan, PathCost: new(uint32(100))}}}})
	}
	return s
}

// BenchmarkMerge merges a whole host into itself, and compares the two.
func BenchmarkMerge(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 2000} {
		current, desired := vlanHost(n), vlanHost(n)
		for name, run := range map[string]func() error{
			"validate": desired.Validate,
			"merge": func() error {
				_, err := Merge(current, desired)
				return err
			},
			"new": func() error {
				t, err := Merge(&State{Interfaces: current.Interfaces[:2]}, desired)
				if err != nil {
					return err
				}
				return ValidateTarget(t, &State{Interfaces: current.Interfaces[:2]})
			},
			"target": func() error {
				t, err := Merge(current, desired)
				if err != nil {
					return err
				}
				return ValidateTarget(t, current)
			},
			"compare": func() error {
				if d := Compare(desired, current); len(d) > 0 {
					return fmt.Errorf("%v", d)
				}
				return nil
			},
		} {
			b.Run(fmt.Sprintf("%s/%d", name, 2*n+3), func(b *testing.B) {
				for b.Loop() {
					if err := run(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
