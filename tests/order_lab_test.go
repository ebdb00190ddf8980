package tests

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/engine/kernel"
	"holdfast/lab"
	"holdfast/state"
)

// ordered is a change that has a bit of everything that has an order, a
// spelling or a default.
const ordered = `
interfaces:
- name: bond0
  type: bond
  state: up
  mac-address: 02:00:00:00:00:AB
  link-aggregation:
    mode: active-backup
    options: {miimon: 100, primary: p1}
    port: [p1, p2]
- name: v100
  type: vlan
  state: up
  vlan: {base-iface: bond0, id: 100}
  ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}, {ip: 192.0.2.1, prefix-length: 25}]}
- name: br0
  type: linux-bridge
  state: up
  mtu: 1500
  bridge:
    options: {group-forward-mask: 8, stp: {enabled: false, priority: 4096}}
    port:
    - {name: v200}
    - {name: p3, stp-path-cost: 100, vlan: {mode: trunk, trunk-tags: [{id: 5}, {id-range: {min: 10, max: 20}}]}}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}, {ip: "2001:db8:2::1", prefix-length: 64}]}
- {name: v200, type: vlan, state: up, vlan: {base-iface: bond0, id: 200}}
routes:
  config:
  - {destination: 203.0.113.0/24, next-hop-interface: v100, next-hop-address: 198.51.100.254, table-id: 50}
  - {destination: "2001:db8:9::/48", next-hop-interface: br0, next-hop-address: "2001:db8:1::fe", metric: 200}
route-rules:
  config:
  - {ip-from: 198.51.100.0/24, route-table: 50, priority: 500}
  - {ip-to: 203.0.113.0/24, route-table: 50, priority: 501}
`

// spellings say the same as ordered: in another order, in other words, with
// defaults written out or left out, or only in part.
var spellings = map[string]string{
	"order": `
route-rules:
  config:
  - {route-table: 50, priority: 501, ip-to: 203.0.113.0/24}
  - {priority: 500, route-table: 50, ip-from: 198.51.100.0/24}
routes:
  config:
  - {metric: 200, next-hop-address: "2001:db8:1::fe", next-hop-interface: br0, destination: "2001:db8:9::/48"}
  - {table-id: 50, next-hop-address: 198.51.100.254, next-hop-interface: v100, destination: 203.0.113.0/24}
interfaces:
- {vlan: {id: 200, base-iface: bond0}, state: up, type: vlan, name: v200}
- ipv6: {address: [{prefix-length: 64, ip: "2001:db8:2::1"}, {prefix-length: 64, ip: "2001:db8:1::1"}], enabled: true}
  bridge:
    port:
    - {vlan: {trunk-tags: [{id-range: {max: 20, min: 10}}, {id: 5}], mode: trunk}, stp-path-cost: 100, name: p3}
    - {name: v200}
    options: {stp: {priority: 4096, enabled: false}, group-forward-mask: 8}
  mtu: 1500
  type: linux-bridge
  name: br0
- ipv4: {address: [{prefix-length: 25, ip: 192.0.2.1}, {prefix-length: 24, ip: 198.51.100.1}], enabled: true}
  vlan: {id: 100, base-iface: bond0}
  type: vlan
  name: v100
- link-aggregation: {port: [p2, p1], options: {primary: p1, miimon: 100}, mode: active-backup}
  mac-address: 02:00:00:00:00:ab
  type: bond
  name: bond0
`,
	"words": `
interfaces:
- name: bond0
  type: bond
  mac-address: "02:00:00:00:00:Ab"
  link-aggregation: {mode: active-backup, options: {miimon: "0x64", primary: p1}, port: [p1, p2]}
- {name: v100, type: vlan, vlan: {base-iface: bond0, id: "100"}, ipv4: {enabled: yes, address: [{ip: 198.51.100.1, prefix-length: "24"}, {ip: 192.0.2.1, prefix-length: 25}]}}
- name: br0
  type: linux-bridge
  mtu: "1500"
  bridge: {options: {stp: {enabled: off, priority: "0x1000"}}}
  ipv6: {enabled: on, address: [{ip: "2001:0DB8:0001:0:0:0:0:1", prefix-length: 64}, {ip: "2001:db8:2:0::1", prefix-length: 64}]}
routes:
  config:
  - {destination: "2001:0db8:0009::/48", next-hop-interface: br0, next-hop-address: "2001:DB8:1:0::FE", metric: "200"}
`,
	"defaults": `
interfaces:
- name: bond0
  type: bond
  link-aggregation:
    mode: active-backup
    options: {miimon: 100, updelay: 0, downdelay: 0, arp_interval: 0, num_grat_arp: 1, resend_igmp: 1, primary: p1, primary_reselect: always, fail_over_mac: none, all_slaves_active: dropped}
- {name: v100, type: vlan, vlan: {base-iface: bond0, id: 100, protocol: 802.1q, reorder-headers: true, loose-binding: false, registration-protocol: none}}
- name: br0
  type: linux-bridge
  bridge:
    options: {mac-ageing-time: 300, multicast-snooping: true, vlan-protocol: 802.1q, stp: {enabled: false, forward-delay: 15, hello-time: 2, max-age: 20}}
    port:
    - {name: v200, stp-hairpin-mode: false, stp-priority: 32}
    - {name: p3}
routes:
  config:
  - {destination: 203.0.113.0/24, next-hop-interface: v100, next-hop-address: 198.51.100.254, table-id: 50, metric: -1, weight: 1}
`,
	"left out": `
interfaces:
- {name: bond0, link-aggregation: {mode: active-backup}}
- {name: br0, type: linux-bridge, bridge: {port: [{name: p3}, {name: v200}]}}
- {name: p1, controller: bond0}
- {name: v200}
`,
	"nothing": `
interfaces: []
routes: {config: []}
route-rules: {}
`,
}

// orderedHost is a host on which the change is in force.
func orderedHost(t *testing.T) (*holdfast.Host, *kernel.Engine) {
	t.Helper()
	lab.Wire(t, lab.Wiring{NICs: nics})
	e, err := kernel.Open(kernel.Options{RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	host, err := holdfast.Open(holdfast.Options{Carrier: e, StateDir: t.TempDir(), RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	apply(t, host, ordered)
	return host, e
}

// TestOrder says the same in other ways: there is nothing to do, nothing is
// written, and nothing happens.
func TestOrder(t *testing.T) {
	lab.Require(t)
	host, e := orderedHost(t)
	spellings["itself"] = ordered
	for name, text := range spellings {
		draft, err := host.Plan(t.Context(), parse(t, text), holdfast.PlanOptions{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !draft.Plan.Empty() {
			t.Errorf("%s: %+v", name, draft.Plan.Steps)
		}
	}
	if t.Failed() {
		return
	}
	writes := e.Writes()
	lab.Quiet(t, 3, func() {
		for _, text := range spellings {
			apply(t, host, text)
		}
	})
	if now := e.Writes(); now != writes {
		t.Errorf("%d writes", now-writes)
	}
}

// TestOrderShuffled shuffles what show prints.
func TestOrderShuffled(t *testing.T) {
	lab.Require(t)
	host, _ := orderedHost(t)
	shown, err := host.Show(t.Context(), holdfast.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		var document any
		if err := json.Unmarshal(state.EncodeJSON(shown), &document); err != nil {
			t.Fatal(err)
		}
		shuffle("", document, rand.New(rand.NewPCG(seed, 0)))
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		draft, err := host.Plan(t.Context(), parse(t, string(text)), holdfast.PlanOptions{})
		if err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, text)
		}
		if !draft.Plan.Empty() {
			t.Fatalf("seed %d: %+v\n%s", seed, draft.Plan.Steps, text)
		}
	}
}

// inOrder are lists whose order means something.
var inOrder = []string{"server", "search", "options"}

// shuffle puts lists that are sets into another order, at any depth.
func shuffle(key string, value any, random *rand.Rand) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(func(yield func(string) bool) {
			for key := range value {
				if !yield(key) {
					return
				}
			}
		}) {
			shuffle(key, value[key], random)
		}
	case []any:
		for _, element := range value {
			shuffle("", element, random)
		}
		if !slices.Contains(inOrder, key) {
			random.Shuffle(len(value), func(i, j int) { value[i], value[j] = value[j], value[i] })
		}
	}
}

// TestOrderShow prints the same host twice, in every format: the same bytes.
func TestOrderShow(t *testing.T) {
	lab.Require(t)
	orderedHost(t)
	lab.Await(t, "all links and addresses have settled", 0, func() bool {
		return !strings.Contains(lab.IP(t, "address show tentative"), "inet6")
	})
	for _, flags := range []string{"-o yaml", "-o json", "-o table", "--tree", "--running-config", "br0 bond0"} {
		args := append([]string{"show"}, strings.Fields(flags)...)
		same := func() bool {
			first, _ := runProgram(t, 0, args...)
			second, _ := runProgram(t, 0, args...)
			return bytes.Equal([]byte(first), []byte(second))
		}
		if !slices.ContainsFunc([]int{1, 2, 3}, func(int) bool { return same() }) {
			t.Errorf("show %s does not print the same twice", flags)
		}
	}
	out, _ := runProgram(t, 0, "show", "-o", "yaml")
	if file := documentFile(t, out); !strings.Contains(fmt.Sprintln(runProgram(t, 0, "plan", file)), "Nothing to do") {
		t.Error("show | plan has something to do")
	}
}
