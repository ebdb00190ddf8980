package kernel

import (
	"context"
	"os"
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

// planOf plans the way from the host as it is to a document.
func planOf(t *testing.T, e *Engine, document string) *plan.Plan {
	t.Helper()
	desired, err := state.Parse("test.yml", []byte(document))
	if err != nil {
		t.Fatal(err)
	}
	current, err := e.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	target, err := state.Merge(current, desired)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(current, target, plan.Options{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reach makes the host what a document says, and keeps it.
func reach(t *testing.T, e *Engine, document string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := planOf(t, e, document)
	c, err := e.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c.Applied(p)
	if err := e.Apply(ctx, p, nil); err != nil {
		t.Fatalf("apply: %v", err)
	}
	if err := c.Release(ctx); err != nil {
		t.Fatal(err)
	}
}

// thereAndBack makes the host what a document says, runs look, and rolls back.
func thereAndBack(t *testing.T, e *Engine, document string, look func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := planOf(t, e, document)
	c, err := e.Checkpoint(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c.Applied(p)
	if err := e.Apply(ctx, p, nil); err != nil {
		t.Fatalf("apply: %v", err)
	}
	if look != nil {
		look()
	}
	if err := c.Rollback(ctx); err != nil {
		t.Fatalf("roll back: %v", err)
	}
}

// assigned compares how the links' addresses came to be (NET_ADDR_*,
// include/uapi/linux/netdevice.h: 1 random, 2 stolen, 3 set).
func assigned(t *testing.T, when string, want map[string]string) {
	t.Helper()
	for name, kind := range want {
		text, err := os.ReadFile("/sys/class/net/" + name + "/addr_assign_type")
		if got := strings.TrimSpace(string(text)); err != nil || got != kind {
			t.Errorf("%s: the address of %s is of type %s (%v), want %s", when, name, got, err, kind)
		}
	}
}

// pins is a bridge, a VLAN and a bond with an address that somebody set, which
// is that of the link below, and a bridge and a VLAN that follow it.
func pins(t *testing.T) map[string]string {
	t.Helper()
	for _, line := range []string{
		"link add d0 address 02:00:00:00:00:10 type dummy", "link add d1 address 02:00:00:00:00:11 type dummy",
		"link add d2 address 02:00:00:00:00:12 type dummy", "link add d3 address 02:00:00:00:00:13 type dummy",
		"link set d0 up", "link set d1 up", "link set d2 up",
		"link add br0 type bridge", "link set d0 master br0", "link set br0 address 02:00:00:00:00:10 up",
		"link add br1 type bridge", "link set d1 master br1", "link set br1 up",
		"link add link d2 d2.5 type vlan id 5", "link set d2.5 address 02:00:00:00:00:12 up",
		"link add link d2 d2.6 type vlan id 6", "link set d2.6 up",
		"link add b0 type bond mode active-backup miimon 100", "link set d3 master b0", "link set b0 address 02:00:00:00:00:13 up",
	} {
		lab.IP(t, line)
	}
	return map[string]string{"br0": "3", "br1": "1", "d2.5": "3", "d2.6": "2", "b0": "3"}
}

// TestPinnedAddresses removes links whose address is set to that of the link
// below, and links that follow it: the rollback knows which is which.
func TestPinnedAddresses(t *testing.T) {
	lab.Require(t)
	want := pins(t)
	assigned(t, "before", want)
	e := openTest(t)
	thereAndBack(t, e, `interfaces: [{name: br0, state: absent}, {name: br1, state: absent}, {name: d2.5, state: absent}, {name: d2.6, state: absent}, {name: b0, state: absent}]`, func() {
		for name := range want {
			if isThere(name) {
				t.Errorf("%s was not removed", name)
			}
		}
	})
	assigned(t, "rolled back", want)
	lab.IP(t, "link set d0 address 02:00:00:00:00:20")
	lab.IP(t, "link set d1 address 02:00:00:00:00:21")
	lab.IP(t, "link set d2 address 02:00:00:00:00:22")
	expect(t, "br0", map[string]any{"address": "02:00:00:00:00:10"})
	expect(t, "br1", map[string]any{"address": "02:00:00:00:00:21"})
	expect(t, "d2.5", map[string]any{"address": "02:00:00:00:00:12"})
	expect(t, "d2.6", map[string]any{"address": "02:00:00:00:00:22"})
}

// TestPinnedAddressesMadeAnew changes what cannot be changed in place.
func TestPinnedAddressesMadeAnew(t *testing.T) {
	lab.Require(t)
	want := pins(t)
	e := openTest(t)
	reach(t, e, `interfaces: [{name: d2.5, type: vlan, vlan: {base-iface: d2, id: 55}}, {name: d2.6, type: vlan, vlan: {base-iface: d2, id: 66}}]`)
	expect(t, "d2.5", map[string]any{"linkinfo.info_data.id": 55, "address": "02:00:00:00:00:12"})
	expect(t, "d2.6", map[string]any{"linkinfo.info_data.id": 66, "address": "02:00:00:00:00:12"})
	assigned(t, "made anew", want)
}

// TestChangedAddressComesBack gives a bridge that follows its port an address,
// and bridges without ports ports: only writing takes that back.
func TestChangedAddressComesBack(t *testing.T) {
	lab.Require(t)
	pins(t)
	lab.IP(t, "link add br2 address 02:00:00:00:00:77 type bridge")
	lab.IP(t, "link add br3 type bridge")
	mac := look(t, "br3", "address")
	e := openTest(t)
	thereAndBack(t, e, `interfaces: [{name: br1, type: linux-bridge, mac-address: "02:00:00:00:00:99"}, {name: br2, type: linux-bridge, bridge: {port: [{name: d3}]}}, {name: br3, type: linux-bridge, bridge: {port: [{name: d2}]}}]`, nil)
	expect(t, "br1", map[string]any{"address": "02:00:00:00:00:11"})
	expect(t, "br2", map[string]any{"address": "02:00:00:00:00:77"})
	expect(t, "br3", map[string]any{"address": mac})
}
