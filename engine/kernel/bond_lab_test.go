package kernel

import (
	"fmt"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

func bond(name string, mode state.BondMode, o *state.BondOptions) *state.Interface {
	return &state.Interface{Name: name, Type: state.TypeBond, Bond: &state.Bond{Mode: mode, Options: o}}
}

// bondCases are options in a mode, with what ip(8) prints of them.
var bondCases = []struct {
	mode    state.BondMode
	options state.BondOptions
	keys    []string
	want    map[string]any
}{
	{
		state.BalanceRR, state.BondOptions{MIIMon: new(uint32(50)), UpDelay: new(uint32(100)), DownDelay: new(uint32(150)), PacketsPerSlave: new(uint32(7)), ResendIGMP: new(uint32(3))},
		[]string{"miimon", "updelay", "downdelay", "packets_per_slave", "resend_igmp"},
		map[string]any{"miimon": 50, "updelay": 100, "downdelay": 150, "packets_per_slave": 7, "resend_igmp": 3},
	},
	{
		state.ActiveBackup, state.BondOptions{
			ARPInterval: new(uint32(200)), ARPIPTarget: new("192.0.2.1,192.0.2.2"), NSIP6Target: new("2001:db8::1"), ARPValidate: "active",
			ARPAllTargets: "all", ARPMissedMax: new(uint8(4)), FailOverMAC: "active", PrimaryReselect: "better", NumGratARP: new(uint8(5)),
			AllSlavesActive: "delivered", LPInterval: new(uint32(9)), MIIMon: new(uint32(0)),
		},
		[]string{"fail_over_mac", "arp_interval", "arp_ip_target", "ns_ip6_target", "arp_validate", "arp_all_targets", "arp_missed_max", "primary_reselect", "num_unsol_na", "all_slaves_active", "lp_interval"},
		map[string]any{
			"arp_interval": 200, "arp_ip_target": []string{"192.0.2.1", "192.0.2.2"}, "ns_ip6_target": []string{"2001:db8::1"}, "arp_validate": "active",
			"arp_all_targets": "all", "arp_missed_max": 4, "fail_over_mac": "active", "primary_reselect": "better", "num_peer_notif": 5,
			"all_slaves_active": 1, "lp_interval": 9,
		},
	},
	{
		state.BalanceXOR, state.BondOptions{MIIMon: new(uint32(100)), XmitHashPolicy: "vlan+srcmac", MinLinks: new(uint32(2)), UseCarrier: new(true)},
		[]string{"miimon", "xmit_hash_policy", "min_links", "use_carrier"},
		map[string]any{"miimon": 100, "xmit_hash_policy": "vlan+srcmac", "min_links": 2, "use_carrier": 1},
	},
	{
		state.Broadcast, state.BondOptions{MIIMon: new(uint32(100)), UseCarrier: new(false)},
		[]string{"miimon", "use_carrier"}, map[string]any{"miimon": 100, "use_carrier": 0},
	},
	{
		state.LACP, state.BondOptions{
			MIIMon: new(uint32(100)), LACPRate: "fast", LACPActive: "off", ADSelect: "bandwidth", ADActorSysPrio: new(uint16(7)),
			ADActorSystem: "02:00:00:00:00:99", ADUserPortKey: new(uint16(12)), XmitHashPolicy: "layer3+4",
			// What the mode does not have is left out of the create message.
			ARPInterval: new(uint32(0)), ARPValidate: "none", Primary: new(""), PacketsPerSlave: new(uint32(1)), TLBDynamicLB: new(true),
		},
		[]string{"miimon", "xmit_hash_policy", "lacp_active", "lacp_rate", "ad_select", "ad_actor_sys_prio", "ad_actor_system", "ad_user_port_key"},
		map[string]any{
			"ad_lacp_rate": "fast", "ad_lacp_active": "off", "ad_select": "bandwidth", "ad_actor_sys_prio": 7,
			"ad_actor_system": "02:00:00:00:00:99", "ad_user_port_key": 12, "xmit_hash_policy": "layer3+4",
		},
	},
	{
		state.BalanceTLB, state.BondOptions{MIIMon: new(uint32(100)), TLBDynamicLB: new(false)},
		[]string{"miimon", "tlb_dynamic_lb"}, map[string]any{"tlb_dynamic_lb": 0},
	},
	{
		state.BalanceALB, state.BondOptions{MIIMon: new(uint32(100)), PrimaryReselect: "failure"},
		[]string{"miimon", "primary_reselect"}, map[string]any{"primary_reselect": "failure"},
	},
}

func TestBondOptions(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	for i, c := range bondCases {
		want := map[string]any{"linkinfo.info_data.mode": c.mode}
		for key, value := range c.want {
			want["linkinfo.info_data."+key] = value
		}
		// By the create message, and one by one on a bond that is there.
		made := fmt.Sprintf("made%d", i)
		apply(t, e, steps(create(bond(made, c.mode, &c.options))))
		expect(t, made, want)
		changed := fmt.Sprintf("changed%d", i)
		keys := []string{"link-aggregation.mode"}
		for _, key := range c.keys {
			keys = append(keys, "link-aggregation.options."+key)
		}
		apply(t, e, steps(
			create(bond(changed, state.BalanceRR, nil)),
			plan.Step{Verb: plan.ChangeLink, Object: changed, Link: bond(changed, c.mode, &c.options), Keys: keys},
		))
		expect(t, changed, want)
	}
}

func TestBondRefusals(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	apply(t, e, steps(create(bond("b0", state.BalanceRR, nil)), plan.Step{Verb: plan.Attach, Object: "d0", Controller: "b0"}))
	mode := plan.Step{
		Verb: plan.ChangeLink, Object: "b0", Link: bond("b0", state.LACP, nil), Keys: []string{"link-aggregation.mode"},
	}
	fault := refused(t, e, steps(mode), 0)
	if fault.Op != "set mode 802.3ad" || fault.Object != "b0" {
		t.Errorf("fault %+v", fault)
	}
	if text := fault.Error(); !strings.HasPrefix(text, "b0: set mode 802.3ad: ") {
		t.Errorf("text %q", text)
	}
	// Both kinds of monitoring at once: the kernel says so in its own words.
	both := bond("b1", state.ActiveBackup, &state.BondOptions{MIIMon: new(uint32(100)), ARPInterval: new(uint32(100))})
	fault = refused(t, e, steps(create(both)), 0)
	if fault.Kind != engine.Invalid || !strings.Contains(fault.Error(), "ARP monitoring cannot be used with MII monitoring") {
		t.Errorf("fault %v", fault)
	}
	if isThere("b1") {
		t.Error("a bond that was refused is there")
	}
}

func TestBondPorts(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 up type dummy")
	primary := bond("b0", state.ActiveBackup, &state.BondOptions{MIIMon: new(uint32(100)), Primary: new("d1")})
	apply(t, e, levelled(
		[]plan.Step{create(primary)},
		[]plan.Step{verb(plan.SetUp, "b0")},
		[]plan.Step{{Verb: plan.Attach, Object: "d0", Controller: "b0"}},
		[]plan.Step{create(dummyLink("d1"))},
		[]plan.Step{{Verb: plan.Attach, Object: "d1", Controller: "b0"}},
		[]plan.Step{{
			Verb: plan.ChangePort, Object: "d1", Controller: "b0", Keys: []string{"queue-id", "priority"},
			BondPort: &state.BondPort{Name: "d1", QueueID: new(uint16(4)), Priority: new(int32(-5))},
		}},
	))
	expect(t, "b0", map[string]any{"linkinfo.info_data.primary": "d1"})
	expect(t, "d0", map[string]any{"master": "b0"})
	expect(t, "d1", map[string]any{"master": "b0", "linkinfo.info_slave_data.queue_id": 4, "linkinfo.info_slave_data.prio": -5})
	apply(t, e, levelled(
		[]plan.Step{{Verb: plan.ChangeLink, Object: "b0", Link: bond("b0", state.ActiveBackup, &state.BondOptions{Primary: new("")}), Keys: []string{"link-aggregation.options.primary"}}},
		[]plan.Step{{Verb: plan.Detach, Object: "d1", Controller: "b0"}},
		[]plan.Step{verb(plan.SetDown, "b0")},
	))
	expect(t, "b0", map[string]any{"linkinfo.info_data.primary": nil})
	expect(t, "d1", map[string]any{"master": nil})
}

func TestArpMonitoringReplacesMII(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	apply(t, e, steps(
		create(bond("b0", state.ActiveBackup, &state.BondOptions{MIIMon: new(uint32(100))})),
		plan.Step{
			Verb: plan.ChangeLink, Object: "b0",
			Link: bond("b0", state.ActiveBackup, &state.BondOptions{MIIMon: new(uint32(0)), ARPInterval: new(uint32(300)), ARPIPTarget: new("192.0.2.9")}),
			Keys: []string{"link-aggregation.options.miimon", "link-aggregation.options.arp_interval", "link-aggregation.options.arp_ip_target"},
		},
	))
	expect(t, "b0", map[string]any{
		"linkinfo.info_data.miimon": 0, "linkinfo.info_data.arp_interval": 300, "linkinfo.info_data.arp_ip_target": []string{"192.0.2.9"},
	})
	apply(t, e, steps(plan.Step{
		Verb: plan.ChangeLink, Object: "b0",
		Link: bond("b0", state.ActiveBackup, &state.BondOptions{ARPInterval: new(uint32(0)), ARPIPTarget: new("")}),
		Keys: []string{"link-aggregation.options.arp_interval", "link-aggregation.options.arp_ip_target"},
	}))
	expect(t, "b0", map[string]any{"linkinfo.info_data.arp_interval": 0, "linkinfo.info_data.arp_ip_target": nil})
}
