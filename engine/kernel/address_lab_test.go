package kernel

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

func TestAddresses(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 up type dummy")
	add := func(cidr string, facts *state.AddressFacts, life string) plan.Step {
		p := netip.MustParsePrefix(cidr)
		return plan.Step{Verb: plan.AddAddress, Object: "d0", Address: &state.Address{
			IP: p.Addr(), PrefixLength: uint8(p.Bits()), Facts: facts, ValidLifeTime: life, PreferredLifeTime: life,
		}}
	}
	apply(t, e, levelled([]plan.Step{
		add("192.0.2.1/24", nil, ""), add("192.0.2.2/24", nil, ""), add("198.51.100.1/32", &state.AddressFacts{NoPrefixRoute: true}, "7200sec"),
		add("2001:db8::1/64", nil, ""), add("127.0.1.1/8", nil, ""),
	}, []plan.Step{add("192.0.2.2/24", nil, "")}))
	got := map[string]map[string]any{}
	for _, a := range ip(t, "addr", "show", "dev", "d0")[0]["addr_info"].([]any) {
		m := a.(map[string]any)
		got[fmt.Sprintf("%v/%v", m["local"], m["prefixlen"])] = m
	}
	for cidr, want := range map[string]string{
		"192.0.2.1/24": "<nil> <nil> global", "192.0.2.2/24": "<nil> true global", "198.51.100.1/32": "<nil> <nil> global",
		"2001:db8::1/64": "<nil> <nil> global", "127.0.1.1/8": "<nil> <nil> host",
	} {
		m := got[cidr]
		if text := fmt.Sprintf("%v %v %v", m["broadcast"], m["secondary"], m["scope"]); text != want {
			t.Errorf("%s: broadcast, secondary, scope: %s, want %s", cidr, text, want)
		}
	}
	if m := got["198.51.100.1/32"]; m["noprefixroute"] != true || m["valid_life_time"].(float64) > 7200 {
		t.Errorf("lifetime and noprefixroute: %v", m)
	}
	remove := func(cidr string) plan.Step {
		s := add(cidr, nil, "")
		s.Verb = plan.RemoveAddress
		return s
	}
	// The secondary one goes with the primary one, which is fine.
	apply(t, e, levelled([]plan.Step{remove("192.0.2.1/24"), remove("192.0.2.2/24"), remove("2001:db8::1/64"), remove("2001:db8::99/64")}))
	if out := lab.IP(t, "-4 addr show dev d0"); strings.Contains(out, "192.0.2.") {
		t.Errorf("addresses are left:\n%s", out)
	}
	lab.Sysctl(t, "net/ipv6/conf/d0/disable_ipv6", "1")
	if fault := refused(t, e, steps(add("2001:db8::1/64", nil, "")), 0); fault.Kind != engine.Permission && fault.Kind != engine.Unsupported {
		t.Errorf("fault %+v", fault)
	}
}

func TestAltNames(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	long := "a-name-that-is-longer-than-fifteen-bytes"
	apply(t, e, levelled([]plan.Step{
		{Verb: plan.AddName, Object: "d0", AltName: long}, {Verb: plan.AddName, Object: "d0", AltName: "short"},
	}))
	expect(t, "d0", map[string]any{"altnames": []string{long, "short"}})
	apply(t, e, steps(plan.Step{Verb: plan.RemoveName, Object: "d0", AltName: "short"}))
	expect(t, "d0", map[string]any{"altnames": []string{long}})
	fault := refused(t, e, steps(plan.Step{Verb: plan.AddName, Object: "d0", AltName: long}), 0)
	if fault.Kind != engine.Conflict || fault.Op != "add alternative name "+long {
		t.Errorf("fault %+v", fault)
	}
	fault = refused(t, e, steps(create(dummyLink("short")), plan.Step{Verb: plan.AddName, Object: "d0", AltName: "short"}), 1)
	if fault.Kind != engine.Conflict {
		t.Errorf("fault %+v", fault)
	}
}

// addressStep adds an address.
func addressStep(link, cidr string) plan.Step {
	p := netip.MustParsePrefix(cidr)
	return plan.Step{Verb: plan.AddAddress, Object: link, Address: &state.Address{IP: p.Addr(), PrefixLength: uint8(p.Bits())}}
}
