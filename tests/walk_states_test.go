package tests

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"holdfast/state"
)

// A closed state says something of everything that any state of the walk
// mentions: what it does not have is absent, and a NIC that it does not use is
// up and bare.
type closed struct {
	name  string
	state *state.State
}

// loadWalk reads the states and closes them.
func loadWalk(t *testing.T) []closed {
	t.Helper()
	files, err := filepath.Glob("testdata/walk/*.yml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d states, %v", len(files), err)
	}
	only := os.Getenv("HOLDFAST_STATE")
	var walk []closed
	everything := map[string]state.Type{}
	var routes []*state.Route
	var rules []*state.Rule
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := state.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range s.Interfaces {
			everything[i.Name] = i.Type
		}
		if s.Routes != nil {
			routes = append(routes, s.Routes.Config...)
		}
		if s.Rules != nil {
			rules = append(rules, s.Rules.Config...)
		}
		walk = append(walk, closed{strings.TrimSuffix(filepath.Base(file), ".yml"), s})
	}
	for _, c := range walk {
		closeState(t, c.state, everything)
		closeRoutes(c.state, routes, rules)
	}
	if only != "" {
		walk = slices.DeleteFunc(walk, func(c closed) bool { return !strings.Contains(c.name, only) })
	}
	return walk
}

// closeState adds what the state does not mention.
func closeState(t *testing.T, s *state.State, everything map[string]state.Type) {
	t.Helper()
	ports := portsOf(s)
	var extra strings.Builder
	extra.WriteString("interfaces:\n")
	for _, name := range slices.Sorted(maps.Keys(everything)) {
		if s.Find(name) == nil && !slices.Contains(nics, name) {
			fmt.Fprintf(&extra, "- {name: %s, type: %s, state: absent}\n", name, everything[name])
		}
	}
	for _, nic := range nics {
		switch {
		case s.Find(nic) != nil:
		case bridged(s, nic):
			fmt.Fprintf(&extra, "- {name: %s, type: veth, mtu: 1500}\n", nic)
		case !ports[nic]:
			fmt.Fprintf(&extra, "- {name: %s, type: veth, state: up, mtu: 1500, controller: '', ipv4: {enabled: false}, ipv6: {enabled: false}}\n", nic)
		}
	}
	more, err := state.Parse("closure", []byte(extra.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range s.Interfaces {
		closeInterface(i, ports)
	}
	s.Interfaces = append(s.Interfaces, more.Interfaces...)
}

// portsOf names the ports of all controllers of a state.
func portsOf(s *state.State) map[string]bool {
	ports := map[string]bool{}
	for _, i := range s.Interfaces {
		if i.Bond != nil {
			for _, port := range i.Bond.Port {
				ports[port] = true
			}
		}
		if i.Bridge != nil {
			for _, port := range i.Bridge.Port {
				ports[port.Name] = true
			}
		}
	}
	return ports
}

// bridged tells whether a NIC is a bridge's port, which keeps an MTU of its
// own; a bond's has the bond's.
func bridged(s *state.State, nic string) bool {
	return slices.ContainsFunc(s.Interfaces, func(i *state.Interface) bool {
		return i.Bridge != nil && slices.ContainsFunc(i.Bridge.Port, func(port state.BridgePort) bool { return port.Name == nic })
	})
}

// closeInterface says what a state left to what was there before: a VLAN's
// protocol, and the MTU, the controller and the stacks of what is no port.
func closeInterface(i *state.Interface, ports map[string]bool) {
	if i.VLAN != nil && i.VLAN.Protocol == "" {
		i.VLAN.Protocol = state.Dot1Q
	}
	if ports[i.Name] {
		return
	}
	none, mtu, off := "", uint32(1500), false
	if i.MTU == nil {
		i.MTU = &mtu
	}
	if i.Controller == nil {
		i.Controller = &none
	}
	if i.IPv4 == nil {
		i.IPv4 = &state.IPv4{IP: state.IP{Enabled: &off}}
	}
	if i.IPv6 == nil {
		i.IPv6 = &state.IPv6{IP: state.IP{Enabled: &off}}
	}
}

// closeRoutes removes the other states' routes and rules first; what the state
// has itself comes after and stays.
func closeRoutes(s *state.State, routes []*state.Route, rules []*state.Rule) {
	own := *s
	s.Routes, s.Rules = &state.Routes{}, &state.Rules{}
	for _, r := range routes {
		s.Routes.Config = append(s.Routes.Config, &state.Route{
			State: state.Absent, Destination: r.Destination, NextHopInterface: r.NextHopInterface, TableID: r.TableID,
		})
	}
	for _, r := range rules {
		gone := *r
		gone.State = state.Absent
		s.Rules.Config = append(s.Rules.Config, &gone)
	}
	if own.Routes != nil {
		s.Routes.Config = append(s.Routes.Config, own.Routes.Config...)
	}
	if own.Rules != nil {
		s.Rules.Config = append(s.Rules.Config, own.Rules.Config...)
	}
}
