package tests

import (
	"errors"
	"testing"

	"holdfast"
	"holdfast/engine"
	"holdfast/lab"
	"holdfast/state"
)

// A change is made beside, or to, a bridge that traffic goes through.
type change struct {
	name, document string
	// fails is set when the change is to fail and to be rolled back.
	fails bool
}

// quietChanges must cost no more than one packet.
var quietChanges = []change{
	{name: "unrelated VLAN", document: `
interfaces:
- {name: x-v100, type: vlan, vlan: {base-iface: p2, id: 100}, ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}}
`},
	{name: "port option in place", document: `
interfaces:
- {name: br0, type: linux-bridge, bridge: {port: [{name: p1, stp-path-cost: 50, stp-priority: 20}]}}
`},
	{name: "bridge option", document: `
interfaces:
- {name: br0, type: linux-bridge, bridge: {options: {mac-ageing-time: 200, multicast-snooping: false}}}
`},
	{name: "MTU of another stack", document: `
interfaces:
- {name: x-bond, type: bond, mtu: 9000, link-aggregation: {mode: active-backup, port: [p3, p4]}}
- {name: x-v200, type: vlan, mtu: 9000, vlan: {base-iface: x-bond, id: 200}}
`},
	{name: "address on the bridge", document: `
interfaces:
- {name: br0, type: linux-bridge, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 192.0.2.9, prefix-length: 24}]}}
`},
	{name: "VLAN over the bridge", document: `
interfaces:
- {name: x-v300, type: vlan, vlan: {base-iface: br0, id: 300}}
`},
	{name: "another bridge", document: `
interfaces:
- {name: x-br, type: linux-bridge, bridge: {options: {stp: {enabled: false}}, port: [{name: p2}]}}
`},
	{name: "unrelated change that fails", fails: true, document: `
interfaces:
- {name: x-v400, type: vlan, vlan: {base-iface: p2, id: 400}, ipv6: {enabled: true, address: [{ip: "2001:db8:9::2", prefix-length: 64}]}}
`},
}

// hardChanges touch the bridge's own uplink.
var hardChanges = []change{
	{name: "uplink becomes a bond", document: `
interfaces:
- {name: x-bond, type: bond, link-aggregation: {mode: active-backup, port: [p1, p2]}}
- {name: br0, type: linux-bridge, bridge: {port: [{name: x-bond}]}}
`},
	{name: "VLAN filtering", document: `
interfaces:
- {name: br0, type: linux-bridge, bridge: {port: [{name: p1, vlan: {mode: trunk, trunk-tags: [{id: 5}], enable-native: true, tag: 1}}]}}
`},
	{name: "bridge down and up", document: `
interfaces:
- {name: br0, type: linux-bridge, state: down}
`},
	{name: "no port of ours", document: `
interfaces:
- {name: br0, type: linux-bridge, bridge: {port: []}}
`},
	{name: "removal is refused", fails: true, document: `
interfaces:
- {name: br0, type: linux-bridge, state: absent}
`},
}

// guests is a host with a bridge br0 over p1, a guest behind it whose link
// vnet0 others attached, and another host beyond the switch.
func guests(t *testing.T) (host *holdfast.Host, guest, peer *lab.Host) {
	t.Helper()
	lab.Require(t)
	sw := lab.Wire(t, lab.Wiring{NICs: nics})
	peer = sw.Join(t, "peer", 0, "192.0.2.2/24")
	duplicate := sw.Join(t, "duplicate", 400, "2001:db8:9::2/64")
	_ = duplicate
	for _, nic := range nics {
		lab.IP(t, "link", "set", nic, "up")
	}
	host = openHost(t)
	apply(t, host, `
interfaces:
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: p1}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
`)
	guest = lab.Namespace(t, "guest")
	lab.IP(t, "link add vnet0 type veth peer name eth0 netns guest")
	lab.IP(t, "link set vnet0 master br0 up")
	guest.IP(t, "link set eth0 up")
	guest.IP(t, "address add 192.0.2.3/24 dev eth0")
	return host, guest, peer
}

// apply applies a document that must succeed.
func apply(t *testing.T, host *holdfast.Host, document string) *holdfast.Result {
	t.Helper()
	result, err := host.Apply(t.Context(), parse(t, document), holdfast.ApplyOptions{})
	if err != nil {
		t.Fatalf("%v\nof\n%s", err, document)
	}
	return result
}

func parse(t *testing.T, document string) *state.State {
	t.Helper()
	s, err := state.Parse("test", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// make carries the change out, and checks how it ends.
func (c change) make(t *testing.T, host *holdfast.Host) {
	t.Helper()
	result, err := host.Apply(t.Context(), parse(t, c.document), holdfast.ApplyOptions{})
	if (err != nil) != c.fails {
		t.Fatalf("%s: %v", c.name, err)
	}
	var failed *engine.RollbackError
	if errors.As(err, &failed) || result.Outcome == holdfast.RollbackFailed {
		t.Fatalf("%s: the rollback failed: %v", c.name, err)
	}
}

// port tells whose port a link is.
func port(t *testing.T, name string) string {
	t.Helper()
	return readLinks(t)[name].Master
}

// TestPing changes things beside a bridge and in place on it, while packets go
// through it every 10 ms: at most one may be lost, and the guest's link stays
// a port.
func TestPing(t *testing.T) {
	host, guest, peer := guests(t)
	for _, c := range quietChanges {
		p := startPinger(t, peer, guest, "192.0.2.3")
		c.make(t, host)
		sent, lost := p.stop()
		_ = p.answer.Close()
		t.Logf("%s: %d sent, %d lost", c.name, sent, lost)
		if lost > 1 {
			t.Errorf("%s: %d of %d packets lost", c.name, lost, sent)
		}
		if master := port(t, "vnet0"); master != "br0" {
			t.Fatalf("%s: the guest's link is a port of %q", c.name, master)
		}
	}
}

// TestGuestStays changes the bridge itself: the guest's link stays a port in
// every case, and afterwards traffic goes through again.
func TestGuestStays(t *testing.T) {
	for _, c := range hardChanges {
		t.Run(c.name, func(t *testing.T) {
			host, guest, peer := guests(t)
			c.make(t, host)
			if master := port(t, "vnet0"); master != "br0" {
				t.Fatalf("the guest's link is a port of %q", master)
			}
			apply(t, host, `
interfaces:
- {name: br0, type: linux-bridge, state: up, bridge: {port: [{name: p1, vlan: {}}]}}
- {name: p1, type: veth, state: up}
`)
			if master := port(t, "vnet0"); master != "br0" {
				t.Fatalf("after going back the guest's link is a port of %q", master)
			}
			startPinger(t, peer, guest, "192.0.2.3").stop()
		})
	}
}
