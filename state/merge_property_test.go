package state

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// TestMergeIsIdempotent merges made-up documents into made-up hosts: once the
// target is reached, neither the document nor the target asks for more, and
// the host is as the document wants it.
//
// The seed is fixed, so that every run is the same; -rapid.seed gives another.
func TestMergeIsIdempotent(t *testing.T) {
	if f := flag.Lookup("rapid.seed"); f != nil && f.Value.String() == "0" {
		if err := f.Value.Set("20260101"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		current := drawState(t, "host", true)
		desired := drawState(t, "document", false)
		checkMerge(t, current, desired)
	})
}

// failer is a testing.T or a rapid.T.
type failer interface {
	Fatalf(format string, args ...any)
	Helper()
}

// checkMerge is the oracle: what Merge must keep to whatever its arguments. It
// tells whether the document could be merged at all.
func checkMerge(t failer, current, desired *State) bool {
	t.Helper()
	if desired.Validate() != nil {
		return false
	}
	before := string(EncodeYAML(current)) + string(EncodeYAML(desired))
	target, err := Merge(current, desired)
	if after := string(EncodeYAML(current)) + string(EncodeYAML(desired)); after != before {
		t.Fatalf("Merge changed its arguments:\n%s\nbecame\n%s", before, after)
	}
	if err != nil {
		return false
	}
	if err := ValidateTarget(target, current); err != nil {
		return false
	}
	host := settle(target.State)
	for _, name := range []string{"document", "target"} {
		document := desired
		if name == "target" {
			document = target.State
		}
		again, err := Merge(host, document)
		if err != nil {
			t.Fatalf("merging the %s into its target: %v", name, err)
		}
		for _, i := range again.State.Interfaces {
			if !slices.Contains(host.Interfaces, i) {
				t.Fatalf("merging the %s into its target changes %s from\n%sto\n%s", name, i.Name, text(host.Find(i.Name)), text(i))
			}
		}
		if a, b := routesText(host), routesText(again.State); a != b {
			t.Fatalf("merging the %s into its target changes the routes from\n%s\nto\n%s", name, a, b)
		}
	}
	if d := Compare(target.Desired, host); len(d) > 0 {
		t.Fatalf("the target is not what was asked for: %+v", d)
	}
	return true
}

func routesText(s *State) string {
	return string(EncodeYAML(&State{Routes: s.Routes, Rules: s.Rules, DNS: s.DNS, Hostname: s.Hostname}))
}

// drawState makes up a state of a few interfaces with names that meet often.
// That of a host is consistent; that of a document need not be.
func drawState(t *rapid.T, label string, host bool) *State {
	s := &State{Interfaces: []*Interface{}}
	for n := range 3 {
		if !host && !rapid.Bool().Draw(t, label+" mentions a NIC") {
			continue
		}
		i := &Interface{Name: fmt.Sprintf("eth%d", n), Type: TypeEthernet}
		if host {
			i.State, i.MTU = Up, new(uint32(1500))
			i.MAC = MAC(fmt.Sprintf("52:54:00:00:00:%02X", n))
			i.PermanentMAC = i.MAC
		}
		drawCommon(t, i, host)
		s.Interfaces = append(s.Interfaces, i)
	}
	for _, k := range drawnKinds {
		if rapid.Bool().Draw(t, label+" has "+k.name) {
			i := &Interface{Name: k.name, Type: k.kind}
			if host {
				i.State, i.MTU = Up, new(uint32(1500))
			}
			k.draw(t, i, host)
			drawCommon(t, i, host)
			s.Interfaces = append(s.Interfaces, i)
		}
	}
	if host {
		makeConsistent(s)
	}
	drawRoutes(t, s, host)
	return s
}

var drawnKinds = []struct {
	name string
	kind Type
	draw func(t *rapid.T, i *Interface, host bool)
}{
	{"dum0", TypeDummy, func(*rapid.T, *Interface, bool) {}},
	{"bond0", TypeBond, drawBond},
	{"br0", TypeBridge, drawBridge},
	{"v5", TypeVLAN, drawVLAN("bond0", 5)},
	{"v6", TypeVLAN, drawVLAN("br0", 6)},
	{"v7", TypeVLAN, drawVLAN("eth0", 7)},
}

func drawVLAN(base string, id uint16) func(*rapid.T, *Interface, bool) {
	return func(t *rapid.T, i *Interface, host bool) {
		i.VLAN = &VLAN{BaseIface: base, ID: new(id)}
		if host {
			i.VLAN.Protocol, i.VLAN.ReorderHeaders = Dot1Q, new(true)
		}
		if rapid.Bool().Draw(t, "loose") {
			i.VLAN.LooseBinding = new(rapid.Bool().Draw(t, "loose binding"))
		}
	}
}

var drawnPorts = []string{"eth0", "eth1", "eth2", "dum0", "v5", "v7", "bond0"}

func drawPorts(t *rapid.T, i *Interface) []string {
	names := rapid.SliceOfNDistinct(rapid.SampledFrom(drawnPorts), 0, 3, rapid.ID).Draw(t, "ports of "+i.Name)
	return append([]string{}, names...)
}

func drawBond(t *rapid.T, i *Interface, host bool) {
	i.Bond = &Bond{Mode: BondMode(rapid.SampledFrom(BondMode("").Values()).Draw(t, "mode"))}
	if host || rapid.Bool().Draw(t, "bond lists ports") {
		i.Bond.Port = drawPorts(t, i)
	}
	if host || rapid.Bool().Draw(t, "bond has options") {
		i.Bond.Options = &BondOptions{MIIMon: new(rapid.SampledFrom([]uint32{0, 50, 100}).Draw(t, "miimon"))}
		if rapid.Bool().Draw(t, "notify") {
			i.Bond.Options.NumGratARP = new(uint8(2))
			if host {
				i.Bond.Options.NumUnsolNA = new(uint8(2))
			}
		}
		if i.Bond.Mode == LACP && rapid.Bool().Draw(t, "rate") {
			i.Bond.Options.LACPRate = LACPRate(rapid.SampledFrom(LACPRate("").Values()).Draw(t, "lacp rate"))
		}
	}
}

func drawBridge(t *rapid.T, i *Interface, host bool) {
	i.Bridge = &Bridge{}
	if host || rapid.Bool().Draw(t, "bridge lists ports") {
		i.Bridge.Port = []BridgePort{}
		for _, name := range drawPorts(t, i) {
			p := BridgePort{Name: name}
			if rapid.Bool().Draw(t, "cost") {
				p.PathCost = new(rapid.Uint32Range(1, 3).Draw(t, "path cost"))
			}
			if rapid.Bool().Draw(t, "filter") {
				p.VLAN = &PortVLAN{Mode: Access, Tag: new(rapid.Uint16Range(1, 3).Draw(t, "tag"))}
			}
			i.Bridge.Port = append(i.Bridge.Port, p)
		}
	}
	if rapid.Bool().Draw(t, "bridge has options") {
		i.Bridge.Options = &BridgeOptions{STP: &STP{Enabled: new(rapid.Bool().Draw(t, "stp"))}}
	}
}

// drawCommon makes up what every interface has.
func drawCommon(t *rapid.T, i *Interface, host bool) {
	if !host {
		i.State = rapid.SampledFrom([]LinkState{"", "", Up, Down, Absent, Ignore}).Draw(t, "state of "+i.Name)
		if rapid.IntRange(0, 3).Draw(t, "mtu of "+i.Name) == 0 {
			i.MTU = new(rapid.SampledFrom([]uint32{1300, 1500, 9000}).Draw(t, "mtu"))
		}
		if rapid.IntRange(0, 5).Draw(t, "controller of "+i.Name) == 0 {
			i.Controller = new(rapid.SampledFrom([]string{"", "br0", "bond0"}).Draw(t, "controller"))
		}
	}
	if !host && !rapid.Bool().Draw(t, "ipv4 of "+i.Name) {
		return
	}
	ip := &IPv4{IP: IP{Enabled: new(rapid.Bool().Draw(t, "enabled"))}}
	if *ip.Enabled {
		ip.Address = drawAddresses(t)
	}
	i.IPv4 = ip
	if host {
		i.IPv6 = &IPv6{IP: IP{Enabled: new(false)}}
	}
}

func drawAddresses(t *rapid.T) []Address {
	list := []Address{}
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 0, 3, rapid.ID).Draw(t, "addresses") {
		list = append(list, Address{IP: netip.AddrFrom4([4]byte{192, 0, byte(n / 4), byte(n)}), PrefixLength: 24})
	}
	return list
}

func drawRoutes(t *rapid.T, s *State, host bool) {
	if !rapid.Bool().Draw(t, "routes") {
		return
	}
	s.Routes = &Routes{Config: []*Route{}}
	seen := map[routeKey]bool{}
	for range rapid.IntRange(0, 3).Draw(t, "number of routes") {
		r := &Route{
			Destination:      netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 2).Draw(t, "net")), 0, 0}), 16),
			NextHopInterface: new(rapid.SampledFrom(drawnPorts).Draw(t, "interface")),
		}
		if rapid.Bool().Draw(t, "metric") {
			r.Metric = new(int64(rapid.IntRange(-1, 2).Draw(t, "metric")))
		}
		if !host && rapid.Bool().Draw(t, "absent") {
			r.State = Absent
		}
		if !seen[r.key()] && (!host || s.Find(*r.NextHopInterface) != nil && s.Find(*r.NextHopInterface).on4()) {
			seen[r.key()] = true
			s.Routes.Config = append(s.Routes.Config, r)
		}
	}
}

// makeConsistent turns a made-up state into one that a host can be in: bases
// exist, a port has one controller, which is above it, and says so.
func makeConsistent(s *State) {
	order := []string{"eth0", "eth1", "eth2", "dum0", "v7", "bond0", "v5", "br0", "v6"}
	s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i *Interface) bool { return i.VLAN != nil && s.Find(i.VLAN.BaseIface) == nil })
	owner := map[string]string{}
	take := func(controller string) func(string) bool {
		return func(name string) bool {
			p := s.Find(name)
			if p == nil || owner[name] != "" || slices.Index(order, name) >= slices.Index(order, controller) {
				return true
			}
			owner[name] = controller
			p.Controller, p.IPv4, p.IPv6 = new(controller), nil, nil
			return false
		}
	}
	if b := s.Find("bond0"); b != nil {
		b.Bond.Port = slices.DeleteFunc(b.Bond.Port, take("bond0"))
	}
	if b := s.Find("br0"); b != nil {
		refuse := take("br0")
		b.Bridge.Port = slices.DeleteFunc(b.Bridge.Port, func(p BridgePort) bool { return refuse(p.Name) })
	}
}

// FuzzMerge parses two documents, takes the one for a host and merges the
// other one into it; the oracle is that of TestMergeIsIdempotent.
func FuzzMerge(f *testing.F) {
	paths, err := filepath.Glob("testdata/merge/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		files := map[string][]byte{}
		for _, file := range txtar.Parse(data).Files {
			files[file.Name] = file.Data
		}
		f.Add(files["current.yml"], files["desired.yml"])
	}
	f.Fuzz(func(t *testing.T, host, document []byte) {
		current, err := Parse("host.yml", host)
		if err != nil || current.Validate() != nil {
			return
		}
		desired, err := Parse("document.yml", document)
		if err != nil {
			return
		}
		_, _ = Merge(current, desired)
		settled, err := Merge(&State{}, current)
		if err != nil || ValidateTarget(settled, &State{}) != nil {
			return
		}
		checkMerge(t, settle(settled.State), desired)
	})
}
