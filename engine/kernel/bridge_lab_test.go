package kernel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

// bridgeOptionsOf are values that no new bridge has.
func bridgeOptionsOf() *state.BridgeOptions {
	return &state.BridgeOptions{
		GroupAddr: "01:80:C2:00:00:04", GroupForwardMask: new(uint16(8)), HashMax: new(uint32(2048)), MACAgeingTime: new(uint32(200)),
		MulticastLastMemberCount: new(uint32(3)), MulticastLastMemberInterval: new(uint64(150)), MulticastMembershipInterval: new(uint64(27000)),
		MulticastQuerier: new(true), MulticastQuerierInterval: new(uint64(26000)), MulticastQueryInterval: new(uint64(13000)),
		MulticastQueryResponseInterval: new(uint64(900)), MulticastQueryUseIfaddr: new(true), MulticastRouter: "enabled",
		MulticastSnooping: new(false), MulticastStartupQueryCount: new(uint32(4)), MulticastStartupQueryInterval: new(uint64(3000)),
		STP:          &state.STP{Enabled: new(true), ForwardDelay: new(uint8(4)), HelloTime: new(uint8(1)), MaxAge: new(uint8(6)), Priority: new(uint16(4096))},
		VLANProtocol: state.Dot1AD, VLANDefaultPVID: new(uint16(5)),
	}
}

var bridgeWanted = map[string]any{
	"group_addr": "01:80:c2:00:00:04", "group_fwd_mask": "0x8", "mcast_hash_max": 2048, "ageing_time": 20000,
	"mcast_last_member_cnt": 3, "mcast_last_member_intvl": 150, "mcast_membership_intvl": 27000, "mcast_querier": 1,
	"mcast_querier_intvl": 26000, "mcast_query_intvl": 13000, "mcast_query_response_intvl": 900, "mcast_query_use_ifaddr": 1,
	"mcast_router": 2, "mcast_snooping": 0, "mcast_startup_query_cnt": 4, "mcast_startup_query_intvl": 3000,
	"stp_state": 1, "forward_delay": 400, "hello_time": 100, "max_age": 600, "priority": 4096,
	"vlan_protocol": "802.1ad", "vlan_default_pvid": 5, "vlan_filtering": 0,
}

func TestBridgeOptions(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	want := map[string]any{}
	for key, value := range bridgeWanted {
		want["linkinfo.info_data."+key] = value
	}
	i := &state.Interface{Name: "made", Type: state.TypeBridge, Bridge: &state.Bridge{Options: bridgeOptionsOf()}}
	apply(t, e, steps(create(i)))
	expect(t, "made", want)
	lab.IP(t, "link add changed type bridge")
	var keys []string
	for _, option := range bridgeOptions {
		if option.key != "group-fwd-mask" {
			keys = append(keys, "bridge.options."+option.key)
		}
	}
	slices.Reverse(keys)
	change := plan.Step{Verb: plan.ChangeLink, Object: "changed", Link: i, Keys: keys}
	apply(t, e, steps(change))
	expect(t, "changed", want)
	change.Keys = []string{plan.KeyFilterOn}
	apply(t, e, steps(change))
	expect(t, "changed", map[string]any{"linkinfo.info_data.vlan_filtering": 1})
	change.Keys = []string{plan.KeyFilterOff}
	apply(t, e, steps(change))
	expect(t, "changed", map[string]any{"linkinfo.info_data.vlan_filtering": 0})
	wrong := &state.Interface{Name: "made", Type: state.TypeBridge, Bridge: &state.Bridge{Options: &state.BridgeOptions{STP: &state.STP{ForwardDelay: new(uint8(99))}}}}
	fault := refused(t, e, steps(plan.Step{
		Verb: plan.ChangeLink, Object: "made", Link: wrong, Keys: []string{"bridge.options.stp.forward-delay"},
		Changes: []plan.Change{{Key: "bridge.options.stp.forward-delay", To: "99"}},
	}), 0)
	if fault.Kind != engine.Invalid || fault.Op != "set stp.forward-delay 99" {
		t.Errorf("fault %+v", fault)
	}
}

func TestBridgePorts(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 up type dummy")
	lab.IP(t, "link add br1 type bridge")
	apply(t, e, levelled(
		[]plan.Step{create(&state.Interface{Name: "br0", Type: state.TypeBridge})},
		[]plan.Step{{Verb: plan.Attach, Object: "d0", Controller: "br0"}},
		[]plan.Step{{
			Verb: plan.ChangePort, Object: "d0", Controller: "br0", Keys: []string{"stp-hairpin-mode", "stp-path-cost", "stp-priority"},
			BridgePort: &state.BridgePort{Name: "d0", Hairpin: new(true), PathCost: new(uint32(77)), Priority: new(uint16(20))},
		}},
	))
	expect(t, "d0", map[string]any{
		"master": "br0", "linkinfo.info_slave_data.hairpin": true, "linkinfo.info_slave_data.cost": 77, "linkinfo.info_slave_data.priority": 20,
	})
	apply(t, e, steps(plan.Step{Verb: plan.Attach, Object: "d0", Controller: "br1"}))
	expect(t, "d0", map[string]any{"master": "br1"})
	apply(t, e, steps(plan.Step{Verb: plan.Detach, Object: "d0", Controller: "br1"}))
	expect(t, "d0", map[string]any{"master": nil})
	lab.IP(t, "link add br2 type bridge")
	fault := refused(t, e, steps(plan.Step{Verb: plan.Attach, Object: "br2", Controller: "br0"}), 0)
	if fault.Op != "attach to br0" || fault.Object != "br2" || !strings.Contains(fault.Error(), "Can not enslave a bridge to a bridge") {
		t.Errorf("fault %+v: %v", fault, fault)
	}
}

// vlansOf reads a port's filter table with bridge(8).
func vlansOf(t *testing.T, port string) string {
	t.Helper()
	var list []struct {
		Name  string `json:"ifname"`
		VLANs []struct {
			VLAN  int      `json:"vlan"`
			End   int      `json:"vlanEnd"`
			Flags []string `json:"flags"`
		} `json:"vlans"`
	}
	out := lab.Run(t, "bridge", "-j", "-compressvlans", "vlan", "show", "dev", port)
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var words []string
	for _, p := range list {
		for _, v := range p.VLANs {
			words = append(words, fmt.Sprintf("%d-%d %s", v.VLAN, max(v.VLAN, v.End), strings.Join(v.Flags, ",")))
		}
	}
	return strings.Join(words, "; ")
}

func TestPortVLANs(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	bridge := &state.Interface{Name: "br0", Type: state.TypeBridge, Bridge: &state.Bridge{Port: []state.BridgePort{
		{Name: "d0", VLAN: &state.PortVLAN{Mode: state.Trunk, TrunkTags: []state.TrunkTag{{ID: new(uint16(7))}}}},
	}}}
	apply(t, e, levelled(
		[]plan.Step{create(bridge)},
		[]plan.Step{{Verb: plan.CreateLink, Object: "d0", Link: dummyLink("d0"), Controller: "br0"}},
		[]plan.Step{
			{
				Verb: plan.ChangeVLANs, Object: "d0", Controller: "br0", VLANsRemoved: []plan.VLANEntry{{First: 1, Last: 1}},
				VLANsAdded: []plan.VLANEntry{{First: 5, Last: 5, PVID: true, Untagged: true}, {First: 7, Last: 7}, {First: 100, Last: 4000}},
			},
			{Verb: plan.ChangeVLANs, Object: "br0", Controller: "br0", VLANsAdded: []plan.VLANEntry{{First: 100, Last: 101}}},
		},
	))
	expect(t, "br0", map[string]any{"linkinfo.info_data.vlan_filtering": 1})
	if got, want := vlansOf(t, "d0"), "5-5 PVID,Egress Untagged; 7-7 ; 100-4000 "; got != want {
		t.Errorf("d0 has %q, want %q", got, want)
	}
	if got, want := vlansOf(t, "br0"), "1-1 PVID,Egress Untagged; 100-101 "; got != want {
		t.Errorf("br0 has %q, want %q", got, want)
	}
	apply(t, e, steps(plan.Step{
		Verb: plan.ChangeVLANs, Object: "d0", Controller: "br0", VLANsRemoved: []plan.VLANEntry{{First: 100, Last: 3999}},
		VLANsAdded: []plan.VLANEntry{{First: 5, Last: 5}, {First: 7, Last: 7, PVID: true, Untagged: true}},
	}))
	if got, want := vlansOf(t, "d0"), "5-5 ; 7-7 PVID,Egress Untagged; 4000-4000 "; got != want {
		t.Errorf("d0 has %q, want %q", got, want)
	}
	apply(t, e, steps(plan.Step{
		Verb: plan.ChangeVLANs, Object: "br0", Controller: "br0", VLANsRemoved: []plan.VLANEntry{{First: 1, Last: 1}, {First: 100, Last: 101}},
	}))
	if got := vlansOf(t, "br0"); got != "" {
		t.Errorf("br0 has %q, want nothing", got)
	}
}

func TestVLANChanges(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	vlan := func(v state.VLAN) *state.Interface {
		v.BaseIface, v.ID = "d0", new(uint16(7))
		return &state.Interface{Name: "d0.7", Type: state.TypeVLAN, VLAN: &v}
	}
	was := vlan(state.VLAN{
		RegistrationProtocol: "mvrp", IngressQoSMap: []state.QoSMap{{From: 1, To: 5}, {From: 2, To: 6}}, EgressQoSMap: []state.QoSMap{{From: 3, To: 3}},
	})
	apply(t, e, steps(create(was)))
	expect(t, "d0.7", map[string]any{"linkinfo.info_data.flags": []string{"REORDER_HDR", "MVRP"}})
	now := vlan(state.VLAN{
		ReorderHeaders: new(false), LooseBinding: new(true), RegistrationProtocol: "gvrp",
		IngressQoSMap: []state.QoSMap{{From: 2, To: 7}}, EgressQoSMap: []state.QoSMap{},
	})
	apply(t, e, steps(plan.Step{
		Verb: plan.ChangeLink, Object: "d0.7", Link: now, Was: was,
		Keys: []string{"vlan.registration-protocol", "vlan.reorder-headers", "vlan.loose-binding", "vlan.ingress-qos-map", "vlan.egress-qos-map"},
	}))
	expect(t, "d0.7", map[string]any{
		"linkinfo.info_data.flags":       []string{"GVRP", "LOOSE_BINDING"},
		"linkinfo.info_data.ingress_qos": []any{map[string]any{"from": 2, "to": 7}},
	})
	if list, ok := look(t, "d0.7", "linkinfo.info_data.egress_qos").([]any); ok {
		for _, m := range list {
			if m.(map[string]any)["to"].(float64) != 0 {
				t.Errorf("egress map is %v, want nothing", list)
			}
		}
	}
}
