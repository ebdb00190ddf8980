package kernel

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// tableOfLinks is a table with a NIC, a bond, a bridge and a VLAN.
func tableOfLinks() *linkTable {
	return newLinkTable([]*rawLink{
		{Index: 1, Name: "lo"},
		{Index: 2, Name: "eth0", Flags: unix.IFF_UP, Group: 9},
		{Index: 3, Name: "bond0", Kind: kindBond},
		{Index: 4, Name: "br0", Kind: kindBridge},
		{Index: 5, Name: "eth0.7", Kind: kindVLAN},
	}, &indexRange{at: lowestChosen})
}

// encoded encodes a step that must have work.
func encoded(t *testing.T, table *linkTable, s plan.Step) work {
	t.Helper()
	w, err := encode(&s, table)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	return w
}

// What a create message says is what show reads from the kernel's answer: both
// speak the same attributes.
func TestCreateBondRoundTrip(t *testing.T) {
	for _, c := range bondCases {
		table := tableOfLinks()
		w := encoded(t, table, plan.Step{Verb: plan.CreateLink, Object: "b0", Link: bond("b0", c.mode, &c.options), Type: state.TypeBond})
		l, err := decodeLink(w[0][0].msg.Data, false)
		if err != nil {
			t.Fatal(err)
		}
		if l.Name != "b0" || l.Kind != kindBond || l.Index != lowestChosen+1 {
			t.Errorf("%s: created %q, kind %q, number %d", c.mode, l.Name, l.Kind, l.Index)
		}
		sent := valuesByType(l.Info)
		if got := sent[unix.IFLA_BOND_MODE]; len(got) != 1 || got[0] != byte(modeOf(c.mode)) {
			t.Errorf("%s: mode is sent as %x", c.mode, got)
		}
		for typ, want := range expectedOptions(c.mode, &c.options, table) {
			if got, there := sent[typ]; there != (want != nil) || !bytes.Equal(got, want) {
				t.Errorf("%s: attribute %d is sent %t as %x, want %x", c.mode, typ, there, got, want)
			}
		}
	}
}

// expectedOptions maps the attributes of what was given to their values; nil is
// the value of what must not be sent.
func expectedOptions(mode state.BondMode, o *state.BondOptions, table *linkTable) map[uint16][]byte {
	all := map[uint16][]byte{}
	for _, option := range bondOptions {
		var value encoder
		given := option.put(&value, o, table)
		sent := given && option.modes.has(mode) && (option.idle == nil || !option.idle(o))
		for typ, want := range valuesByType(value.b) {
			all[typ] = nil
			if sent {
				all[typ] = want
			}
		}
	}
	return all
}

// valuesByType maps the attributes of a buffer.
func valuesByType(b []byte) map[uint16][]byte {
	m := map[uint16][]byte{}
	for a := scan(b); a.next(); {
		m[a.typ] = a.bytes()
	}
	return m
}

func TestCreateBridgeRoundTrip(t *testing.T) {
	want := bridgeOptionsOf()
	w := encoded(t, tableOfLinks(), plan.Step{Verb: plan.CreateLink, Object: "br9", Type: state.TypeBridge, Link: &state.Interface{
		Name: "br9", Type: state.TypeBridge, MAC: "02:00:00:00:00:01", Bridge: &state.Bridge{
			Options: want, Port: []state.BridgePort{{Name: "eth0", VLAN: &state.PortVLAN{Mode: state.Access, Tag: new(uint16(7))}}},
		},
	}})
	l, err := decodeLink(w[0][0].msg.Data, false)
	if err != nil {
		t.Fatal(err)
	}
	if l.MAC != "02:00:00:00:00:01" {
		t.Errorf("the address is not pinned by the create message: %q", l.MAC)
	}
	i := &state.Interface{}
	showBridge(newView(&snapshot{Links: []*rawLink{l}}, nil), l, i)
	got := *i.Bridge.Options
	got.GroupFwdMask, got.GCTimer, got.HelloTimer = nil, nil, nil // other names, and what is read only
	if diff := cmp.Diff(want, &got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCreateVLANRoundTrip(t *testing.T) {
	want := &state.VLAN{
		BaseIface: "eth0", ID: new(uint16(9)), Protocol: state.Dot1AD, RegistrationProtocol: "mvrp",
		ReorderHeaders: new(false), LooseBinding: new(true),
		IngressQoSMap: []state.QoSMap{{From: 1, To: 4}}, EgressQoSMap: []state.QoSMap{{From: 5, To: 6}},
	}
	w := encoded(t, tableOfLinks(), plan.Step{Verb: plan.CreateLink, Object: "eth0.9", Controller: "br0", Type: state.TypeVLAN, Link: &state.Interface{
		Name: "eth0.9", Type: state.TypeVLAN, MTU: new(uint32(1400)), VLAN: want,
	}})
	l, err := decodeLink(w[0][0].msg.Data, false)
	if err != nil {
		t.Fatal(err)
	}
	if l.Below != 2 || l.Master != 4 || l.MTU != 1400 || l.MAC != "" || l.Flags != 0 {
		t.Errorf("below %d, master %d, mtu %d, mac %q, flags %x", l.Below, l.Master, l.MTU, l.MAC, l.Flags)
	}
	i := &state.Interface{}
	showVLAN(newView(&snapshot{Links: []*rawLink{l, {Index: 2, Name: "eth0"}}}, nil), l, i)
	if diff := cmp.Diff(want, i.VLAN); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestCreateVethNumbersBothEnds(t *testing.T) {
	table := tableOfLinks()
	step := plan.Step{Verb: plan.CreateLink, Object: "v0", Type: state.TypeVeth, Link: &state.Interface{
		Name: "v0", Type: state.TypeVeth, Veth: &state.Veth{Peer: "v1"},
	}}
	w := encoded(t, table, step)
	made := w[0][0].creates
	if len(made) != 2 || made[0].name != "v0" || made[1].name != "v1" || made[0].index == made[1].index {
		t.Fatalf("creates %v", made)
	}
	l, err := decodeLink(w[0][0].msg.Data, false)
	if err != nil {
		t.Fatal(err)
	}
	peer, err := decodeLink(valuesByType(l.Info)[vethInfoPeer], false)
	if err != nil || peer.Name != "v1" || peer.Index != made[1].index {
		t.Errorf("peer %+v, %v", peer, err)
	}
	old := made[0].index
	table.renumber(made[0])
	if made[0].index == old || table.byIndex[made[0].index] != made[0] || table.byIndex[old] != nil {
		t.Error("the link has not got another number")
	}
}

func TestMACIsPinnedUnlessItFollows(t *testing.T) {
	follows := &state.Facts{}
	pinned := &state.Facts{MACPinned: true}
	ports := &state.Bridge{Port: []state.BridgePort{{Name: "eth0"}}}
	for _, c := range []struct {
		link state.Interface
		was  state.MAC
		want bool
	}{
		{state.Interface{Type: state.TypeDummy}, "", false},
		{state.Interface{Type: state.TypeDummy, MAC: "02:00:00:00:00:01"}, "", true},
		{state.Interface{Type: state.TypeDummy, MAC: "02:00:00:00:00:01", Facts: follows}, "", true},
		{state.Interface{Type: state.TypeVLAN, MAC: "02:00:00:00:00:01", Facts: follows}, "", false},
		{state.Interface{Type: state.TypeVLAN, MAC: "02:00:00:00:00:01", Facts: pinned}, "", true},
		{state.Interface{Type: state.TypeVLAN, MAC: "02:00:00:00:00:01", Facts: follows}, "02:00:00:00:00:01", false},
		{state.Interface{Type: state.TypeVLAN, MAC: "02:00:00:00:00:01", Facts: follows}, "02:00:00:00:00:02", true},
		{state.Interface{Type: state.TypeBridge, MAC: "02:00:00:00:00:01", Facts: follows, Bridge: ports}, "", false},
		{state.Interface{Type: state.TypeBridge, MAC: "02:00:00:00:00:01", Facts: pinned, Bridge: ports}, "", true},
		{state.Interface{Type: state.TypeBridge, MAC: "02:00:00:00:00:01", Facts: follows}, "", true},
	} {
		s := plan.Step{Link: &c.link}
		if c.was != "" {
			s.Was = &state.Interface{MAC: c.was}
		}
		if got := createWithMAC(&s); got != c.want {
			t.Errorf("%s with facts %+v: %t, want %t", c.link.Type, c.link.Facts, got, c.want)
		}
	}
}

func TestRouteRoundTrip(t *testing.T) {
	hops := []*state.Route{
		hop("10.3.0.0/16", "192.0.2.7", "eth0", weight(2)),
		hop("10.3.0.0/16", "2001:db8::7", "br0", func(r *state.Route) { r.Weight, r.Facts = new(uint16(256)), &state.RouteFacts{Onlink: true} }),
	}
	hops[0].TableID, hops[0].Metric, hops[0].MTU = new(uint32(1000)), new(int64(77)), new(uint32(1300))
	w := encoded(t, tableOfLinks(), addRouteStep(hops...))
	r, err := decodeRoute(w[0][0].msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if r.Table != 1000 || r.Metric != 77 || r.Protocol != protoHoldfast || r.Destination != hops[0].Destination || r.Metrics[unix.RTAX_MTU] != 1300 {
		t.Errorf("route %+v", r)
	}
	want := []rawHop{
		{Index: 2, Gateway: netip.MustParseAddr("192.0.2.7"), Weight: 2},
		{Index: 4, Gateway: netip.MustParseAddr("2001:db8::7"), Weight: 256, Flags: nextHopOnlink},
	}
	if diff := cmp.Diff(want, r.Hops, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRuleRoundTrip(t *testing.T) {
	rule := &state.Rule{
		IPFrom: netip.MustParsePrefix("192.0.2.0/24"), IPTo: netip.MustParsePrefix("198.51.100.0/24"), Priority: new(int64(5)),
		RouteTable: new(uint32(4000)), FWMark: new(uint32(1)), FWMask: new(uint32(3)), IIF: "eth0", SuppressPrefixLength: new(uint32(8)),
	}
	w := encoded(t, tableOfLinks(), plan.Step{Verb: plan.AddRule, Rule: rule})
	r, err := decodeRule(w[0][0].msg.Data)
	if err != nil {
		t.Fatal(err)
	}
	if r.Table != 4000 || r.Protocol == nil || *r.Protocol != protoHoldfast || r.From != rule.IPFrom || r.To != rule.IPTo || r.IIF != "eth0" || r.Priority != 5 {
		t.Errorf("rule %+v", r)
	}
}

func TestRemovedLinksNeedNoWork(t *testing.T) {
	table := tableOfLinks()
	encoded(t, table, verb(plan.RemoveLink, "eth0.7"))
	device := "eth0.7"
	for _, s := range []plan.Step{
		verb(plan.RemoveLink, "eth0.7"),
		{Verb: plan.RemoveAddress, Object: "eth0.7", Address: &state.Address{IP: netip.MustParseAddr("192.0.2.1"), PrefixLength: 24}},
		{Verb: plan.RemoveRoute, Routes: []*state.Route{{Destination: netip.MustParsePrefix("10.0.0.0/8"), NextHopInterface: &device}}},
	} {
		if w := encoded(t, table, s); len(w) != 0 {
			t.Errorf("%s has work for a link that is gone", s.Verb)
		}
	}
	half := encoded(t, table, plan.Step{Verb: plan.RemoveRoute, Routes: []*state.Route{
		hop("2001:db8::/32", "fe80::1", "eth0", nil), hop("2001:db8::/32", "fe80::2", "eth0.7", nil),
	}})
	if r, err := decodeRoute(half[0][0].msg.Data); err != nil || len(r.Hops) != 1 || r.Hops[0].Index != 2 {
		t.Errorf("of a route that lost a next hop the other one is not removed: %+v, %v", r, err)
	}
	up := verb(plan.SetUp, "eth0.7")
	if _, err := encode(&up, table); !errors.Is(err, unix.ENODEV) {
		t.Errorf("error %v", err)
	}
}

func TestAttachToBondSetsDownFirst(t *testing.T) {
	table := tableOfLinks()
	w := encoded(t, table, plan.Step{Verb: plan.Attach, Object: "eth0", Controller: "bond0"})
	if len(w) != 1 || len(w[0]) != 2 || w[0][0].op != "set down" {
		t.Fatalf("work %v", w)
	}
	if w := encoded(t, table, plan.Step{Verb: plan.Attach, Object: "eth0.7", Controller: "bond0"}); len(w[0]) != 1 {
		t.Errorf("a link that is down is set down: %v", w)
	}
	if w := encoded(t, table, plan.Step{Verb: plan.Attach, Object: "lo", Controller: "br0"}); len(w[0]) != 1 {
		t.Errorf("a bridge's port is set down: %v", w)
	}
}

func TestUnknownKeysAreRefused(t *testing.T) {
	i := &state.Interface{Bond: &state.Bond{Mode: state.LACP}, Bridge: &state.Bridge{}, VLAN: &state.VLAN{}}
	for _, c := range []struct {
		name string
		typ  state.Type
		key  string
	}{
		{"bond0", state.TypeBond, "link-aggregation.options.nothing"},
		{"br0", state.TypeBridge, "bridge.options.nothing"},
		{"eth0.7", state.TypeVLAN, "vlan.id"},
		{"eth0", state.TypeEthernet, "nothing"},
	} {
		s := plan.Step{Verb: plan.ChangeLink, Object: c.name, Type: c.typ, Link: i, Keys: []string{c.key}}
		if _, err := encode(&s, tableOfLinks()); err == nil || !strings.Contains(err.Error(), "nothing") && !strings.Contains(err.Error(), c.key) {
			t.Errorf("%s: error %v", c.key, err)
		}
	}
}

func TestIndexRangeSkipsWhatIsTaken(t *testing.T) {
	r := indexRange{at: highestChosen - 2}
	taken := []int{highestChosen - 1, lowestChosen}
	got := r.choose(func(n int) bool { return slices.Contains(taken, n) })
	if got != lowestChosen+1 {
		t.Errorf("chose %d, want %d", got, lowestChosen+1)
	}
	var fresh indexRange
	if n := fresh.choose(func(int) bool { return false }); n < lowestChosen || n >= highestChosen {
		t.Errorf("chose %d", n)
	}
}

// The frames as RFC 5227 (ARP announcement) and RFC 4861 7.2.6 lay them out.
func TestAnnouncementFrames(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 1}
	arp := announcement{ip: netip.MustParseAddr("192.0.2.1"), mac: mac}.frame()
	want := "ffffffffffff0200000000010806" + "0001080006040001" + "020000000001c0000201" + "000000000000c0000201"
	if got := hex.EncodeToString(arp); got != want {
		t.Errorf("arp\n%s, want\n%s", got, want)
	}
	na := announcement{ip: netip.MustParseAddr("2001:db8::1"), mac: mac}.frame()
	if len(na) != 86 || hex.EncodeToString(na[:22]) != "333300000001"+"020000000001"+"86dd"+"600000000020"+"3aff" {
		t.Errorf("advertisement %x", na)
	}
	pseudo := append(slices.Clone(na[22:54]), 0, 0, 0, 32, 0, 0, 0, unix.IPPROTO_ICMPV6)
	if sum := checksum(pseudo, na[54:]); sum != 0 {
		t.Errorf("checksum is off by %x", sum)
	}
}

func TestLifetimes(t *testing.T) {
	for text, want := range map[string]uint32{"": 1<<32 - 1, "forever": 1<<32 - 1, "120sec": 120, "0sec": 0} {
		if got, err := lifetime(text); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	if _, err := lifetime("soon"); err == nil {
		t.Error("no error for nonsense")
	}
}
