package tests

import (
	"fmt"
	"strings"
	"testing"

	"holdfast"
	"holdfast/lab"
	"holdfast/lab/agent"
)

// bondOption reads an option of a link's kind.
func bondOption(t *testing.T, name, option string) string {
	t.Helper()
	return fmt.Sprint(readLinks(t)[name].Info.Data[option])
}

// wantOptions checks options of a bond, given as "name value" pairs.
func wantOptions(t *testing.T, name string, pairs ...string) {
	t.Helper()
	for _, pair := range pairs {
		option, want, _ := strings.Cut(pair, " ")
		if got := bondOption(t, name, option); got != want {
			t.Errorf("%s: %s is %s, want %s", name, option, got, want)
		}
	}
}

// TestTrapZeroIsNotUnset: zero is a value, and what is not mentioned is none.
func TestTrapZeroIsNotUnset(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t, "link add bond0 type bond mode active-backup miimon 50 updelay 100 downdelay 150 num_grat_arp 3",
		"link set p1 down", "link set p1 master bond0", "link set p2 down", "link set p2 master bond0", "link set bond0 up",
		"link add br0 type bridge stp_state 0 priority 8 ageing_time 7000", "link set p3 master br0", "link set br0 up")
	apply(t, host, "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {updelay: 0}, port: [p1, p2]}}]")
	wantOptions(t, "bond0", "miimon 50", "updelay 0", "downdelay 150", "num_peer_notif 3")
	apply(t, host, "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {num_grat_arp: 0}}}]")
	wantOptions(t, "bond0", "miimon 50", "downdelay 150", "num_peer_notif 0")
	text := "interfaces: [{name: br0, type: linux-bridge, bridge: {options: {stp: {priority: 0}}}}]"
	apply(t, host, text)
	wantOptions(t, "br0", "priority 0", "ageing_time 7000", "stp_state 0")
	again(t, host, text)
	apply(t, host, "interfaces: [{name: br0, type: linux-bridge, bridge: {options: {mac-ageing-time: 0}}}]")
	wantOptions(t, "br0", "priority 0", "ageing_time 0")
}

// TestTrapLinkMonitoring: the two ways of link monitoring exclude each other,
// and setting one silently zeroes the other.
func TestTrapLinkMonitoring(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	mii := "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {miimon: 100, updelay: 200}, port: [p1, p2]}}]"
	arp := "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {miimon: 0, updelay: 0, arp_interval: 250, arp_ip_target: 192.0.2.254}, port: [p1, p2]}}]"
	back := "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {arp_interval: 0, miimon: 100, updelay: 200}, port: [p1, p2]}}]"
	apply(t, host, mii)
	wantOptions(t, "bond0", "miimon 100", "updelay 200", "arp_interval 0")
	lab.Await(t, "both members are up", 0, func() bool {
		links := readLinks(t)
		return links["p1"].Info.Slave["mii_status"] == "UP" && links["p2"].Info.Slave["mii_status"] == "UP"
	})
	failLast(t, arp)
	apply(t, host, arp)
	wantOptions(t, "bond0", "miimon 0", "arp_interval 250")
	again(t, host, arp)
	apply(t, host, back)
	wantOptions(t, "bond0", "miimon 100", "updelay 200", "arp_interval 0")
	again(t, host, back)
	before := lab.Picture(t)
	for _, text := range []string{
		strings.Replace(arp, "miimon: 0", "miimon: 100", 1),
		"interfaces: [{name: bond0, type: bond, link-aggregation: {mode: 802.3ad, options: {arp_interval: 250, arp_ip_target: 192.0.2.254}}}]",
		"interfaces: [{name: bond0, type: bond, link-aggregation: {mode: active-backup, options: {lacp_rate: fast}}}]",
	} {
		result, err := host.Apply(t.Context(), parse(t, text), holdfast.ApplyOptions{})
		if err == nil || result.Outcome != holdfast.Unchanged {
			t.Errorf("%s: outcome %s, %v", text, result.Outcome, err)
		}
	}
	before.Same(t, 0)
}

// TestTrapModeWithMembers: the mode can be changed only without members, and
// some options only while the bond is down. The members, the VLAN on the bond
// and its addresses live through that.
func TestTrapModeWithMembers(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	apply(t, host, `
interfaces:
- name: bond0
  type: bond
  link-aggregation: {mode: balance-rr, port: [p1, p2]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}
- {name: v100, type: vlan, vlan: {base-iface: bond0, id: 100}, ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}}
routes: {config: [{destination: 203.0.113.0/24, next-hop-interface: v100, next-hop-address: 198.51.100.254}]}
`)
	mac := readLinks(t)["bond0"].Address
	for _, change := range []struct{ mode, options, check string }{
		{"802.3ad", "{lacp_rate: fast, ad_select: count}", "ad_select count"},
		{"active-backup", "{fail_over_mac: active}", "fail_over_mac active"},
		{"balance-alb", "{}", "mode balance-alb"},
		{"balance-tlb", "{tlb_dynamic_lb: false}", "tlb_dynamic_lb 0"},
		{"balance-xor", "{xmit_hash_policy: layer3+4}", "xmit_hash_policy layer3+4"},
	} {
		text := fmt.Sprintf("interfaces: [{name: bond0, type: bond, link-aggregation: {mode: %s, options: %s}}]", change.mode, change.options)
		apply(t, host, text)
		wantOptions(t, "bond0", "mode "+change.mode, change.check)
		links := readLinks(t)
		if links["p1"].Master != "bond0" || links["p2"].Master != "bond0" || links["bond0"].Address != mac {
			t.Errorf("%s: the members or the MAC were lost: %+v", change.mode, links["bond0"])
		}
		wantAddresses(t, "bond0", "inet6", "2001:db8:1::1/64")
		wantAddresses(t, "v100", "inet", "198.51.100.1/24")
		wantRoutes(t, "203.0.113.0/24 via 198.51.100.254 dev v100 proto 72")
		again(t, host, text)
	}
}

// TestTrapMembersMAC: members of a bond show one MAC. They are told apart by
// the one that they have on their own.
func TestTrapMembersMAC(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	apply(t, host, "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: balance-rr, port: [p1, p2]}}]")
	if mac := readLinks(t)["p2"].Address; mac != "02:00:00:00:00:01" {
		t.Fatalf("p2 shows %s", mac)
	}
	text := `interfaces: [{name: uplink, type: veth, identifier: mac-address, mac-address: "02:00:00:00:00:02", alt-names: [{name: second}]}]`
	apply(t, host, text)
	if out := lab.IP(t, "-o link show second"); !strings.Contains(out, ": p2@") {
		t.Errorf("the alternative name went to %s", out)
	}
	again(t, host, text)
}

// TestTrapPermanentMAC is TestTrapMembersMAC with NICs that have a permanent
// MAC.
//
//lab:run --nics 2
func TestTrapPermanentMAC(t *testing.T) {
	lab.Require(t)
	lab.WireNICs(t, lab.Wiring{NICs: []string{"e0", "e1"}})
	host := openHost(t)
	text := fmt.Sprintf(`
interfaces:
- {name: bond0, type: bond, mac-address: "02:00:00:00:00:77", link-aggregation: {mode: balance-rr, port: [e0, e1]}}
- {name: uplink, type: ethernet, identifier: mac-address, mac-address: %q, alt-names: [{name: second}]}
`, agent.HostMAC(1))
	apply(t, host, text)
	if out := lab.IP(t, "-o link show second"); !strings.Contains(out, ": e1:") {
		t.Errorf("the alternative name went to %s", out)
	}
	again(t, host, text)
	apply(t, host, "interfaces: [{name: bond0, state: absent}]")
	if mac := readLinks(t)["e1"].Address; mac != agent.HostMAC(1) {
		t.Errorf("after the release the NIC has the MAC %s", mac)
	}
}

// TestTrapMemberOrder: another order of the members is no change, and the
// bond's MAC stays when the member leaves that it came from.
func TestTrapMemberOrder(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	bond := "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: %s, port: [%s]}}]"
	apply(t, host, fmt.Sprintf(bond, "active-backup", "p2, p3"))
	mac := func(what string) {
		if now := readLinks(t)["bond0"].Address; now != "02:00:00:00:00:02" {
			t.Errorf("%s: the bond's MAC is %s", what, now)
		}
	}
	mac("made")
	again(t, host, fmt.Sprintf(bond, "active-backup", "p3, p2"))
	apply(t, host, fmt.Sprintf(bond, "active-backup", "p1, p3, p2"))
	mac("with a third")
	apply(t, host, fmt.Sprintf(bond, "active-backup", "p3, p1"))
	mac("without the first")
	apply(t, host, fmt.Sprintf(bond, "802.3ad", "p1, p3"))
	mac("in another mode")
	apply(t, host, fmt.Sprintf(bond, "802.3ad", ""))
	mac("without members")
}
