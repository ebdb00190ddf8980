package plan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

const twoNICs = "interfaces:\n- {name: eth0, type: ethernet}\n- {name: eth1, type: ethernet}\n"

// planFor makes the plan of a document on a host in memory.
func planFor(t *testing.T, memory *enginetest.Memory, desired string) *plan.Plan {
	t.Helper()
	p, err := makePlan(t, memory, parse(t, "desired.yml", desired), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func showOf(t *testing.T, memory *enginetest.Memory) *state.State {
	t.Helper()
	s, err := memory.Show(context.Background(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestMismatchesBefore lists what is missing before a plan is carried out.
func TestMismatchesBefore(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, "current.yml", twoNICs))
	p := planFor(t, memory, "interfaces:\n- {name: eth0, type: ethernet, mtu: 9000, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}\n")
	var keys []string
	for _, m := range plan.Mismatches(p, showOf(t, memory)) {
		keys = append(keys, m.Object+" "+m.Key)
		if m.Pending || m.Minor {
			t.Errorf("%s is said to come by itself", m)
		}
	}
	if got := strings.Join(keys, ", "); !strings.Contains(got, "eth0 mtu") || !strings.Contains(got, "eth0 ipv4.enabled") {
		t.Errorf("mismatches: %s", got)
	}
}

// TestMismatchesDuplicate tells a duplicate address, which no waiting cures,
// from one whose detection still runs.
func TestMismatchesDuplicate(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, "current.yml", twoNICs))
	memory.Occupy(netip.MustParseAddr("2001:db8::1"))
	p := planFor(t, memory, "interfaces:\n- {name: eth0, type: ethernet, ipv6: {enabled: true, address: [{ip: '2001:db8::1', prefix-length: 64}]}}\n")
	if err := memory.Apply(context.Background(), p, nil); err != nil {
		t.Fatal(err)
	}
	result := showOf(t, memory)
	if got := plan.Mismatches(p, result); len(got) == 0 || got[0].Pending || got[0].Minor {
		t.Errorf("duplicate: %+v", got)
	}
	for n := range result.Find("eth0").IPv6.Address {
		if f := result.Find("eth0").IPv6.Address[n].Facts; f != nil && f.Failed {
			f.Failed, f.Tentative = false, true
		}
	}
	got := plan.Mismatches(p, result)
	if len(got) == 0 {
		t.Error("a tentative address is no mismatch")
	}
	for _, m := range got {
		if !m.Pending {
			t.Errorf("tentative: %+v", m)
		}
	}
}

// TestMismatchesCarrier makes a missing carrier a minor, pending mismatch of
// the links that the plan set up.
func TestMismatchesCarrier(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, "current.yml", twoNICs))
	p := planFor(t, memory, "interfaces:\n- {name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [eth0]}}\n")
	if err := memory.Apply(context.Background(), p, nil); err != nil {
		t.Fatal(err)
	}
	if got := plan.Mismatches(p, showOf(t, memory)); len(got) != 0 {
		t.Fatalf("with a carrier: %v", got)
	}
	memory.Unplug("eth0", true)
	want := []plan.Mismatch{{Object: "bond0", Key: "carrier", Want: "true", Have: "false", Pending: true, Minor: true}}
	if diff := cmp.Diff(want, plan.Mismatches(p, showOf(t, memory))); diff != "" {
		t.Errorf("without (-want +got):\n%s", diff)
	}
}

// TestMismatchesPartner makes a missing LACP partner a minor, pending mismatch
// of the bonds that the plan made or changed, and names the ports where only
// some have none.
func TestMismatchesPartner(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, "current.yml", twoNICs))
	bond := "interfaces:\n- {name: bond0, type: bond, link-aggregation: {mode: 802.3ad, port: [eth0, eth1]}}\n"
	p := planFor(t, memory, bond)
	if err := memory.Apply(context.Background(), p, nil); err != nil {
		t.Fatal(err)
	}
	again := planFor(t, memory, bond)
	alone := func(name string) plan.Mismatch {
		return plan.Mismatch{Object: name, Key: plan.KeyPartner, Want: "true", Have: "false", Pending: true, Minor: true}
	}
	for _, c := range []struct {
		name             string
		bond, eth0, eth1 *bool
		unplugged        bool
		plan             *plan.Plan
		want             []plan.Mismatch
	}{
		{name: "nobody knows", plan: p},
		{name: "all have one", bond: new(true), eth0: new(true), eth1: new(true), plan: p},
		{name: "none has one", bond: new(false), eth0: new(false), eth1: new(false), plan: p, want: []plan.Mismatch{alone("bond0")}},
		{name: "one has one", bond: new(true), eth0: new(true), eth1: new(false), plan: p, want: []plan.Mismatch{alone("eth1")}},
		{name: "one has no carrier", bond: new(true), eth0: new(true), eth1: new(false), unplugged: true, plan: p},
		{name: "nothing was done", bond: new(false), eth0: new(false), eth1: new(false), plan: again},
	} {
		t.Run(c.name, func(t *testing.T) {
			result := showOf(t, memory)
			for name, partner := range map[string]*bool{"bond0": c.bond, "eth0": c.eth0, "eth1": c.eth1} {
				result.Find(name).Facts.Partner = partner
			}
			result.Find("eth1").Facts.Carrier = !c.unplugged
			var got []plan.Mismatch
			for _, m := range plan.Mismatches(c.plan, result) {
				if m.Key != "carrier" {
					got = append(got, m)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRefusals names guests and managers, and gives way to force.
func TestRefusals(t *testing.T) {
	current := parse(t, "current.yml", "interfaces:\n- {name: eth0, type: ethernet}\n- {name: tap0, type: tun}\n"+
		"- {name: br0, type: linux-bridge, bridge: {port: [{name: eth0}, {name: tap0}]}}\n")
	setFact(t, current, []string{"tap0", "foreign"})
	setFact(t, current, []string{"eth0", "manager=NetworkManager"})
	memory := enginetest.NewMemory(current)
	desired := parse(t, "desired.yml", "interfaces:\n- {name: br0, type: linux-bridge, state: absent}\n")
	_, err := makePlan(t, memory, desired, plan.Options{})
	refused, ok := errors.AsType[*plan.RefusedError](err)
	if !ok {
		t.Fatalf("error %v", err)
	}
	want := []plan.Refusal{
		{Object: "br0", Guests: []string{"tap0"}, Reason: "would be removed while guests are on it: tap0"},
		{Object: "eth0", Manager: "NetworkManager", Reason: "is run by NetworkManager"},
	}
	if diff := cmp.Diff(want, refused.Refusals); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	if !strings.Contains(refused.Hint(), "--force") || !strings.Contains(refused.Error(), "br0: would be removed") {
		t.Errorf("error %q, hint %q", refused.Error(), refused.Hint())
	}
	if _, err := makePlan(t, memory, desired, plan.Options{Force: true}); err != nil {
		t.Errorf("forced: %v", err)
	}
}

// TestUnsupported tells clearly what cannot be made.
func TestUnsupported(t *testing.T) {
	vxlan := &state.Interface{Name: "vx0", Type: state.TypeVXLAN, State: state.Up}
	target := &state.Target{State: &state.State{Interfaces: []*state.Interface{vxlan}}}
	_, err := plan.Make(&state.State{}, target, plan.Options{})
	if e, ok := errors.AsType[*plan.UnsupportedError](err); !ok || e.Object != "vx0" {
		t.Errorf("error %v", err)
	}
}

// TestRecreateGuests puts the guests of a bridge back that is made anew by
// force.
func TestRecreateGuests(t *testing.T) {
	bridge := &state.Interface{Name: "br0", Type: state.TypeBridge, State: state.Up, Bridge: &state.Bridge{Port: []state.BridgePort{{Name: "tap0"}}}}
	tap := &state.Interface{Name: "tap0", Type: state.TypeTun, State: state.Up, Facts: &state.Facts{Foreign: true}}
	was := *bridge
	was.Type, was.Bridge = state.TypeOVSBridge, bridge.Bridge
	current := &state.State{Interfaces: []*state.Interface{&was, tap}}
	target := &state.Target{State: &state.State{Interfaces: []*state.Interface{bridge, tap}}}
	if _, err := plan.Make(current, target, plan.Options{}); err == nil {
		t.Error("not refused")
	}
	p, err := plan.Make(current, target, plan.Options{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	var steps []string
	for _, s := range p.Steps {
		steps = append(steps, string(s.Verb)+" "+s.Object)
	}
	want := []string{"remove br0", "create br0", "ip br0", "attach tap0", "up br0"}
	if diff := cmp.Diff(want, steps); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	if !strings.Contains(strings.Join(p.Warnings, " "), "tap0") || p.Impact() != plan.ImpactRecreate {
		t.Errorf("warnings %q, impact %s", p.Warnings, p.Impact())
	}
}

// TestJSON compares the machine's form of a plan, which must stay as it is.
func TestJSON(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, "current.yml", twoNICs))
	p := planFor(t, memory, "interfaces:\n"+
		"- {name: br0, type: linux-bridge, mtu: 1400, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}, "+
		"bridge: {port: [{name: eth0, vlan: {mode: trunk, trunk-tags: [{id-range: {min: 10, max: 20}}]}}]}}\n"+
		"routes:\n  config:\n  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.254, next-hop-interface: br0}\n")
	got := p.JSON()
	var document plan.Document
	if err := json.Unmarshal(got, &document); err != nil || len(document.Steps) != len(p.Steps) {
		t.Errorf("%d steps, error %v", len(document.Steps), err)
	}
	golden(t, "testdata/plan.json", got)
}

// TestRender compares the form for people with colours, and an empty plan.
func TestRender(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, "current.yml", twoNICs))
	p := planFor(t, memory, "interfaces:\n- {name: bond0, type: bond, link-aggregation: {mode: 802.3ad, port: [eth0, eth1]}}\n")
	p.Warnings = []string{"look out"}
	var out bytes.Buffer
	if err := plan.Render(&out, p, plan.RenderOptions{Color: true}); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/color.txt", out.Bytes())
	out.Reset()
	if err := plan.Render(&out, &plan.Plan{}, plan.RenderOptions{}); err != nil || out.String() != "Nothing to do.\n" {
		t.Errorf("empty: %q, error %v", out.String(), err)
	}
}

// golden compares with a file, or rewrites it with -update.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
