package tests

import (
	"context"
	"errors"
	"strings"
	"testing"

	"holdfast"
	"holdfast/engine"
	"holdfast/engine/kernel"
	"holdfast/lab"
	"holdfast/plan"
)

// errInjected is what a step fails with that the test lets fail.
var errInjected = errors.New("let fail by the test")

// A faulty engine carries a plan out up to one step and fails there. It may
// also crash: then its checkpoint is stored, and given back by another engine,
// before the rollback.
type faulty struct {
	*kernel.Engine
	failAt int
	crash  bool
	runDir string
	// total is how many steps the plan had; 0 until Apply was called.
	total int
}

// Apply fails at the step, the first time only: repairs may go through.
func (f *faulty) Apply(ctx context.Context, p *plan.Plan, progress func(engine.Progress)) error {
	if f.total > 0 || f.failAt >= len(p.Steps) {
		f.total = len(p.Steps)
		return f.Engine.Apply(ctx, p, progress)
	}
	f.total = len(p.Steps)
	cut := *p
	cut.Steps = p.Steps[:f.failAt]
	if err := f.Engine.Apply(ctx, &cut, progress); err != nil {
		return err
	}
	return &engine.StepError{Index: f.failAt, Step: &p.Steps[f.failAt], Err: &engine.Error{Op: "test", Kind: engine.Internal, Err: errInjected}}
}

// Checkpoint gives one that survives a crash.
func (f *faulty) Checkpoint(ctx context.Context) (engine.Checkpoint, error) {
	c, err := f.Engine.Checkpoint(ctx)
	if err != nil || !f.crash {
		return c, err
	}
	return &crashing{Checkpoint: c, runDir: f.runDir}, nil
}

// crashing is a checkpoint that goes through its stored form.
type crashing struct {
	engine.Checkpoint
	runDir string
}

// Rollback is done by an engine that knows nothing but what was stored.
func (c *crashing) Rollback(ctx context.Context) error {
	stored, err := c.Store()
	if err != nil {
		return err
	}
	other, err := kernel.Open(kernel.Options{RunDir: c.runDir})
	if err != nil {
		return err
	}
	again, err := other.Reopen(ctx, stored)
	if err == nil {
		err = again.Rollback(ctx)
	}
	return errors.Join(err, other.Close())
}

// sample is how many steps are passed over between two that are let fail;
// HOLDFAST_FAULTS=1 lets every single one fail.
const sample = 6

// faults lets a document fail at one step after the other, and looks each time
// whether the host is as it was.
func faults(t *testing.T, document string) {
	t.Helper()
	runDir := t.TempDir()
	lab.Await(t, "the end of duplicate detection", 0, func() bool { return lab.IP(t, "-6 address show tentative") == "" })
	before := lab.Picture(t)
	for at, n := 0, 0; ; at, n = at+int(number("HOLDFAST_FAULTS", sample)), n+1 {
		e, err := kernel.Open(kernel.Options{RunDir: runDir})
		if err != nil {
			t.Fatal(err)
		}
		f := &faulty{Engine: e, failAt: at, crash: n%2 == 1, runDir: runDir}
		done := fault(t, f, document, before)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if done {
			if f.total < 10 {
				t.Errorf("the plan has %d steps only", f.total)
			}
			t.Logf("%d of %d steps", n, f.total)
			return
		}
	}
}

// fault makes one attempt; done is set when there was no step left to fail.
func fault(t *testing.T, f *faulty, document string, before lab.HostPicture) (done bool) {
	t.Helper()
	host, err := holdfast.Open(holdfast.Options{Carrier: f, StateDir: t.TempDir(), RunDir: f.runDir})
	if err != nil {
		t.Fatal(err)
	}
	result, err := host.Apply(t.Context(), parse(t, document), holdfast.ApplyOptions{Force: true})
	if f.failAt >= f.total {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return true
	}
	if !errors.Is(err, errInjected) {
		t.Fatalf("step %d: %v", f.failAt, err)
	}
	if result.Outcome != holdfast.RolledBack {
		t.Fatalf("step %d: outcome %s: %v", f.failAt, result.Outcome, err)
	}
	asBefore := func() bool { return lab.Diff(before, lab.Picture(t)) == "" }
	if !lab.Eventually(0, asBefore) {
		s := result.Plan.Steps[f.failAt]
		t.Fatalf("failed at step %d (%s %s), the host is not as before (-before +after)\n%s", f.failAt, s.Verb, s.Object, lab.Diff(before, lab.Picture(t)))
	}
	return false
}

// faultHost wires four NICs and runs ip(8) or another program for each line.
func faultHost(t *testing.T, lines ...[]string) {
	t.Helper()
	lab.Require(t)
	lab.Wire(t, lab.Wiring{NICs: nics})
	for _, nic := range nics {
		lab.IP(t, "link", "set", nic, "up")
	}
	for _, line := range lines {
		lab.Run(t, line...)
	}
}

// words splits lines.
func words(lines ...string) [][]string {
	var all [][]string
	for _, line := range lines {
		all = append(all, strings.Fields(line))
	}
	return all
}

// TestFaultBuild builds a stack over a NIC that has the addresses now.
func TestFaultBuild(t *testing.T) {
	faultHost(t, words(
		"ip address add 192.0.2.1/24 dev p1",
		"ip address add 192.0.2.2/24 dev p1",
		"ip -6 address add 2001:db8:1::1/64 dev p1 nodad",
		"ip route add default via 192.0.2.254 dev p1 metric 100",
		"ip route add 203.0.113.0/24 via 192.0.2.253 proto bgp",
		"ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:77 dev p1 nud permanent",
	)...)
	faults(t, `
dns-resolver: {config: {server: [192.0.2.53], search: [x.example]}}
interfaces:
- name: f-bond
  type: bond
  mtu: 9000
  link-aggregation: {mode: active-backup, options: {primary: p2, updelay: 100}, port: [p1, p2]}
- {name: f-v100, type: vlan, mtu: 1500, vlan: {base-iface: f-bond, id: 100}}
- name: f-br
  type: linux-bridge
  bridge: {options: {stp: {enabled: true, forward-delay: 4}}, port: [{name: f-v100}, {name: p3}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 192.0.2.2, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-interface: f-br, next-hop-address: 192.0.2.254, metric: 100}
  - {destination: 198.51.100.0/24, next-hop-interface: f-br, next-hop-address: 192.0.2.254, table-id: 50}
route-rules: {config: [{ip-from: 192.0.2.0/24, route-table: 50, priority: 500}]}
`)
}

// TestFaultTearDown removes a stack that guests, daemons and administrators
// have put things on.
func TestFaultTearDown(t *testing.T) {
	faultHost(t, words(
		"ip link add t-bond type bond mode 802.3ad miimon 100 lacp_rate fast",
		"ip link set p1 down", "ip link set p1 master t-bond", "ip link set p2 down", "ip link set p2 master t-bond",
		"ip link set t-bond up",
		"ip link add t-v100 link t-bond type vlan id 100",
		"ip link set t-v100 alias uplink txqueuelen 555 up",
		"ip link add t-br type bridge stp_state 0 mcast_snooping 0 nf_call_iptables 1",
		"ip link set t-v100 master t-br", "ip link set t-br up",
		"bridge link set dev t-v100 isolated on learning off",
		"bridge fdb add 02:00:00:00:00:99 dev t-v100 master static",
		"ip address add 192.0.2.1/24 dev t-br",
		"ip -6 address add 2001:db8:1::1/64 dev t-br nodad",
		"ip route add default via 192.0.2.254",
		"ip route add 203.0.113.0/24 via 192.0.2.253 proto bgp",
		"ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:77 dev t-br nud permanent",
		"tc qdisc add dev t-v100 root handle 1: prio",
		"tc filter add dev t-v100 parent 1: protocol ip prio 1 u32 match ip dst 203.0.113.7/32 flowid 1:1",
		"sysctl -qw net.ipv4.conf.t-br.rp_filter=2",
	)...)
	faults(t, `
interfaces:
- {name: t-br, type: linux-bridge, state: absent}
- {name: t-v100, type: vlan, state: absent}
- {name: t-bond, type: bond, state: absent}
- {name: p1, type: veth, state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}, ipv6: {enabled: false}}
- {name: p2, type: veth, state: up, mtu: 1400}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: p1, next-hop-address: 192.0.2.254}]}
`)
}

// TestFaultRearrange exchanges ports, options and MTUs.
func TestFaultRearrange(t *testing.T) {
	faultHost(t, words(
		"ip link add r-bond type bond mode active-backup miimon 100",
		"ip link set p1 down", "ip link set p1 master r-bond", "ip link set p2 down", "ip link set p2 master r-bond",
		"ip link set r-bond up",
		"ip link add r-br type bridge stp_state 0",
		"ip link set p3 master r-br", "ip link set p4 master r-br", "ip link set r-br up",
		"ip address add 192.0.2.1/24 dev r-bond",
		"ip address add 198.51.100.1/24 dev r-br",
		"ip link add r-v5 link r-br type vlan id 5", "ip link set r-v5 up",
		"ip address add 203.0.113.1/24 dev r-v5",
		"ip route add 198.18.0.0/24 via 203.0.113.9 proto static",
	)...)
	faults(t, `
interfaces:
- name: r-bond
  type: bond
  mtu: 1600
  link-aggregation: {mode: balance-xor, options: {miimon: 50, xmit_hash_policy: layer3+4}, port: [p3, p4]}
- name: r-br
  type: linux-bridge
  mtu: 1400
  bridge: {options: {stp: {enabled: true, forward-delay: 5}, mac-ageing-time: 100}, port: [{name: p1, stp-path-cost: 7}, {name: p2}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
- {name: r-v5, type: vlan, vlan: {base-iface: r-br, id: 6}}
`)
}

// TestFaultGuests changes a bridge that a guest's tap is a port of.
func TestFaultGuests(t *testing.T) {
	faultHost(t, words(
		"ip link add g-br type bridge stp_state 0 vlan_filtering 1",
		"ip link set p1 master g-br", "ip link set g-br up",
		"ip tuntap add g-tap mode tap", "ip link set g-tap master g-br up",
		"bridge vlan add dev g-tap vid 30 pvid untagged", "bridge vlan del dev g-tap vid 1",
		"bridge vlan add dev p1 vid 30", "bridge vlan add dev p1 vid 40-45",
		"bridge link set dev g-tap isolated on mcast_flood off",
		"ip address add 192.0.2.1/24 dev g-br",
		"ip address add 192.0.2.50/24 dev g-br valid_lft 90000 preferred_lft 80000",
		"ip route add default via 192.0.2.254",
	)...)
	faults(t, `
interfaces:
- {name: g-bond, type: bond, link-aggregation: {mode: active-backup, port: [p1, p2]}}
- name: g-br
  type: linux-bridge
  bridge:
    options: {mac-ageing-time: 60}
    port: [{name: g-bond, vlan: {mode: trunk, trunk-tags: [{id: 30}, {id: 50}]}}]
  ipv4: {enabled: true, address: [{ip: 192.0.2.4, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:3::1", prefix-length: 64}]}
- {name: g-v50, type: vlan, vlan: {base-iface: g-bond, id: 60}}
`)
}

// TestFaultRecreate gives a VLAN another number, which only a new link can
// have, and everything on it must come along.
func TestFaultRecreate(t *testing.T) {
	faultHost(t, words(
		"ip link add c-v100 link p1 type vlan id 100",
		"ip link set c-v100 alias guest-uplink txqueuelen 333 up",
		"ip link add c-br type bridge stp_state 0", "ip link set c-v100 master c-br", "ip link set c-br up",
		"bridge link set dev c-v100 learning off",
		"bridge fdb add 02:00:00:00:00:98 dev c-v100 master static",
		"tc qdisc add dev c-v100 clsact",
		"tc filter add dev c-v100 ingress protocol all prio 3 matchall action pass",
		"ip address add 192.0.2.1/24 dev c-br",
		"ip link add c-v7 link p2 type vlan id 7", "ip link set c-v7 up",
		"ip address add 198.51.100.1/24 dev c-v7",
		"ip address add 198.51.100.9/24 dev c-v7 valid_lft 90000 preferred_lft 80000",
		"ip route add 203.0.113.0/24 via 198.51.100.254 proto bgp",
		"ip neighbour add 198.51.100.77 lladdr 02:00:00:00:00:77 dev c-v7 nud permanent",
		"sysctl -qw net.ipv4.conf.c-v7.arp_ignore=1",
	)...)
	faults(t, `
interfaces:
- {name: c-v100, type: vlan, vlan: {base-iface: p1, id: 101}}
- {name: c-v7, type: vlan, vlan: {base-iface: p3, id: 7}}
- {name: c-new, type: dummy, ipv4: {enabled: true, address: [{ip: 192.0.2.129, prefix-length: 25}]}}
`)
}
