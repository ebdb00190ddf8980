package cli

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/state"
	"holdfast/store"
)

func parse(t *testing.T, text string) *state.State {
	t.Helper()
	s, err := state.Parse("test", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTurns(t *testing.T) {
	from := parse(t, `
interfaces:
- {name: bond0, type: bond, mtu: 1500, link-aggregation: {mode: active-backup, port: [eth0, eth1], options: {miimon: 100}}}
- {name: br0, type: linux-bridge, bridge: {port: [{name: bond0}, {name: eth2}]}, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}
- {name: gone, type: dummy, state: up}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: br0, next-hop-address: 192.0.2.254}]}
`)
	to := parse(t, `
interfaces:
- {name: bond0, type: bond, mtu: 9000, link-aggregation: {mode: active-backup, port: [eth0, eth3]}}
- {name: br0, type: linux-bridge, bridge: {port: [{name: bond0}]}, ipv4: {enabled: true, address: [{ip: 192.0.2.2, prefix-length: 24}]}}
- {name: new, type: dummy, state: up}
dns-resolver: {config: {server: [192.0.2.53]}}
`)
	want := []turn{
		{"bond0", "link-aggregation.options.miimon", "100", ""},
		{"bond0", "link-aggregation.port", "eth1", ""},
		{"bond0", "link-aggregation.port", "", "eth3"},
		{"bond0", "mtu", "1500", "9000"},
		{"br0", "bridge.port", "eth2", ""},
		{"br0", "ipv4.address", "192.0.2.1/24", "192.0.2.2/24"},
		{"gone", "state", "up", "absent"},
		{"new", "state", "absent", "up"},
		{"dns-resolver", "config.server", "[]", "[192.0.2.53]"},
		{"route default via 192.0.2.254 dev br0", "", "present", "absent"},
	}
	if diff := cmp.Diff(want, turnsOf(from, to)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if same := turnsOf(to, to); len(same) > 0 {
		t.Errorf("from a configuration to itself: %v", same)
	}
}

func TestPhases(t *testing.T) {
	const later = "; the next change, `holdfast restore` or `holdfast rollback` rolls it back"
	for _, test := range []struct {
		change holdfast.PendingChange
		want   string
	}{
		{holdfast.PendingChange{Phase: store.Prepared, Owner: "somebody"}, "is about to begin"},
		{holdfast.PendingChange{Phase: store.Prepared}, "was left behind before it changed anything"},
		{holdfast.PendingChange{Phase: store.Applying, Owner: "somebody"}, "is being applied"},
		{holdfast.PendingChange{Phase: store.Applying}, "was left behind half-way" + later},
		{
			holdfast.PendingChange{Phase: store.Waiting, Left: 12 * time.Second},
			"waits another 12 s to be confirmed; `holdfast confirm` keeps it, `holdfast rollback` undoes it",
		},
		{holdfast.PendingChange{Phase: store.Waiting}, "was not confirmed in time" + later},
		{holdfast.PendingChange{Phase: store.RollingBack, Owner: "somebody"}, "is being rolled back"},
		{holdfast.PendingChange{Phase: store.RollingBack, Attempts: 3}, "could not be rolled back (3 attempts); `holdfast rollback` tries again"},
		{holdfast.PendingChange{Phase: store.Committed}, "has ended, and is about to be closed"},
	} {
		if got := phaseText(&test.change); got != test.want {
			t.Errorf("%s, owner %q: %q, want %q", test.change.Phase, test.change.Owner, got, test.want)
		}
	}
}

func TestWhatChanged(t *testing.T) {
	for _, test := range []struct {
		meta store.Meta
		want string
	}{
		{store.Meta{Purpose: "apply", Summary: []string{"br0 made"}, Temporary: true}, "br0 made (temporary)"},
		{store.Meta{Purpose: "apply", Summary: []string{"a made", "b made", "c made", "d made", "e made", "f made"}}, "a made, b made, c made, d made, and 2 more"},
		{store.Meta{Purpose: "apply"}, "nothing on the host"},
		{store.Meta{Purpose: "persist"}, "everything persisted"},
		{store.Meta{Purpose: "persist", Summary: []string{"br0 persisted"}}, "br0 persisted"},
		{store.Meta{Purpose: "return to generation 3", Summary: []string{"br0 removed"}}, "return to generation 3: br0 removed"},
		{store.Meta{Purpose: "restore"}, "restore"},
	} {
		if got := whatChanged(holdfast.Entry{Meta: test.meta}); got != test.want {
			t.Errorf("%+v: %q, want %q", test.meta, got, test.want)
		}
	}
}

// TestCountDown lets the line tell the time left, and count up again afterwards.
func TestCountDown(t *testing.T) {
	p := &progress{out: &sink{}, start: time.Now()}
	p.countDown(time.Now().Add(90*time.Second), "waiting")
	if got := p.line(); got != "waiting … 89 s left" && got != "waiting … 90 s left" {
		t.Errorf("the line says %q", got)
	}
	p.set("committing")
	if got := p.line(); got != "committing … 0 s" && got != "committing … 1 s" {
		t.Errorf("the line says %q", got)
	}
}
