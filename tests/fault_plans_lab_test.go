package tests

import (
	"slices"
	"testing"
)

// A rehearsal is a large change of a host that has much on it, made to be
// disturbed.
type rehearsal struct {
	// host is what the host is made with, a command each.
	host [][]string
	// document is the change.
	document string
}

func TestFaultBuild(t *testing.T)     { toBuild().faults(t) }
func TestFaultTearDown(t *testing.T)  { toTearDown().faults(t) }
func TestFaultRearrange(t *testing.T) { toRearrange().faults(t) }
func TestFaultGuests(t *testing.T)    { toGuests().faults(t) }
func TestFaultRecreate(t *testing.T)  { toRecreate().faults(t) }

// toBuild builds a stack over a NIC that has the addresses now, and
// takes a port from another bridge into it.
func toBuild() rehearsal {
	host := slices.Concat(words(
		"ip address add 192.0.2.1/24 dev p1",
		"ip address add 192.0.2.2/24 dev p1",
		"ip -6 address add 2001:db8:1::1/64 dev p1 nodad",
		"ip route add default via 192.0.2.254 dev p1 metric 100",
		"tc qdisc add dev p1 clsact",
		"ip link add f-old type bridge stp_state 0", "ip link set p3 master f-old", "ip link set f-old up",
		"bridge mdb add dev f-old port p3 grp 239.1.1.1 permanent",
	), routed("p1"), tuned("p3"), guest("f-tap", "f-old", following))
	return rehearsal{host, `
dns-resolver: {config: {server: [192.0.2.53], search: [x.example]}}
interfaces:
- name: f-bond
  type: bond
  mtu: 9000
  link-aggregation: {mode: active-backup, options: {primary: p2, updelay: 100}, port: [p1, p2]}
- {name: f-v100, type: vlan, mtu: 1500, vlan: {base-iface: f-bond, id: 100}}
- {name: f-old, type: linux-bridge, bridge: {port: [{name: p4}]}}
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
`}
}

// toTearDown removes a stack that guests, daemons and administrators
// have put things on.
func toTearDown() rehearsal {
	host := slices.Concat(words(
		"ip link add t-bond type bond mode 802.3ad miimon 100 lacp_rate fast",
		"ip link set p1 down", "ip link set p1 master t-bond", "ip link set p2 down", "ip link set p2 master t-bond",
		"ip link set t-bond up",
		"ip link add t-v100 link t-bond type vlan id 100",
		"ip link set t-v100 alias uplink txqueuelen 555 up",
		"ip link add t-br type bridge stp_state 0 mcast_snooping 0 nf_call_iptables 1",
		"ip link set t-v100 master t-br", "ip link set t-br up",
		"ip link property add dev t-br altname guests-network",
		"ip address add 192.0.2.1/24 dev t-br",
		"ip -6 address add 2001:db8:1::1/64 dev t-br nodad",
		"ip route add default via 192.0.2.254",
		"ip -6 route add 2001:db8:9::/48 via 2001:db8:1::fe",
	), tuned("t-v100"), routed("t-br"), guest("t-tap", "t-br", leading))
	return rehearsal{host, `
interfaces:
- {name: t-br, type: linux-bridge, state: absent}
- {name: t-v100, type: vlan, state: absent}
- {name: t-bond, type: bond, state: absent}
- {name: p1, type: veth, state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}, ipv6: {enabled: false}}
- {name: p2, type: veth, state: up, mtu: 1400}
- {name: t-new, type: bond, mtu: 2000, link-aggregation: {mode: balance-xor, port: [p3, p4]}}
- {name: t-v7, type: vlan, vlan: {base-iface: t-new, id: 7}, ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: p1, next-hop-address: 192.0.2.254}]}
`}
}

// toRearrange exchanges ports, options and MTUs.
func toRearrange() rehearsal {
	host := slices.Concat(words(
		"ip link add r-bond type bond mode active-backup miimon 100",
		"ip link set p1 down", "ip link set p1 master r-bond", "ip link set p2 down", "ip link set p2 master r-bond",
		"ip link set r-bond up",
		"ip link add r-br type bridge stp_state 0",
		"ip link set p3 master r-br", "ip link set p4 master r-br", "ip link set r-br up",
		"bridge mdb add dev r-br port p4 grp 239.1.1.1 permanent",
		"ip address add 192.0.2.1/24 dev r-bond",
		"ip address add 198.51.100.1/24 dev r-br",
		"ip link add r-v5 link r-br type vlan id 5", "ip link set r-v5 up",
		"tc qdisc add dev r-v5 root handle 5: tbf rate 10mbit burst 32k latency 400ms",
		"ip address add 203.0.113.65/26 dev r-v5",
		"ip route add 198.18.0.0/24 via 203.0.113.99 proto static",
		"ip route add 198.18.1.0/24 via 203.0.113.99 proto ospf",
	), tuned("p3"), routed("r-bond"), guest("r-tap", "r-br", leading))
	return rehearsal{host, `
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
`}
}

// toGuests changes a bridge that a guest's tap is a port of.
func toGuests() rehearsal {
	host := slices.Concat(words(
		"ip link add g-br type bridge stp_state 0 vlan_filtering 1",
		"ip link set p1 master g-br", "ip link set g-br up",
	), guest("g-tap", "g-br", following), words(
		"bridge vlan add dev g-tap vid 30 pvid untagged", "bridge vlan del dev g-tap vid 1",
		"bridge vlan add dev p1 vid 30", "bridge vlan add dev p1 vid 40-45",
		"bridge mdb add dev g-br port p1 grp 239.1.1.1 permanent vid 30",
		"bridge fdb add 02:00:00:00:00:66 dev g-tap master static vlan 30",
		"ip address add 192.0.2.1/24 dev g-br",
		"ip route add default via 192.0.2.254",
	), tuned("p1"), routed("g-br"))
	return rehearsal{host, `
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
`}
}

// toRecreate gives VLANs other numbers, protocols and bases, which only
// new links can have, and everything on them must come along.
func toRecreate() rehearsal {
	host := slices.Concat(words(
		"ip link add c-v100 link p1 type vlan id 100",
		"ip link set c-v100 alias guest-uplink txqueuelen 333 up",
		"ip link add c-br type bridge stp_state 0", "ip link set c-v100 master c-br", "ip link set c-br up",
		"bridge mdb add dev c-br port c-v100 grp 239.1.1.1 permanent",
		"ip address add 198.51.100.1/24 dev c-br",
		"ip link add c-v7 link p2 type vlan id 7", "ip link set c-v7 up",
		"ip link property add dev c-v7 altname storage-network",
		"tc qdisc add dev c-v7 clsact",
		"tc filter add dev c-v7 egress protocol all prio 3 matchall action pass",
		"ip address add 192.0.2.1/24 dev c-v7",
		"ip -6 address add 2001:db8:1::1/64 dev c-v7 nodad",
		"ip -6 route add 2001:db8:9::/48 via 2001:db8:1::fe proto bgp",
		"ip link add c-v7-9 link c-v7 type vlan id 9", "ip link set c-v7-9 up",
		"ip address add 203.0.113.65/26 dev c-v7-9",
	), tuned("c-v100"), routed("c-v7"), guest("c-tap", "c-br", following))
	return rehearsal{host, `
interfaces:
- {name: c-v100, type: vlan, vlan: {base-iface: p1, id: 101}}
- {name: c-v7, type: vlan, vlan: {base-iface: p3, id: 7, protocol: 802.1ad}}
- {name: c-new, type: dummy, mac-address: "02:00:00:00:03:01", ipv4: {enabled: true, address: [{ip: 192.0.2.129, prefix-length: 25}]}}
routes:
  config:
  - {destination: 198.18.5.0/24, next-hop-interface: c-v7-9, next-hop-address: 203.0.113.66}
  - {destination: 198.18.6.0/24, next-hop-interface: c-br, next-hop-address: 198.51.100.9}
route-rules: {config: [{ip-from: 198.51.100.0/24, route-table: 88, priority: 500}]}
`}
}
