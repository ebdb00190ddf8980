package state

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const hostSet = `
hostname: {config: virt7}
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [eth0, eth1]}}
- {name: bond0.5, type: vlan, vlan: {base-iface: bond0, id: 5}}
- {name: br5, type: linux-bridge, bridge: {port: [{name: bond0.5}, {name: v1}]}}
- {name: eth0, type: ethernet, permanent-mac-address: "02:00:00:00:00:01"}
- {name: eth1, type: ethernet, permanent-mac-address: "02:00:00:00:00:02"}
- {name: eth2, type: ethernet}
- {name: eth2.9, type: vlan, vlan: {base-iface: eth2, id: 9}}
- {name: eth2.9.8, type: vlan, vlan: {base-iface: eth2.9, id: 8}}
- {name: v0, type: veth, veth: {peer: v1}}
- {name: v1, type: veth, veth: {peer: v0}}
- {name: d0, type: dummy}
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-interface: br5}
  - {destination: 203.0.113.0/24, next-hop-interface: eth2.9.8}
  - {destination: 192.0.2.0/24, route-type: blackhole}
route-rules:
  config:
  - {ip-from: 192.0.2.0/24, priority: 100}
`

// outline is a set in one line: interfaces with their ports, and routes.
func outline(s *State) string {
	var words []string
	for _, i := range s.Interfaces {
		word := i.Name
		if ports := portNames(i); len(ports) > 0 {
			word += "(" + strings.Join(ports, " ") + ")"
		}
		words = append(words, word)
	}
	for _, r := range configRoutes(s) {
		words = append(words, r.Destination.String())
	}
	if s.Rules != nil {
		words = append(words, "rules")
	}
	if s.Hostname != nil {
		words = append(words, "hostname")
	}
	return strings.Join(words, " ")
}

func TestWithout(t *testing.T) {
	for _, test := range []struct{ names, rest, dropped string }{
		{"eth0", "bond0(eth1) bond0.5 br5(bond0.5 v1) eth1 eth2 eth2.9 eth2.9.8 v0 v1 d0 198.51.100.0/24 203.0.113.0/24 192.0.2.0/24 rules hostname", ""},
		{"eth2", "bond0(eth0 eth1) bond0.5 br5(bond0.5 v1) eth0 eth1 v0 v1 d0 198.51.100.0/24 192.0.2.0/24 rules hostname", "eth2.9 eth2.9.8"},
		{"bond0 v0", "br5 eth0 eth1 eth2 eth2.9 eth2.9.8 d0 198.51.100.0/24 203.0.113.0/24 192.0.2.0/24 rules hostname", "bond0.5 v1"},
	} {
		set := owned(t, hostSet)
		before := string(EncodeYAML(set))
		rest, dropped := set.Without(strings.Fields(test.names))
		if diff := cmp.Diff(test.rest, outline(rest)); diff != "" {
			t.Errorf("without %s (-want +got):\n%s", test.names, diff)
		}
		if got := strings.Join(dropped, " "); got != test.dropped {
			t.Errorf("without %s: dropped %q, want %q", test.names, got, test.dropped)
		}
		if string(EncodeYAML(set)) != before {
			t.Errorf("Without changed the set")
		}
	}
}

func TestParts(t *testing.T) {
	var got []string
	for _, part := range owned(t, hostSet).Parts() {
		got = append(got, outline(part))
	}
	want := []string{
		"bond0(eth0 eth1) bond0.5 br5(bond0.5 v1) eth0 eth1 v0 v1 198.51.100.0/24",
		"eth2 eth2.9 eth2.9.8 203.0.113.0/24",
		"d0",
		"192.0.2.0/24 rules hostname",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parts (-want +got):\n%s", diff)
	}
}

func TestMissing(t *testing.T) {
	current := owned(t, `
interfaces:
- {name: eth0, type: ethernet, permanent-mac-address: "02:00:00:00:00:07"}
- {name: enp3s0, type: ethernet, permanent-mac-address: "02:00:00:00:00:02"}
`)
	got := Missing(owned(t, hostSet), current)
	if diff := cmp.Diff(map[string]string{"eth1": "enp3s0", "eth2": ""}, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if len(slices.Collect(maps.Keys(Missing(&State{}, current)))) > 0 {
		t.Error("an empty set misses something")
	}
}
