package plan_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

// TestMain fixes the seed of the random walks, so that a run says the same
// every time; -rapid.seed chooses another one.
func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("rapid.seed"); f != nil && f.Value.String() == f.DefValue {
		_ = flag.Set("rapid.seed", "20261123")
	}
	if flag.Lookup("rapid.nofailfile") != nil {
		_ = flag.Set("rapid.nofailfile", "true")
	}
	os.Exit(m.Run())
}

// TestWalk goes from any state to any other on a host in memory: afterwards
// everything is as asked for, whatever was there before, and a second plan is
// empty.
func TestWalk(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		start := parseText(r, "interfaces:\n- {name: eth0, type: ethernet}\n- {name: eth1, type: ethernet}\n"+
			"- {name: eth2, type: ethernet}\n- {name: eth3, type: ethernet}\n- {name: tap0, type: tun}\n")
		start.Find("tap0").Facts = &state.Facts{Foreign: true, AdminUp: true}
		memory := enginetest.NewMemory(start)
		for n := range 4 {
			label := fmt.Sprintf("state %d ", n)
			step(r, memory, drawState(r, label))
			if rapid.Bool().Draw(r, label+"guest") {
				moveGuest(r, memory, rapid.SampledFrom([]string{"br0", "br1"}).Draw(r, label+"guest's bridge"))
			}
		}
	})
}

// moveGuest makes tap0 a port behind our back, as a hypervisor does.
func moveGuest(r *rapid.T, memory *enginetest.Memory, bridge string) {
	s := show(r, memory)
	if s.Find(bridge) == nil {
		return
	}
	steps := []plan.Step{{Verb: plan.Detach, Object: "tap0"}, {Verb: plan.Attach, Object: "tap0", Controller: bridge}}
	if err := memory.Edit(steps...); err != nil {
		r.Fatal(err)
	}
}

// guestsBridge names the bridge that tap0 is on.
func guestsBridge(s *state.State) string {
	if c := s.Find("tap0").Controller; c != nil {
		return *c
	}
	return ""
}

// parseText is state.Parse for a rapid test.
func parseText(r *rapid.T, text string) *state.State {
	s, err := state.Parse("walk.yml", []byte(text))
	if err != nil {
		r.Fatalf("%v\n%s", err, text)
	}
	return s
}

// step goes to the state that the text describes.
func step(r *rapid.T, memory *enginetest.Memory, text string) {
	desired := parseText(r, text)
	on := guestsBridge(show(r, memory))
	p := walkPlan(r, memory, desired, text)
	if err := memory.Apply(context.Background(), p, nil); err != nil {
		r.Fatalf("apply: %v\n%s\n%s", err, text, rendered(p))
	}
	result := show(r, memory)
	for _, m := range plan.Mismatches(p, result) {
		if !m.Minor {
			r.Fatalf("afterwards: %s\n%s\n%s", m, text, rendered(p))
		}
	}
	if after := guestsBridge(result); after != on && desired.Find(on).State != state.Absent {
		r.Fatalf("the guest was on %q and is on %q\n%s\n%s", on, after, text, rendered(p))
	}
	if second := walkPlan(r, memory, desired, text); !second.Empty() {
		r.Fatalf("the second plan is not empty:\n%s\nafter\n%s\nfor\n%s", rendered(second), rendered(p), text)
	}
}

func show(r *rapid.T, memory *enginetest.Memory) *state.State {
	s, err := memory.Show(context.Background(), engine.ShowOptions{})
	if err != nil {
		r.Fatal(err)
	}
	return s
}

func walkPlan(r *rapid.T, memory *enginetest.Memory, desired *state.State, text string) *plan.Plan {
	current := show(r, memory)
	target, err := state.Merge(current, desired)
	if err != nil {
		r.Fatalf("merge: %v\n%s", err, text)
	}
	if err := state.ValidateTarget(target, current); err != nil {
		r.Fatalf("target: %v\n%s", err, text)
	}
	p, err := plan.Make(current, target, plan.Options{Force: true})
	if err != nil {
		r.Fatalf("plan: %v\n%s", err, text)
	}
	return p
}

func rendered(p *plan.Plan) string {
	var out strings.Builder
	_ = plan.Render(&out, p, plan.RenderOptions{})
	for n, s := range p.Steps {
		fmt.Fprintf(&out, "%d: level %d %s %s needs %v\n", n, s.Level, s.Verb, s.Object, s.Needs)
	}
	return out.String()
}

// drawing draws a closed state: what it does not mention is absent.
type drawing struct {
	r     *rapid.T
	label string
	out   strings.Builder
	// free NICs and links are those that are nobody's port; bases can carry
	// VLANs, with their MTU.
	free   []string
	bases  []string
	mtus   map[string]int
	done   map[string]bool
	routes []string
	// subnet numbers the addresses, so that none is there twice.
	subnet int
}

// universe are the virtual links that a state can have.
var universe = map[string]string{
	"bond0": "bond", "bond1": "bond", "v0": "vlan", "v1": "vlan", "v2": "vlan", "v3": "vlan",
	"br0": "linux-bridge", "br1": "linux-bridge", "d0": "dummy", "d1": "dummy", "p0": "veth", "p1": "veth", "vb": "vlan",
}

// virtual are their names, in a fixed order.
var virtual = []string{"bond0", "bond1", "v0", "v1", "v2", "v3", "vb", "br0", "br1", "d0", "d1", "p0", "p1"}

var nics = []string{"eth0", "eth1", "eth2", "eth3"}

func drawState(r *rapid.T, label string) string {
	d := &drawing{r: r, label: label, free: slices.Clone(nics), mtus: map[string]int{}, done: map[string]bool{}}
	d.out.WriteString("interfaces:\n")
	d.some(d.dummy, "d0", "d1")
	d.some(d.pair, "p1")
	d.some(d.bond, "bond0", "bond1")
	for _, name := range d.free {
		d.mtus[name] = d.mtu(name)
	}
	d.bases = append(d.bases, d.free...)
	d.some(d.vlan, "v0", "v1", "v2", "v3")
	d.some(d.bridge, "br0", "br1")
	if base := d.pick("vb base", "br0", "br1"); d.done[base] {
		d.mtus["vb"] = min(d.mtu("vb"), d.mtus[base])
		d.link("vb", "vlan", fmt.Sprintf(", vlan: {base-iface: %s, id: 40}", base), true)
	}
	if d.done["p1"] && !d.done["p0"] {
		d.link("p0", "veth", ", veth: {peer: p1}", true)
	}
	for _, name := range nics {
		if !d.done[name] {
			d.link(name, "ethernet", "", true)
		}
	}
	d.leftOut()
	return d.out.String()
}

// some draws each of the named links, or leaves it out.
func (d *drawing) some(draw func(string), names ...string) {
	for _, name := range names {
		if d.yes(name) {
			draw(name)
		}
	}
}

func (d *drawing) dummy(name string) {
	d.mtus[name] = d.mtu(name)
	d.link(name, "dummy", "", true)
}

// pair draws a veth pair whose first end can become a port.
func (d *drawing) pair(name string) {
	d.free = append(d.free, "p0")
	d.mtus[name] = d.mtu(name)
	d.link(name, "veth", ", veth: {peer: p0}", true)
}

func (d *drawing) yes(what string) bool { return rapid.Bool().Draw(d.r, d.label+what) }

func (d *drawing) pick(what string, from ...string) string {
	return rapid.SampledFrom(from).Draw(d.r, d.label+what)
}

func (d *drawing) mtu(name string) int {
	return rapid.SampledFrom([]int{1500, 9000, 4000}).Draw(d.r, d.label+name+" mtu")
}

// take takes a link that is nobody's port, empty if there is none.
func (d *drawing) take(what string) string {
	if len(d.free) == 0 {
		return ""
	}
	n := rapid.IntRange(0, len(d.free)-1).Draw(d.r, d.label+what)
	name := d.free[n]
	d.free = append(d.free[:n:n], d.free[n+1:]...)
	return name
}

// link writes one link with addresses if it is to have some.
func (d *drawing) link(name, kind, section string, addresses bool) {
	d.done[name] = true
	if kind == "dummy" && d.yes(name+" down") {
		fmt.Fprintf(&d.out, "- {name: %s, type: dummy, state: down}\n", name)
		return
	}
	fmt.Fprintf(&d.out, "- {name: %s, type: %s, state: up", name, kind)
	if m := d.mtus[name]; m != 0 {
		fmt.Fprintf(&d.out, ", mtu: %d", m)
	}
	if (kind == "ethernet" || kind == "veth") && addresses {
		d.out.WriteString(", controller: ''")
	}
	if addresses {
		d.addresses(name)
	}
	d.out.WriteString(section + "}\n")
}

// addresses writes both stacks, and routes over them.
func (d *drawing) addresses(name string) {
	if !d.yes(name + " ipv4") {
		d.out.WriteString(", ipv4: {enabled: false}")
	} else {
		d.subnet++
		fmt.Fprintf(&d.out, ", ipv4: {enabled: true, allow-extra-address: false, address: [{ip: 10.0.%d.1, prefix-length: 24}", d.subnet)
		if d.yes(name + " second") {
			fmt.Fprintf(&d.out, ", {ip: 10.0.%d.2, prefix-length: 24}", d.subnet)
		}
		d.out.WriteString("]}")
		if d.yes(name + " route4") {
			d.routes = append(d.routes, fmt.Sprintf("{destination: 10.%d.0.0/16, next-hop-address: 10.0.%d.254, next-hop-interface: %s, metric: %d}", 100+d.subnet, d.subnet, name, d.subnet))
		}
		if d.yes(name + " several") {
			d.routes = append(d.routes, fmt.Sprintf("{destination: 172.16.0.0/12, next-hop-address: 10.0.%d.254, next-hop-interface: %s, table-id: 100, weight: 1}", d.subnet, name))
		}
		if d.yes(name + " default") {
			d.routes = append(d.routes, fmt.Sprintf("{destination: 0.0.0.0/0, next-hop-address: 10.0.%d.254, next-hop-interface: %s, metric: %d, weight: 1}", d.subnet, name, 100*rapid.IntRange(1, 2).Draw(d.r, d.label+name+" metric")))
		}
	}
	if !d.yes(name + " ipv6") {
		d.out.WriteString(", ipv6: {enabled: false}")
		return
	}
	d.subnet++
	fmt.Fprintf(&d.out, ", ipv6: {enabled: true, autoconf: false, dhcp: false, address: [{ip: '2001:db8:%d::1', prefix-length: 64}]}", d.subnet)
	if d.yes(name + " route6") {
		if d.yes(name + " several6") {
			d.routes = append(d.routes, fmt.Sprintf("{destination: '2001:db8:ffff::/48', next-hop-address: '2001:db8:%d::fe', next-hop-interface: %s}", d.subnet, name))
		}
		d.routes = append(d.routes, fmt.Sprintf("{destination: '2001:db8:f%d::/64', next-hop-address: '2001:db8:%d::fe', next-hop-interface: %s}", d.subnet, d.subnet, name))
	}
}

func (d *drawing) bond(name string) {
	mode := d.pick(name+" mode", "balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb")
	options := []string{"miimon: " + d.pick(name+" miimon", "100", "200")}
	if mode == "802.3ad" {
		options = append(options, "lacp_rate: "+d.pick(name+" rate", "slow", "fast"))
	}
	if mode == "active-backup" && d.yes(name+" fail_over_mac") {
		options = append(options, "fail_over_mac: active")
	} else {
		options = append(options, "fail_over_mac: none")
	}
	var ports []string
	for n := range rapid.IntRange(0, 2).Draw(d.r, d.label+name+" ports") {
		if port := d.take(fmt.Sprint(name, " port ", n)); port != "" {
			ports = append(ports, port)
		}
	}
	d.mtus[name] = d.mtu(name)
	section := fmt.Sprintf(", link-aggregation: {mode: %s, options: {%s}, port: [%s]}", mode, strings.Join(options, ", "), strings.Join(ports, ", "))
	d.link(name, "bond", section, true)
	for _, port := range ports {
		d.done[port] = true
	}
	d.bases = append(d.bases, name)
}

func (d *drawing) vlan(name string) {
	if len(d.bases) == 0 {
		return
	}
	base := d.pick(name+" base", d.bases...)
	d.mtus[name] = min(d.mtu(name), d.mtus[base])
	id := map[string]int{"v0": 10, "v1": 11, "v2": 12, "v3": 13}[name] + 10*rapid.IntRange(0, 1).Draw(d.r, d.label+name+" id")
	bare := d.yes(name + " is a port")
	if bare {
		d.free = append(d.free, name)
	} else {
		d.bases = append(d.bases, name)
	}
	section := fmt.Sprintf(", vlan: {base-iface: %s, id: %d}", base, id)
	d.link(name, "vlan", section, !bare)
	if bare {
		d.done[name] = true
	}
}

func (d *drawing) bridge(name string) {
	var ports []string
	filtering := d.yes(name + " filtering")
	lowest := 0
	for n := range rapid.IntRange(0, 3).Draw(d.r, d.label+name+" ports") {
		port := d.take(fmt.Sprint(name, " port ", n))
		if port == "" || d.carries(port) {
			continue
		}
		if lowest == 0 || d.mtus[port] < lowest {
			lowest = d.mtus[port]
		}
		entry := "{name: " + port
		if filtering {
			entry += d.pick(port+" vlan", ", vlan: {}", ", vlan: {mode: access, tag: 5}", ", vlan: {mode: trunk, trunk-tags: [{id: 7}, {id-range: {min: 20, max: 30}}]}")
		} else {
			entry += ", vlan: {}"
		}
		ports = append(ports, entry+"}")
		if !d.done[port] {
			kind, section := "ethernet", ""
			if port == "p0" {
				kind, section = "veth", ", veth: {peer: p1}"
			}
			fmt.Fprintf(&d.out, "- {name: %s, type: %s, state: up, mtu: %d%s}\n", port, kind, d.mtus[port], section)
			d.done[port] = true
		}
	}
	if lowest == 0 {
		lowest = 1500
	}
	d.mtus[name] = lowest
	section := fmt.Sprintf(", bridge: {options: {stp: {enabled: %s}}, port: [%s]}", d.pick(name+" stp", "true", "false"), strings.Join(ports, ", "))
	d.link(name, "linux-bridge", section, true)
}

// carries tells whether a VLAN sits on a NIC, which then is left out as a port.
func (d *drawing) carries(name string) bool {
	return strings.Contains(d.out.String(), "base-iface: "+name+",")
}

// leftOut makes what was not drawn absent, and writes routes.
func (d *drawing) leftOut() {
	for _, name := range virtual {
		if !d.done[name] {
			fmt.Fprintf(&d.out, "- {name: %s, type: %s, state: absent}\n", name, universe[name])
		}
	}
	d.out.WriteString("routes:\n  config:\n")
	for _, name := range append(slices.Clone(virtual), nics...) {
		if d.done[name] {
			fmt.Fprintf(&d.out, "  - {state: absent, next-hop-interface: %s}\n", name)
		}
	}
	for _, route := range d.routes {
		d.out.WriteString("  - " + route + "\n")
	}
	d.out.WriteString("route-rules:\n  config:\n  - {state: absent, route-table: 100}\n  - {state: absent, route-table: 101}\n")
	for n := range rapid.IntRange(0, 3).Draw(d.r, d.label+"rules") {
		fmt.Fprintf(&d.out, "  - {ip-from: 10.%d.0.0/16, route-table: %s, priority: %s}\n", n, d.pick(fmt.Sprint("table ", n), "100", "101"), d.pick(fmt.Sprint("priority ", n), "1000", "1001"))
	}
}
