package tests

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"holdfast/state"
)

// facts are what a state says, and what the independent reader finds, flat and
// in the same words, so that they can be compared.
type facts map[string]string

// expected lists everything that a state mentions.
func expected(s *state.State) facts {
	f := facts{}
	for _, i := range s.Interfaces {
		f.expectInterface(i, s)
	}
	for _, i := range s.Interfaces {
		f.expectPorts(i, s)
	}
	f["links"] = strings.Join(present(s), " ")
	f["routes"] = strings.Join(expectRoutes(s), "\n")
	f["rules"] = strings.Join(expectRules(s), "\n")
	return f
}

// present names all links that there are when nothing but the state's is
// there; the loopback interface and the zoo do not count.
func present(s *state.State) []string {
	var names []string
	for _, i := range s.Interfaces {
		if i.State != state.Absent {
			names = append(names, i.Name)
		}
		names = append(names, slices.Collect(maps.Keys(portsOf(&state.State{Interfaces: []*state.Interface{i}})))...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// found looks up everything that a state's facts speak of.
func found(t *testing.T, want facts) facts {
	t.Helper()
	f := facts{}
	links, vlans := readLinks(t), readVLANs(t)
	for key := range want {
		name, what, ofLink := strings.Cut(key, " ")
		if !ofLink {
			continue
		}
		l, there := links[name]
		switch {
		case what == "there":
			f[key] = strconv.FormatBool(there)
		case there:
			f[key] = l.find(what, links, vlans)
		}
	}
	var names []string
	for name := range links {
		if name != "lo" && !strings.HasPrefix(name, "z-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	f["links"] = strings.Join(names, " ")
	f["routes"] = strings.Join(readRoutes(t), "\n")
	f["rules"] = strings.Join(readRules(t), "\n")
	return f
}

// kinds maps the schema's types to the kernel's kinds.
var kinds = map[state.Type]string{
	state.TypeVeth: "veth", state.TypeDummy: "dummy", state.TypeBond: "bond",
	state.TypeVLAN: "vlan", state.TypeBridge: "bridge", state.TypeEthernet: "",
}

func (f facts) expectInterface(i *state.Interface, s *state.State) {
	set := func(key, value string) { f[i.Name+" "+key] = value }
	if i.State == state.Absent {
		set("there", "false")
		return
	}
	set("there", "true")
	set("kind", kinds[i.Type])
	set("up", strconv.FormatBool(i.State != state.Down))
	if i.MTU != nil {
		set("mtu", fmt.Sprint(*i.MTU))
	}
	if i.MAC != "" {
		set("mac", strings.ToLower(string(i.MAC)))
	}
	if i.Controller != nil {
		set("master", *i.Controller)
	}
	if i.Veth != nil {
		set("peer", i.Veth.Peer)
	}
	f.expectAddresses(i)
	f.expectVLAN(i)
	f.expectBond(i)
	f.expectBridge(i, s)
}

func (f facts) expectAddresses(i *state.Interface) {
	for family, list := range map[string][]state.Address{"inet": v4(i), "inet6": v6(i)} {
		if list == nil || i.State == state.Down && len(list) > 0 {
			continue
		}
		if family == "inet6" && len(list) == 0 {
			f[i.Name+" inet6-any"] = ""
		}
		var words []string
		seen := map[netip.Prefix]bool{}
		for _, a := range list {
			word := a.Prefix().String()
			if subnet := a.Prefix().Masked(); family == "inet" && seen[subnet] {
				word += " secondary"
			} else {
				seen[subnet] = true
			}
			words = append(words, word)
		}
		slices.Sort(words)
		f[i.Name+" "+family] = strings.Join(words, ", ")
	}
}

// v4 gives the addresses that are meant to be there; nil if not mentioned.
func v4(i *state.Interface) []state.Address {
	if i.IPv4 == nil {
		return nil
	}
	if i.IPv4.Enabled != nil && !*i.IPv4.Enabled {
		return []state.Address{}
	}
	return i.IPv4.Address
}

func v6(i *state.Interface) []state.Address {
	if i.IPv6 == nil {
		return nil
	}
	if i.IPv6.Enabled != nil && !*i.IPv6.Enabled {
		return []state.Address{}
	}
	return i.IPv6.Address
}

func (f facts) expectVLAN(i *state.Interface) {
	if i.VLAN == nil {
		return
	}
	f[i.Name+" base"] = i.VLAN.BaseIface
	f[i.Name+" id"] = fmt.Sprint(*i.VLAN.ID)
	f[i.Name+" protocol"] = "802.1q"
	if i.VLAN.Protocol != "" {
		f[i.Name+" protocol"] = string(i.VLAN.Protocol)
	}
	flag := func(name string, on bool) { f[i.Name+" flag "+name] = strconv.FormatBool(on) }
	if on := i.VLAN.ReorderHeaders; on != nil {
		flag("REORDER_HDR", *on)
	}
	if on := i.VLAN.LooseBinding; on != nil {
		flag("LOOSE_BINDING", *on)
	}
	if p := i.VLAN.RegistrationProtocol; p != "" {
		flag("GVRP", p == "gvrp")
		flag("MVRP", p == "mvrp")
	}
	if i.VLAN.IngressQoSMap != nil {
		f[i.Name+" ingress_qos"] = qosWords(i.VLAN.IngressQoSMap)
	}
	if i.VLAN.EgressQoSMap != nil {
		f[i.Name+" egress_qos"] = qosWords(i.VLAN.EgressQoSMap)
	}
}

// qosWords writes a map of priorities as the reader does.
func qosWords(list []state.QoSMap) string {
	var words []string
	for _, m := range list {
		words = append(words, fmt.Sprintf("%d:%d", m.From, m.To))
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}

// expectPorts says what holds for the ports of a controller, also for those
// that the state has nothing on: they are up as the controller is, carry no
// addresses, and have a bond's MTU.
func (f facts) expectPorts(i *state.Interface, s *state.State) {
	for name := range portsOf(&state.State{Interfaces: []*state.Interface{i}}) {
		f[name+" there"], f[name+" master"] = "true", i.Name
		f[name+" inet"], f[name+" inet6-any"] = "", ""
		if s.Find(name) != nil || i.State == state.Down {
			continue
		}
		f[name+" up"] = "true"
		if i.Bond != nil && i.MTU != nil {
			f[name+" mtu"] = fmt.Sprint(*i.MTU)
		}
	}
}
