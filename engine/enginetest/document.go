package enginetest

import (
	"net/netip"
	"slices"
	"testing"

	"holdfast/state"
)

// Document is one state of the suite.
type Document struct {
	// Name is one word or two.
	Name string
	// YAML is the state without the absent entries that close it.
	YAML string
}

// objects are the interfaces that the documents speak of, and destinations
// their routes that go through none of them.
var (
	objects      = []string{"hf-a", "hf-b", "hf-c", "hf-bond", "hf-bond.100", "hf-bond.200", "hf-inner", "hf-br", "hf-br.30", "hf-v0", "hf-v1"}
	destinations = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("2001:db8:dead::/48")}
	priorities   = []int64{30100, 30101}
)

// closed is the state of a document with absent entries for what the other
// documents make, so that the way to it does not matter.
func closed(t *testing.T, d Document) *state.State {
	t.Helper()
	s := &state.State{}
	if d.YAML != "" {
		var err error
		if s, err = state.Parse(d.Name, []byte(d.YAML)); err != nil {
			t.Fatalf("the document %s: %v", d.Name, err)
		}
	}
	if err := s.Validate(); err != nil {
		t.Fatalf("the document %s: %v", d.Name, err)
	}
	for _, name := range objects {
		if s.Find(name) == nil {
			s.Interfaces = append(s.Interfaces, &state.Interface{Name: name, State: state.Absent})
		}
	}
	closeRoutes(s)
	closeRules(s)
	return s
}

func closeRoutes(s *state.State) {
	if s.Routes == nil {
		s.Routes = &state.Routes{}
	}
	for _, d := range destinations {
		if !slices.ContainsFunc(s.Routes.Config, func(r *state.Route) bool { return r.Destination == d }) {
			s.Routes.Config = append(s.Routes.Config, &state.Route{State: state.Absent, Destination: d})
		}
	}
}

func closeRules(s *state.State) {
	if s.Rules == nil {
		s.Rules = &state.Rules{}
	}
	for _, p := range priorities {
		if !slices.ContainsFunc(s.Rules.Config, func(r *state.Rule) bool { return value(r.Priority) == p }) {
			s.Rules.Config = append(s.Rules.Config, &state.Rule{State: state.Absent, Family: state.FamilyIPv4, Priority: &p})
		}
	}
}

// Documents are the states that the suite walks through, in its order. All of
// them stand on dummies, so that no hardware and no other host is needed.
func Documents() []Document {
	return []Document{
		{Name: "nothing"}, plain, stacked, lacp, filtered, pair, several, small, addresses, standby,
	}
}

var plain = Document{"plain", `
interfaces:
- name: hf-a
  type: dummy
  mtu: 9000
  ipv4:
    enabled: true
    address:
    - {ip: 192.0.2.10, prefix-length: 24}
    - {ip: 192.0.2.11, prefix-length: 24}
  ipv6:
    enabled: true
    address:
    - {ip: "2001:db8:a::10", prefix-length: 64}
- name: hf-b
  type: dummy
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.1, next-hop-interface: hf-a}
  - {destination: "2001:db8:dead::/48", next-hop-address: "2001:db8:a::1", next-hop-interface: hf-a, metric: 300}
route-rules:
  config:
  - {ip-from: 192.0.2.0/24, route-table: 254, priority: 30100}
`}

var stacked = Document{"stacked", `
interfaces:
- name: hf-a
  type: dummy
  mtu: 9000
- name: hf-b
  type: dummy
  mtu: 9000
- name: hf-bond
  type: bond
  mtu: 9000
  link-aggregation:
    mode: active-backup
    options: {miimon: 100, primary: hf-b}
    port: [hf-a, hf-b]
- name: hf-bond.100
  type: vlan
  mtu: 1500
  vlan: {base-iface: hf-bond, id: 100}
- name: hf-br
  type: linux-bridge
  mtu: 1500
  bridge:
    options:
      stp: {enabled: false}
    port: [{name: hf-bond.100}]
  ipv4:
    enabled: true
    address: [{ip: 192.0.2.10, prefix-length: 24}]
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.1, next-hop-interface: hf-br, metric: 50}
`}

var lacp = Document{"lacp", `
interfaces:
- name: hf-b
  type: dummy
- name: hf-c
  type: dummy
- name: hf-bond
  type: bond
  mtu: 1500
  link-aggregation:
    mode: 802.3ad
    options: {miimon: 200, updelay: 400, lacp_rate: fast, xmit_hash_policy: layer3+4, ad_select: bandwidth}
    port: [hf-b, hf-c]
- name: hf-bond.200
  type: vlan
  vlan: {base-iface: hf-bond, id: 200, protocol: 802.1ad}
- name: hf-inner
  type: vlan
  vlan: {base-iface: hf-bond.200, id: 7}
  ipv4:
    enabled: true
    address: [{ip: 203.0.113.1, prefix-length: 30}]
`}

var filtered = Document{"filtered", `
interfaces:
- name: hf-a
  type: dummy
- name: hf-b
  type: dummy
- name: hf-br
  type: linux-bridge
  bridge:
    options:
      stp: {enabled: false, priority: 4096}
      mac-ageing-time: 600
      multicast-snooping: false
    port:
    - name: hf-a
      stp-path-cost: 50
      vlan:
        mode: trunk
        trunk-tags: [{id: 10}, {id-range: {min: 20, max: 30}}]
    - name: hf-b
      stp-hairpin-mode: true
      vlan: {mode: access, tag: 10}
- name: hf-br.30
  type: vlan
  vlan: {base-iface: hf-br, id: 30}
  ipv4:
    enabled: true
    address: [{ip: 192.0.2.65, prefix-length: 26}]
`}

var pair = Document{"pair", `
interfaces:
- name: hf-v0
  type: veth
  veth: {peer: hf-v1}
  ipv4:
    enabled: true
    address: [{ip: 192.0.2.129, prefix-length: 30}]
- name: hf-v1
  type: veth
  veth: {peer: hf-v0}
- name: hf-br
  type: linux-bridge
  bridge:
    options:
      stp: {enabled: false}
    port: [{name: hf-v1}]
`}

var several = Document{"several hops", `
interfaces:
- name: hf-a
  type: dummy
  ipv4:
    enabled: true
    address: [{ip: 192.0.2.10, prefix-length: 25}]
- name: hf-b
  type: dummy
  ipv4:
    enabled: true
    address: [{ip: 192.0.2.210, prefix-length: 25}]
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.1, next-hop-interface: hf-a, weight: 3}
  - {destination: 198.51.100.0/24, next-hop-address: 192.0.2.200, next-hop-interface: hf-b, weight: 1}
  - {destination: "2001:db8:dead::/48", route-type: blackhole}
route-rules:
  config:
  - {ip-to: 198.51.100.0/24, route-table: 200, priority: 30100}
  - {family: ipv4, fwmark: 0x10, fwmask: 0xff, route-table: 201, priority: 30101}
`}

var small = Document{"small", `
interfaces:
- name: hf-a
  type: dummy
  mtu: 1400
- name: hf-c
  type: dummy
- name: hf-bond
  type: bond
  mtu: 1400
  link-aggregation:
    mode: balance-xor
    options: {miimon: 100, xmit_hash_policy: layer2+3}
    port: [hf-a]
- name: hf-bond.100
  type: vlan
  vlan: {base-iface: hf-bond, id: 101}
- name: hf-br
  type: linux-bridge
  mtu: 1400
  bridge:
    options:
      stp: {enabled: false}
    port: [{name: hf-bond.100}]
`}

var addresses = Document{"addresses", `
interfaces:
- name: hf-a
  type: dummy
  mtu: 1500
  ipv4:
    enabled: true
    address:
    - {ip: 192.0.2.11, prefix-length: 24}
    - {ip: 192.0.2.10, prefix-length: 24}
    - {ip: 203.0.113.9, prefix-length: 29}
  ipv6:
    enabled: true
    address:
    - {ip: "2001:db8:b::1", prefix-length: 64}
    - {ip: "2001:db8:b::2", prefix-length: 64}
- name: hf-b
  type: dummy
  ipv4:
    enabled: false
  ipv6:
    enabled: false
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-address: 203.0.113.10, next-hop-interface: hf-a, source: 203.0.113.9}
`}

var standby = Document{"standby", `
interfaces:
- name: hf-a
  type: dummy
- name: hf-b
  type: dummy
  state: down
- name: hf-bond
  type: bond
  state: down
  link-aggregation:
    mode: balance-rr
    options: {miimon: 100}
    port: []
- name: hf-br
  type: linux-bridge
  bridge:
    options:
      stp: {enabled: false}
    port: [{name: hf-a}]
`}
