package cli

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/monitor"
	"holdfast/store"
)

// TestEventLine prints one event of each sort.
func TestEventLine(t *testing.T) {
	at := time.Date(2026, 3, 1, 8, 0, 0, 0, time.Local)
	route := monitor.Maker{Route: "default via 203.0.113.1 dev eth2", Protocol: "bgp"}
	for _, c := range []struct {
		event holdfast.Event
		want  string
	}{
		{holdfast.Event{Kind: monitor.Ready}, "watching (nothing was applied yet)"},
		{holdfast.Event{Kind: monitor.Ready, Generation: 12}, "watching (generation 12)"},
		{holdfast.Event{Kind: monitor.Ready, Error: "permission denied"}, "watching (permission denied)"},
		{holdfast.Event{Kind: monitor.Lost, Count: 7}, "7 events were lost, since they were not read in time"},
		{holdfast.Event{Kind: monitor.Resync}, "notices were lost: what differs follows"},
		{holdfast.Event{Kind: monitor.Link, What: monitor.Appeared, Object: "eth2", To: "up"}, "link eth2 appeared (up)"},
		{holdfast.Event{Kind: monitor.Link, What: monitor.Up, Object: "eth2", From: "down", To: "up"}, "link eth2 up"},
		{holdfast.Event{Kind: monitor.Link, What: monitor.Renamed, Object: "lan1", From: "eth2", To: "lan1"}, "link lan1 renamed from eth2"},
		{holdfast.Event{Kind: monitor.Link, What: monitor.Changed, Object: "eth2", Key: "controller", From: "br0"}, "link eth2 changed controller br0 → -"},
		{holdfast.Event{Kind: monitor.Address, What: monitor.Added, Object: "eth2", Address: "192.0.2.1/24", To: "ready"}, "address eth2 192.0.2.1/24 added (ready)"},
		{holdfast.Event{Kind: monitor.Route, What: monitor.Removed, Object: "default dev eth2", Protocol: "dhcp"}, "route default dev eth2 removed by dhcp"},
		{holdfast.Event{Kind: monitor.Transaction, What: monitor.Step, Object: "abc", To: "create br0", Done: 1, Total: 2}, "transaction abc step 1 of 2: create br0"},
		{
			holdfast.Event{Kind: monitor.Transaction, What: "rolled-back", Object: "abc", Generation: 2, Purpose: "apply", Who: &store.Who{User: "root"}, Summary: []string{"br0 made"}, Error: "br0: a\nb"},
			"transaction abc rolled-back (generation 2), apply, by root\n    br0 made\n    br0: a\n    b",
		},
		{
			holdfast.Event{Kind: monitor.Drift, What: monitor.Began, Generation: 2, Differences: []monitor.Difference{
				{Object: "eth0", Key: "mtu", Want: "9000", Have: "1500"},
				{Object: "route default dev eth0", Want: "present", Have: "absent", Routes: []monitor.Maker{route}},
			}},
			"drift began from generation 2:\n    eth0 mtu: wanted 9000, is 1500\n    route default dev eth0: wanted present, is absent\n" +
				"      there is default via 203.0.113.1 dev eth2 by bgp",
		},
		{holdfast.Event{Kind: monitor.Drift, What: monitor.Ended, Generation: 2}, "drift ended: the host is as generation 2 has it"},
	} {
		c.event.Time = at
		if diff := cmp.Diff("08:00:00.000 "+c.want, eventLine(plain, c.event)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.event.Kind, c.event.What, diff)
		}
		if colored := eventLine(colored, c.event); !strings.Contains(colored, "\x1b[") {
			t.Errorf("no colour in %q", colored)
		}
	}
}
