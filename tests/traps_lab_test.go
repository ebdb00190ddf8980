package tests

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/engine"
	"holdfast/engine/kernel"
	"holdfast/lab"
)

// trapHost is a host with four NICs that are up, and lines of ip(8) run on it.
func trapHost(t *testing.T, lines ...string) (*holdfast.Host, *lab.Switch) {
	t.Helper()
	sw := lab.Wire(t, lab.Wiring{NICs: nics})
	for i, nic := range nics {
		lab.IP(t, "link", "set", nic, "address", "02:00:00:00:00:0"+string(rune('1'+i)), "up")
	}
	for _, line := range lines {
		lab.IP(t, line)
	}
	calm(t)
	return openHost(t), sw
}

// calm waits until all links that are up have their carrier and the addresses
// that the kernel makes for them, so that nothing moves any more but by the
// test.
func calm(t *testing.T) {
	t.Helper()
	lab.Await(t, "the host is calm", 0, func() bool {
		for _, l := range readLinks(t) {
			if slices.Contains(l.Flags, "UP") && !l.calm() {
				return false
			}
		}
		return true
	})
}

func (l link) calm() bool {
	has6 := l.Master != ""
	for _, a := range l.Addresses {
		has6 = has6 || a.Family == "inet6"
		if a.Tentative {
			return false
		}
	}
	return has6 && slices.Contains(l.Flags, "LOWER_UP")
}

// failLast carries a change out but for its last step, which fails: the host
// must then be as before.
func failLast(t *testing.T, text string) {
	t.Helper()
	before := lab.Picture(t)
	runDir := t.TempDir()
	e, err := kernel.Open(kernel.Options{RunDir: runDir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	f := &faulty{Engine: e, runDir: runDir}
	host, err := holdfast.Open(holdfast.Options{Carrier: f, StateDir: t.TempDir(), RunDir: runDir})
	if err != nil {
		t.Fatal(err)
	}
	draft, err := host.Plan(t.Context(), parse(t, text), holdfast.PlanOptions{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	f.failAt = len(draft.Plan.Steps) - 1
	fault(t, f, text, before)
}

// again applies a document that is in force: there must be nothing to do.
func again(t *testing.T, host *holdfast.Host, text string) {
	t.Helper()
	if result := apply(t, host, text); result.Outcome != holdfast.Unchanged {
		t.Errorf("applied again: %s, %+v", result.Outcome, result.Plan.Steps)
	}
}

// TestTrapAddressTakesRoutes: deleting an IPv4 address silently removes the
// routes through it. They come back, others' included, also on a rollback.
func TestTrapAddressTakesRoutes(t *testing.T) {
	routes := []string{
		"default via 192.0.2.254 dev p1", "203.0.113.0/24 via 192.0.2.253 dev p1 proto bgp", "198.18.0.0/24 dev p1 table 77 proto static",
	}
	setup := []string{
		"address add 192.0.2.1/24 dev p1",
		"route add default via 192.0.2.254",
		"route add 203.0.113.0/24 via 192.0.2.253 proto bgp metric 20",
		"route add 198.18.0.0/24 dev p1 table 77 proto static",
	}
	other := `
interfaces:
- {name: p1, type: veth, ipv4: {enabled: true, address: [{ip: 192.0.2.2, prefix-length: 24}]}}
`
	t.Run("another address", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t, setup...)
		apply(t, host, other)
		wantAddresses(t, "p1", "inet", "192.0.2.2/24")
		wantRoutes(t, routes...)
		again(t, host, other)
	})
	t.Run("rollback", func(t *testing.T) {
		lab.Require(t)
		trapHost(t, setup...)
		failLast(t, other)
	})
	t.Run("rollback of the move to a bridge", func(t *testing.T) {
		lab.Require(t)
		trapHost(t, setup...)
		failLast(t, `
interfaces:
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: p1}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: br0, next-hop-address: 192.0.2.254}]}
`)
	})
}

// TestTrapDownFlushes: setting a link down flushes its IPv6 addresses and the
// routes through it, and up restores neither. A change that needs the link
// down puts them back.
func TestTrapDownFlushes(t *testing.T) {
	setup := []string{
		"link add bond0 type bond mode balance-rr miimon 100",
		"link set p1 down", "link set p1 master bond0", "link set p2 down", "link set p2 master bond0", "link set bond0 up",
		"address add 192.0.2.1/24 dev bond0",
		"address add 192.0.2.50/24 dev bond0 valid_lft 90000 preferred_lft 80000",
		"-6 address add 2001:db8:1::1/64 dev bond0 nodad",
		"route add default via 192.0.2.254",
		"route add 203.0.113.0/24 via 192.0.2.253 proto bgp",
		"-6 route add default via 2001:db8:1::fe dev bond0 metric 77",
		"-6 route add 2001:db8:9::/64 via 2001:db8:1::fd dev bond0 proto bgp",
	}
	// The mode can be changed only while the bond is down and has no members.
	mode := `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup}}
`
	t.Run("replayed", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t, append(slices.Clone(setup), "-6 address add 2001:db8:2::1/64 dev bond0 nodad valid_lft 90000 preferred_lft 80000")...)
		apply(t, host, mode)
		if got := readLinks(t)["bond0"].Info.Data["mode"]; got != "active-backup" {
			t.Errorf("mode %v", got)
		}
		wantAddresses(t, "bond0", "inet", "192.0.2.1/24, 192.0.2.50/24 secondary")
		for _, address := range []string{"2001:db8:1::1/64", "2001:db8:2::1/64"} {
			if got := addressesOf(t, "bond0", "inet6"); !strings.Contains(got, address) {
				t.Errorf("%s is lost: %s", address, got)
			}
		}
		wantRoutes(t, "default via 192.0.2.254 dev bond0", "203.0.113.0/24 via 192.0.2.253 dev bond0 proto bgp",
			"default via 2001:db8:1::fe dev bond0 metric 77", "2001:db8:9::/64 via 2001:db8:1::fd dev bond0 proto bgp")
		again(t, host, mode)
	})
	t.Run("rollback", func(t *testing.T) {
		lab.Require(t)
		trapHost(t, setup...)
		failLast(t, mode)
	})
	t.Run("carrier loss keeps them", func(t *testing.T) {
		lab.Require(t)
		host, sw := trapHost(t, "address add 192.0.2.1/24 dev p1", "-6 address add 2001:db8:1::1/64 dev p1 nodad",
			"route add default via 192.0.2.254")
		sw.Cut(t, sw.Ports[0], true)
		text := "interfaces: [{name: p1, type: veth, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]"
		again(t, host, text)
		wantAddresses(t, "p1", "inet6", "2001:db8:1::1/64")
		wantRoutes(t, "default via 192.0.2.254 dev p1")
	})
}

// TestTrapPrimaryTakesSecondaries: removing the primary IPv4 address of a
// subnet removes its secondaries. Those that are meant to stay, stay.
func TestTrapPrimaryTakesSecondaries(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t, "address add 192.0.2.4/28 dev p1", "address add 192.0.2.1/24 dev p1", "address add 192.0.2.2/24 dev p1",
		"address add 192.0.2.3/24 dev p1", "address add 192.0.2.50/24 dev p1 valid_lft 90000 preferred_lft 80000")
	if got := sysctl(t, "net/ipv4/conf/p1/promote_secondaries"); got != "0" {
		lab.Sysctl(t, "net/ipv4/conf/p1/promote_secondaries", "0")
	}
	text := `
interfaces:
- name: p1
  type: veth
  ipv4: {enabled: true, address: [{ip: 192.0.2.2, prefix-length: 24}, {ip: 192.0.2.3, prefix-length: 24}, {ip: 192.0.2.4, prefix-length: 28}]}
`
	failLast(t, text)
	apply(t, host, text)
	got := addressesOf(t, "p1", "inet")
	for _, want := range []string{"192.0.2.2/24", "192.0.2.3/24 secondary", "192.0.2.4/28", "192.0.2.50/24 secondary"} {
		if !strings.Contains(got+",", want+",") {
			t.Errorf("%s is not there: %s", want, got)
		}
	}
	if strings.Contains(got, "192.0.2.1/24") {
		t.Errorf("192.0.2.1/24 is still there: %s", got)
	}
	again(t, host, text)
}

// TestTrapDuplicateDefault: two default routes at one metric. The kernel keeps
// the first one; the one that is asked for must not be lost in silence.
func TestTrapDuplicateDefault(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t, "address add 192.0.2.1/24 dev p1", "address add 198.51.100.1/24 dev p2",
		"route add default via 192.0.2.254 proto bgp metric 5")
	text := `
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: p2, next-hop-address: 198.51.100.254, metric: 5}]}
`
	before := lab.Picture(t)
	result, err := host.Apply(t.Context(), parse(t, text), holdfast.ApplyOptions{})
	wantRoutes(t, "default via 192.0.2.254 dev p1 proto bgp")
	if err == nil {
		wantRoutes(t, "default via 198.51.100.254 dev p2 proto 72")
		again(t, host, text)
		return
	}
	if result.Outcome != holdfast.RolledBack && result.Outcome != holdfast.Unchanged {
		t.Errorf("outcome %s", result.Outcome)
	}
	if fault, ok := errors.AsType[*engine.Error](err); !ok || fault.Kind != engine.Conflict {
		t.Errorf("the error is not one of kind conflict: %v", err)
	}
	before.Same(t, 0)
}

// TestTrapDuplicateAddress: an address that another host has fails duplicate
// detection, after apply has long set it. The change is rolled back.
func TestTrapDuplicateAddress(t *testing.T) {
	lab.Require(t)
	host, sw := trapHost(t, "-6 address add 2001:db8:5::1/64 dev p1 nodad")
	sw.Join(t, "other", 0, "2001:db8:1::9/64")
	before := lab.Picture(t)
	result, err := host.Apply(t.Context(), parse(t, `
interfaces:
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: p1}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::9", prefix-length: 64}]}
`), holdfast.ApplyOptions{})
	if result.Outcome != holdfast.RolledBack || err == nil || !strings.Contains(err.Error(), "2001:db8:1::9") {
		t.Errorf("outcome %s, %v", result.Outcome, err)
	}
	before.Same(t, 0)
}

// TestTrapSpanningTree: with STP a new port listens and learns for twice the
// forward delay, so long the bridge has no carrier and its addresses stay
// tentative. Apply returns when they can be used.
func TestTrapSpanningTree(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	apply(t, host, `
interfaces:
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: true, forward-delay: 2, hello-time: 1}}, port: [{name: p1}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}
routes:
  config:
  - {destination: "::/0", next-hop-interface: br0, next-hop-address: "2001:db8:1::fe", source: "2001:db8:1::1"}
`)
	if text := lab.IP(t, "-6 address show dev br0 scope global"); !strings.Contains(text, "2001:db8:1::1") || strings.Contains(text, "tentative") {
		t.Errorf("apply did not wait for duplicate detection:\n%s", text)
	}
	if text := lab.Run(t, "bridge", "link", "show", "dev", "p1"); !strings.Contains(text, "state forwarding") {
		t.Errorf("apply did not wait for the spanning tree: %s", text)
	}
	wantRoutes(t, "default via 2001:db8:1::fe dev br0 proto 72 src 2001:db8:1::1")
}
