package plan_test

import (
	"fmt"
	"net/netip"
	"testing"

	"holdfast/plan"
	"holdfast/state"
)

// vlansOnBond is a host with a bond of two NICs and n VLANs on it, each under
// its own bridge with an address: 2n+3 interfaces.
func vlansOnBond(n int) *state.State {
	yes, no := true, false
	s := &state.State{Routes: &state.Routes{}, Rules: &state.Rules{}}
	for _, name := range []string{"eth0", "eth1"} {
		controller, mtu := "bond0", uint32(1500)
		s.Interfaces = append(s.Interfaces, &state.Interface{
			Name: name, Type: state.TypeEthernet, State: state.Up, Controller: &controller, MTU: &mtu,
			Facts: &state.Facts{Physical: true, AdminUp: true, Carrier: true},
		})
	}
	mtu := uint32(1500)
	s.Interfaces = append(s.Interfaces, &state.Interface{
		Name: "bond0", Type: state.TypeBond, State: state.Up, MTU: &mtu, MAC: "02:00:00:00:00:01",
		Bond:  &state.Bond{Mode: state.LACP, Port: []string{"eth0", "eth1"}},
		Facts: &state.Facts{AdminUp: true, Carrier: true},
	})
	for i := range n {
		id, mtu := uint16(i%4000+1), uint32(1500)
		vlan, bridge := fmt.Sprintf("v%d", i), fmt.Sprintf("br%d", i)
		s.Interfaces = append(s.Interfaces,
			&state.Interface{
				Name: vlan, Type: state.TypeVLAN, State: state.Up, Controller: &bridge, MTU: &mtu,
				VLAN:  &state.VLAN{BaseIface: "bond0", ID: &id},
				Facts: &state.Facts{AdminUp: true, Carrier: true},
			},
			&state.Interface{
				Name: bridge, Type: state.TypeBridge, State: state.Up, MTU: &mtu,
				Bridge: &state.Bridge{Port: []state.BridgePort{{Name: vlan}}},
				IPv4: &state.IPv4{IP: state.IP{Enabled: &yes, Address: []state.Address{
					{IP: netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 1}), PrefixLength: 24},
				}}},
				IPv6:  &state.IPv6{IP: state.IP{Enabled: &no}},
				Facts: &state.Facts{AdminUp: true, Carrier: true},
			})
	}
	return s
}

// without is a target in which all virtual interfaces are absent.
func without(s *state.State) *state.Target {
	target := &state.State{}
	for _, i := range s.Interfaces {
		next := *i
		if i.Type != state.TypeEthernet {
			next.State = state.Absent
		} else {
			next.Controller = nil
		}
		target.Interfaces = append(target.Interfaces, &next)
	}
	return &state.Target{State: target, Desired: target}
}

// nics are the NICs of a host, nobody's ports.
func nicsOf(s *state.State) *state.State {
	host := &state.State{}
	for _, i := range s.Interfaces {
		if i.Type == state.TypeEthernet {
			next := *i
			next.Controller = nil
			host.Interfaces = append(host.Interfaces, &next)
		}
	}
	return host
}

// target is the target that is the state itself.
func targetOf(s *state.State) *state.Target { return &state.Target{State: s, Desired: s} }

// BenchmarkMake plans for 100 to 4000 interfaces: making all of them, nothing
// to do, one change, removing all. Time is to grow as their number does.
func BenchmarkMake(b *testing.B) {
	for _, n := range []int{50, 500, 2000} {
		full := vlansOnBond(n)
		empty := nicsOf(full)
		one := &state.State{Interfaces: append([]*state.Interface(nil), full.Interfaces...), Routes: full.Routes, Rules: full.Rules}
		changed, mtu := *full.Interfaces[4], uint32(1400)
		changed.MTU = &mtu
		one.Interfaces[4] = &changed
		for _, c := range []struct {
			name    string
			current *state.State
			target  *state.Target
		}{
			{"create", empty, targetOf(full)},
			{"nothing", full, targetOf(full)},
			{"one", full, targetOf(one)},
			{"remove", full, without(full)},
		} {
			b.Run(fmt.Sprintf("%s-%d", c.name, 2*n), func(b *testing.B) {
				b.ReportAllocs()
				steps := 0
				for b.Loop() {
					p, err := plan.Make(c.current, c.target, plan.Options{})
					if err != nil {
						b.Fatal(err)
					}
					steps = len(p.Steps)
				}
				b.ReportMetric(float64(steps), "steps")
			})
		}
	}
}
