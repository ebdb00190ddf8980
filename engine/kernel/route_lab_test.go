package kernel

import (
	"net/netip"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

// hop makes a next hop; gateway and device may be empty.
func hop(destination, gateway, device string, change func(*state.Route)) *state.Route {
	r := &state.Route{Destination: netip.MustParsePrefix(destination)}
	if gateway != "" {
		r.NextHopAddress = new(netip.MustParseAddr(gateway))
	}
	if device != "" {
		r.NextHopInterface = &device
	}
	if change != nil {
		change(r)
	}
	return r
}

func addRouteStep(hops ...*state.Route) plan.Step {
	return plan.Step{Verb: plan.AddRoute, Object: hops[0].Destination.String(), Routes: hops}
}

// wireRoutes makes two links with addresses.
func wireRoutes(t *testing.T) {
	t.Helper()
	for i, name := range []string{"d0", "d1"} {
		lab.IP(t, "link add", name, "up", "type", "dummy")
		lab.IP(t, "addr add", []string{"192.0.2.1/24", "198.51.100.1/24"}[i], "dev", name)
		lab.IP(t, "addr add", []string{"2001:db8:1::1/64", "2001:db8:2::1/64"}[i], "dev", name, "nodad")
	}
}

func weight(n uint16) func(*state.Route) { return func(r *state.Route) { r.Weight = &n } }

func TestRoutes(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	wireRoutes(t)
	cases := []struct {
		hops []*state.Route
		want string // of ip route show, or a part of it
	}{
		{[]*state.Route{hop("0.0.0.0/0", "192.0.2.254", "d0", nil)}, "default via 192.0.2.254 dev d0 proto 72"},
		{[]*state.Route{hop("10.1.0.0/16", "", "d1", func(r *state.Route) { r.Metric = new(int64(50)) })}, "10.1.0.0/16 dev d1 proto 72 scope link metric 50"},
		{[]*state.Route{hop("10.2.0.0/16", "203.0.113.1", "d0", func(r *state.Route) {
			r.Facts = &state.RouteFacts{Onlink: true, Protocol: 4}
			r.TableID, r.Source = new(uint32(1000)), new(netip.MustParseAddr("192.0.2.1"))
		})}, "10.2.0.0/16 via 203.0.113.1 dev d0 table 1000 proto static src 192.0.2.1 onlink"},
		{[]*state.Route{hop("10.3.0.0/16", "192.0.2.7", "d0", weight(1)), hop("10.3.0.0/16", "198.51.100.7", "d1", weight(5))}, "10.3.0.0/16 proto 72 nexthop via 192.0.2.7 dev d0 weight 1 nexthop via 198.51.100.7 dev d1 weight 5"},
		{[]*state.Route{hop("10.4.0.0/16", "192.0.2.8", "d0", func(r *state.Route) {
			r.MTU, r.LockMTU, r.CWND, r.InitCWND, r.InitRWND = new(uint32(1400)), new(true), new(uint32(20)), new(uint32(11)), new(uint32(12))
			r.AdvMSS, r.QuickACK = new(uint32(1300)), new(true)
		})}, "10.4.0.0/16 via 192.0.2.8 dev d0 proto 72 mtu lock 1400 cwnd lock 20 advmss 1300 initcwnd 11 initrwnd 12 quickack 1"},
		{[]*state.Route{hop("10.5.0.0/16", "", "", func(r *state.Route) { r.Type = state.Blackhole })}, "blackhole 10.5.0.0/16 proto 72"},
		{[]*state.Route{hop("10.6.0.0/16", "", "", func(r *state.Route) { r.Type = state.Prohibit })}, "prohibit 10.6.0.0/16 proto 72"},
		{[]*state.Route{hop("10.7.0.0/16", "2001:db8:1::7", "d0", nil)}, "10.7.0.0/16 via inet6 2001:db8:1::7 dev d0 proto 72"},
		{[]*state.Route{hop("2001:db8:a::/48", "2001:db8:1::7", "d0", nil)}, "2001:db8:a::/48 via 2001:db8:1::7 dev d0 proto 72 metric 1024"},
		{[]*state.Route{hop("2001:db8:b::/48", "2001:db8:1::7", "d0", weight(1)), hop("2001:db8:b::/48", "2001:db8:2::7", "d1", weight(3))}, "2001:db8:b::/48 proto 72 metric 1024"},
		{[]*state.Route{hop("2001:db8:c::/48", "", "", func(r *state.Route) { r.Type = state.Unreachable })}, "unreachable 2001:db8:c::/48 dev lo proto 72 metric 1024"},
		{[]*state.Route{hop("::/0", "fe80::1", "d1", func(r *state.Route) { r.Metric = new(int64(100)) })}, "default via fe80::1 dev d1 proto 72 metric 100"},
	}
	for _, c := range cases {
		apply(t, e, steps(addRouteStep(c.hops...)))
		out := routeText(t, c.hops[0])
		if !strings.Contains(out, c.want) {
			t.Errorf("want %q in\n%s", c.want, out)
		}
		if len(c.hops) == 2 && strings.Count(out, "nexthop") != 2 {
			t.Errorf("want two next hops in\n%s", out)
		}
		// What is there already is done; nothing is doubled.
		apply(t, e, steps(addRouteStep(c.hops...)))
		if again := routeText(t, c.hops[0]); again != out {
			t.Errorf("added again:\n%s\nbefore:\n%s", again, out)
		}
		remove := addRouteStep(c.hops...)
		remove.Verb = plan.RemoveRoute
		apply(t, e, steps(remove, remove))
		if out := routeText(t, c.hops[0]); out != "" {
			t.Errorf("left after removal:\n%s", out)
		}
	}
}

// routeText is what ip(8) says of routes to a destination, on one line.
func routeText(t *testing.T, r *state.Route) string {
	t.Helper()
	family := "-4"
	if r.Destination.Addr().Is6() {
		family = "-6"
	}
	out := lab.IP(t, family+" route show table all", r.Destination.String())
	return strings.Join(strings.Fields(out), " ")
}

func TestRouteConflictAndReplace(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	wireRoutes(t)
	first, second := hop("10.1.0.0/16", "192.0.2.7", "d0", nil), hop("10.1.0.0/16", "198.51.100.7", "d1", nil)
	apply(t, e, steps(addRouteStep(first)))
	if fault := refused(t, e, steps(addRouteStep(second)), 0); fault.Kind != engine.Conflict || fault.Op != "add route 10.1.0.0/16" {
		t.Errorf("fault %+v", fault)
	}
	replace := addRouteStep(second)
	replace.Verb = plan.ReplaceRoute
	apply(t, e, steps(replace))
	if out := routeText(t, second); out != "10.1.0.0/16 via 198.51.100.7 dev d1 proto 72" {
		t.Errorf("got %q", out)
	}
	first6, second6 := hop("2001:db8:a::/48", "2001:db8:1::7", "d0", nil), hop("2001:db8:a::/48", "2001:db8:2::7", "d1", nil)
	apply(t, e, steps(addRouteStep(first6)))
	replace = addRouteStep(first6, second6)
	replace.Verb = plan.ReplaceRoute
	apply(t, e, steps(replace))
	if out := routeText(t, first6); strings.Count(out, "nexthop") != 2 {
		t.Errorf("got %q", out)
	}
	replace = addRouteStep(second6)
	replace.Verb = plan.ReplaceRoute
	apply(t, e, steps(replace))
	if out := routeText(t, first6); !strings.HasPrefix(out, "2001:db8:a::/48 via 2001:db8:2::7 dev d1 proto 72 metric 1024") || strings.Contains(out, "db8:1::7") {
		t.Errorf("got %q", out)
	}
	fault := refused(t, e, steps(addRouteStep(hop("10.9.0.0/16", "203.0.113.1", "d0", nil))), 0)
	if fault.Kind != engine.Unreachable || !strings.Contains(fault.Error(), "Nexthop has invalid gateway") {
		t.Errorf("fault %v", fault)
	}
	if fault := refused(t, e, steps(addRouteStep(hop("10.9.0.0/16", "", "nowhere", nil))), 0); fault.Object != "nowhere" || fault.Kind != engine.NotFound {
		t.Errorf("fault %+v", fault)
	}
}

// The route that the kernel made of an address keeps no other one out.
func TestRouteBesideTheKernels(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	wireRoutes(t)
	ours := hop("198.51.100.0/24", "", "d0", nil)
	apply(t, e, steps(addRouteStep(ours)))
	want := "198.51.100.0/24 dev d1 proto kernel scope link src 198.51.100.1 198.51.100.0/24 dev d0 proto 72 scope link"
	if out := routeText(t, ours); out != want {
		t.Errorf("got %q, want %q", out, want)
	}
	apply(t, e, steps(addRouteStep(ours)))
	if out := routeText(t, ours); out != want {
		t.Errorf("added again: %q, want %q", out, want)
	}
	if fault := refused(t, e, steps(addRouteStep(hop("198.51.100.0/24", "192.0.2.9", "d0", nil))), 0); fault.Kind != engine.Conflict {
		t.Errorf("fault %+v", fault)
	}
	lab.IP(t, "addr flush dev d1")
	if out := routeText(t, ours); out != "198.51.100.0/24 dev d0 proto 72 scope link" {
		t.Errorf("got %q", out)
	}
}

// An IPv6 route with a source waits until duplicate detection is done with it.
func TestRouteWaitsForItsSource(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add v0 up type veth peer name v1")
	lab.IP(t, "link set v1 up")
	address := &state.Address{IP: netip.MustParseAddr("2001:db8::5"), PrefixLength: 64}
	route := hop("2001:db8:a::/48", "2001:db8::1", "v0", func(r *state.Route) { r.Source = &address.IP })
	apply(t, e, steps(plan.Step{Verb: plan.AddAddress, Object: "v0", Address: address}, addRouteStep(route)))
	if out := routeText(t, route); !strings.Contains(out, "src 2001:db8::5") {
		t.Errorf("got %q", out)
	}
	missing := hop("2001:db8:b::/48", "2001:db8::1", "v0", func(r *state.Route) { r.Source = new(netip.MustParseAddr("2001:db8::66")) })
	if fault := refused(t, e, steps(addRouteStep(missing)), 0); fault.Kind != engine.Invalid || !strings.Contains(fault.Error(), "Invalid source address") {
		t.Errorf("fault %v", fault)
	}
}

func TestRules(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	cases := []struct {
		rule state.Rule
		want string
	}{
		{state.Rule{IPFrom: netip.MustParsePrefix("192.0.2.0/24"), Priority: new(int64(100)), RouteTable: new(uint32(1000))}, "100: from 192.0.2.0/24 lookup 1000 proto 72"},
		{state.Rule{IPTo: netip.MustParsePrefix("2001:db8::/32"), Priority: new(int64(101)), IIF: "lo"}, "101: from all to 2001:db8::/32 iif lo lookup main proto 72"},
		{state.Rule{Family: state.FamilyIPv4, Priority: new(int64(102)), FWMark: new(uint32(0x10)), FWMask: new(uint32(0xf0)), RouteTable: new(uint32(200))}, "102: from all fwmark 0x10/0xf0 lookup 200 proto 72"},
		{state.Rule{Family: state.FamilyIPv6, Priority: new(int64(103)), SuppressPrefixLength: new(uint32(0)), RouteTable: new(uint32(254))}, "103: from all lookup main suppress_prefixlength 0 proto 72"},
		{state.Rule{IPFrom: netip.MustParsePrefix("10.0.0.0/8"), Priority: new(int64(104)), Action: state.Blackhole}, "104: from 10.0.0.0/8 blackhole proto 72"},
		{state.Rule{IPFrom: netip.MustParsePrefix("10.0.0.0/8"), Priority: new(int64(105)), Facts: &state.RuleFacts{Protocol: 4}}, "105: from 10.0.0.0/8 lookup main proto static"},
	}
	for _, c := range cases {
		add := plan.Step{Verb: plan.AddRule, Object: "rule", Rule: &c.rule}
		remove := plan.Step{Verb: plan.RemoveRule, Object: "rule", Rule: &c.rule}
		apply(t, e, steps(add))
		family := "-4"
		if ruleFamily(&c.rule) != ruleFamily(&state.Rule{}) {
			family = "-6"
		}
		list := func() string { return strings.Join(strings.Fields(lab.IP(t, family+" rule show")), " ") }
		if out := list(); !strings.Contains(out, c.want) {
			t.Errorf("want %q in %q", c.want, out)
		}
		if fault := refused(t, e, steps(add), 0); fault.Kind != engine.Conflict {
			t.Errorf("fault %+v", fault)
		}
		apply(t, e, steps(remove, remove))
		if out := list(); strings.Contains(out, c.want) {
			t.Errorf("%q is left in %q", c.want, out)
		}
	}
}
