package kernel

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

// TestKernelWithoutIPv6 works on a kernel whose IPv6 is switched off: what
// needs none can be shown, made, changed and taken back, and what needs it is
// refused with the reason.
//
//lab:run --append ipv6.disable=1
func TestKernelWithoutIPv6(t *testing.T) {
	lab.Require(t)
	if _, err := os.Stat("/proc/sys/net/ipv6/conf"); err == nil {
		t.Fatal("this kernel has IPv6")
	}
	e := openTest(t)
	const document = `
interfaces:
- {name: d0, type: dummy}
- {name: b0, type: bond, link-aggregation: {mode: active-backup, port: [d0]}}
- {name: b0.5, type: vlan, vlan: {base-iface: b0, id: 5}}
- name: br0
  type: linux-bridge
  bridge: {port: [{name: b0.5}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
  ipv6: {enabled: false}
routes: {config: [{destination: 203.0.113.0/24, next-hop-address: 192.0.2.9, next-hop-interface: br0}]}
route-rules: {config: [{ip-from: 192.0.2.0/24, route-table: 100, priority: 100}]}
`
	reach(t, e, document)
	if p := planOf(t, e, document); !p.Empty() {
		t.Errorf("there is something to do: %+v", p.Steps)
	}
	s, err := e.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if br := s.Find("br0"); br == nil || len(br.IPv4.Address) != 1 || *br.IPv6.Enabled {
		t.Errorf("br0 is shown as %+v", br)
	}
	thereAndBack(t, e, `interfaces: [{name: br0, state: absent}, {name: b0, state: absent}, {name: d0, state: absent}]`, nil)
	if out := lab.Run(t, "ip", "route"); !strings.Contains(out, "203.0.113.0/24 via 192.0.2.9 dev br0") {
		t.Errorf("the route is not back: %s", out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = e.Apply(ctx, planOf(t, e, `interfaces: [{name: br0, type: linux-bridge, ipv6: {enabled: true, address: [{ip: "2001:db8::1", prefix-length: 64}]}}]`), nil)
	var fault *engine.Error
	if !errors.As(err, &fault) || fault.Kind != engine.Unsupported || !strings.Contains(fault.Hint, "IPv6") || fault.Object != "br0" {
		t.Errorf("IPv6 was asked for: %v (%+v)", err, fault)
	}
	for _, step := range []plan.Step{
		{Verb: plan.AddAddress, Object: "br0", Address: &state.Address{IP: netip.MustParseAddr("2001:db8::1"), PrefixLength: 64}},
		{Verb: plan.AddRoute, Object: "2001:db8:1::/64", Routes: []*state.Route{{Destination: netip.MustParsePrefix("2001:db8:1::/64"), NextHopInterface: new("br0")}}},
		{Verb: plan.AddRule, Object: "100", Rule: &state.Rule{Family: state.FamilyIPv6, IPFrom: netip.MustParsePrefix("2001:db8::/64"), RouteTable: new(uint32(5))}},
	} {
		if fault := refused(t, e, steps(step), 0); fault.Kind != engine.Unsupported || fault.Hint == "" {
			t.Errorf("%s: %v (%s, hint %q)", step.Verb, fault, fault.Kind, fault.Hint)
		}
	}
}
