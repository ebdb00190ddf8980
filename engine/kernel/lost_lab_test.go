package kernel

import (
	"context"
	"slices"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
)

// warnings applies a document and gives what was told on the way.
func warnings(t *testing.T, e *Engine, document string) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var told []string
	err := e.Apply(ctx, planOf(t, e, document), func(p engine.Progress) {
		if p.Warning != "" {
			told = append(told, p.Warning)
		}
	})
	if err != nil {
		t.Fatalf("apply: %v", err)
	}
	return told
}

// TestLostRouteIsTold takes the address away by which a daemon's route reaches
// its next hop: the warning names the route. One whose next hop stays in reach
// is kept, and not told of.
func TestLostRouteIsTold(t *testing.T) {
	lab.Require(t)
	for _, line := range []string{
		"link add d0 type dummy", "link set d0 up", "address add 192.0.2.1/24 dev d0", "address add 198.51.100.1/24 dev d0",
		"route add 203.0.113.0/25 via 192.0.2.9 metric 7 proto bird",
		"route add 203.0.113.128/25 via 198.51.100.9 proto 186 table 100",
	} {
		lab.IP(t, line)
	}
	e := openTest(t)
	told := warnings(t, e, `interfaces: [{name: d0, type: dummy, ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}}]`)
	if len(told) != 0 { // the kernel keeps such routes as long as the link has any address
		t.Errorf("told %q, and no route is gone", told)
	}
	told = warnings(t, e, `interfaces: [{name: d1, type: dummy, ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}}, {name: d0, type: dummy, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]`)
	want := "the route 203.0.113.128/25 via 198.51.100.9 dev d0 table 100 proto bgp is gone with the address that reached its next hop: who made it has to make it again"
	if !slices.Equal(told, []string{want}) {
		t.Errorf("told %q, want %q", told, want)
	}
	if out := lab.Run(t, "ip", "route", "show", "proto", "bird"); !strings.Contains(out, "203.0.113.0/25 via 192.0.2.9") {
		t.Errorf("the other route was not kept: %s", out)
	}
	if told = warnings(t, e, `interfaces: [{name: d0, state: down}]`); len(told) != 0 {
		t.Errorf("told %q of a link that goes down", told)
	}
	if told = warnings(t, e, `interfaces: [{name: d0, state: absent}]`); len(told) != 0 {
		t.Errorf("told %q of a link that goes", told)
	}
}
