package tests

import (
	"fmt"
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
		f.expectInterface(i)
	}
	f["routes"] = strings.Join(expectRoutes(s), "\n")
	f["rules"] = strings.Join(expectRules(s), "\n")
	return f
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
	f["routes"] = strings.Join(readRoutes(t), "\n")
	f["rules"] = strings.Join(readRules(t), "\n")
	return f
}

// kinds maps the schema's types to the kernel's kinds.
var kinds = map[state.Type]string{
	state.TypeVeth: "veth", state.TypeDummy: "dummy", state.TypeBond: "bond",
	state.TypeVLAN: "vlan", state.TypeBridge: "bridge", state.TypeEthernet: "",
}

func (f facts) expectInterface(i *state.Interface) {
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
	if i.State != state.Down {
		f.expectAddresses(i)
	}
	f.expectVLAN(i)
	f.expectBond(i)
	f.expectBridge(i)
}

func (f facts) expectAddresses(i *state.Interface) {
	for family, list := range map[string][]state.Address{"inet": v4(i), "inet6": v6(i)} {
		if list == nil {
			continue
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
	var flags []string
	if i.VLAN.ReorderHeaders == nil || *i.VLAN.ReorderHeaders {
		flags = append(flags, "REORDER_HDR")
	}
	if i.VLAN.LooseBinding != nil && *i.VLAN.LooseBinding {
		flags = append(flags, "LOOSE_BINDING")
	}
	if p := i.VLAN.RegistrationProtocol; p != "" && p != "none" {
		flags = append(flags, strings.ToUpper(string(p)))
	}
	slices.Sort(flags)
	if i.VLAN.ReorderHeaders != nil || i.VLAN.RegistrationProtocol != "" {
		f[i.Name+" flags"] = strings.Join(flags, ",")
	}
}

func (f facts) expectBond(i *state.Interface) {
	if i.Bond == nil {
		return
	}
	f[i.Name+" mode"] = string(i.Bond.Mode)
	if i.Bond.Port != nil {
		f[i.Name+" ports"] = strings.Join(slices.Sorted(slices.Values(i.Bond.Port)), ",")
	}
	for _, port := range i.Bond.PortsConfig {
		if port.QueueID != nil {
			f[port.Name+" queue"] = fmt.Sprint(*port.QueueID)
		}
	}
	for key, value := range bondWords(i.Bond.Options) {
		f[i.Name+" "+key] = value
	}
}

// bondWords maps what is mentioned to the words of ip(8).
func bondWords(o *state.BondOptions) map[string]string {
	words := map[string]string{}
	if o == nil {
		return words
	}
	number := func(key string, value *uint32) {
		if value != nil {
			words[key] = fmt.Sprint(*value)
		}
	}
	text := func(key, value string) {
		if value != "" {
			words[key] = value
		}
	}
	number("miimon", o.MIIMon)
	number("updelay", o.UpDelay)
	number("downdelay", o.DownDelay)
	number("arp_interval", o.ARPInterval)
	number("resend_igmp", o.ResendIGMP)
	number("lp_interval", o.LPInterval)
	number("min_links", o.MinLinks)
	number("packets_per_slave", o.PacketsPerSlave)
	text("ad_select", string(o.ADSelect))
	text("ad_lacp_rate", string(o.LACPRate))
	text("xmit_hash_policy", string(o.XmitHashPolicy))
	text("primary_reselect", string(o.PrimaryReselect))
	text("fail_over_mac", string(o.FailOverMAC))
	if o.Primary != nil {
		text("primary", *o.Primary)
	}
	if o.NumGratARP != nil {
		words["num_peer_notif"] = fmt.Sprint(*o.NumGratARP)
	}
	return words
}

func (f facts) expectBridge(i *state.Interface) {
	if i.Bridge == nil {
		return
	}
	var names []string
	filtering := false
	for _, port := range i.Bridge.Port {
		names = append(names, port.Name)
		f.expectPort(port)
		filtering = filtering || port.VLAN != nil && port.VLAN.Mode != ""
	}
	if i.Bridge.Port != nil {
		f[i.Name+" ports"] = strings.Join(slices.Sorted(slices.Values(names)), ",")
	}
	if filtering {
		f[i.Name+" vlan_filtering"] = "1"
	}
	for key, value := range bridgeWords(i.Bridge.Options) {
		f[i.Name+" "+key] = value
	}
}

func (f facts) expectPort(port state.BridgePort) {
	if port.Hairpin != nil {
		f[port.Name+" hairpin"] = strconv.FormatBool(*port.Hairpin)
	}
	if port.PathCost != nil {
		f[port.Name+" cost"] = fmt.Sprint(*port.PathCost)
	}
	if port.Priority != nil {
		f[port.Name+" priority"] = fmt.Sprint(*port.Priority)
	}
	if port.VLAN != nil && port.VLAN.Mode != "" {
		f[port.Name+" vlans"] = portVLANs(port.VLAN)
	}
}

// bridgeWords maps what is mentioned to the words of ip(8).
func bridgeWords(o *state.BridgeOptions) map[string]string {
	words := map[string]string{}
	if o == nil {
		return words
	}
	if o.MACAgeingTime != nil {
		words["ageing_time"] = fmt.Sprint(*o.MACAgeingTime * 100)
	}
	if o.MulticastSnooping != nil {
		words["mcast_snooping"] = bit(*o.MulticastSnooping)
	}
	if o.VLANDefaultPVID != nil {
		words["vlan_default_pvid"] = fmt.Sprint(*o.VLANDefaultPVID)
	}
	if o.STP == nil {
		return words
	}
	if o.STP.Enabled != nil {
		words["stp_state"] = bit(*o.STP.Enabled)
	}
	if o.STP.Priority != nil {
		words["priority"] = fmt.Sprint(*o.STP.Priority)
	}
	for key, value := range map[string]*uint8{"forward_delay": o.STP.ForwardDelay, "hello_time": o.STP.HelloTime, "max_age": o.STP.MaxAge} {
		if value != nil {
			words[key] = fmt.Sprint(int(*value) * 100)
		}
	}
	return words
}

func bit(on bool) string {
	if on {
		return "1"
	}
	return "0"
}

// portVLANs writes a port's filter as the table that it makes: "1u*" is the
// untagged and native VLAN.
func portVLANs(v *state.PortVLAN) string {
	table := map[int]string{}
	for _, tag := range v.TrunkTags {
		if tag.ID != nil {
			table[int(*tag.ID)] = ""
		}
		if tag.Range != nil {
			for id := tag.Range.Min; id <= tag.Range.Max; id++ {
				table[int(id)] = ""
			}
		}
	}
	if v.Tag != nil && (v.Mode == state.Access || v.EnableNative != nil && *v.EnableNative) {
		table[int(*v.Tag)] = "u*"
	}
	return vlanWords(table)
}

func vlanWords(table map[int]string) string {
	ids := make([]int, 0, len(table))
	for id := range table {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var words []string
	for _, id := range ids {
		words = append(words, strconv.Itoa(id)+table[id])
	}
	return strings.Join(words, " ")
}

func expectRoutes(s *state.State) []string {
	lines := []string{}
	if s.Routes == nil {
		return lines
	}
	for _, r := range s.Routes.Config {
		if r.State != state.Absent {
			lines = append(lines, expectRoute(r))
		}
	}
	slices.Sort(lines)
	return lines
}

func expectRoute(r *state.Route) string {
	var metric int64
	if r.Metric != nil && *r.Metric > 0 {
		metric = *r.Metric
	}
	table, weight, dev, via := "254", 1, "", ""
	if r.TableID != nil && *r.TableID != 0 {
		table = fmt.Sprint(*r.TableID)
	}
	if r.Weight != nil {
		weight = int(*r.Weight)
	}
	if r.NextHopInterface != nil {
		dev = *r.NextHopInterface
	}
	if r.NextHopAddress != nil && r.NextHopAddress.IsValid() {
		via = r.NextHopAddress.String()
	}
	line := routeLine(string(r.Type), r.Destination.String(), dev, via, metric, table, weight)
	for _, extra := range []struct {
		key   string
		value *uint32
	}{{"mtu", r.MTU}, {"advmss", r.AdvMSS}, {"initcwnd", r.InitCWND}} {
		if extra.value != nil {
			line += fmt.Sprintf(" %s %d", extra.key, *extra.value)
		}
	}
	if r.Source != nil {
		line += " source " + r.Source.String()
	}
	return line
}

func expectRules(s *state.State) []string {
	lines := []string{}
	if s.Rules == nil {
		return lines
	}
	for _, r := range s.Rules.Config {
		if r.State == state.Absent {
			continue
		}
		family := "-4"
		if r.Family == state.FamilyIPv6 || r.IPFrom.Addr().Is6() || r.IPTo.Addr().Is6() {
			family = "-6"
		}
		var mark, mask uint64
		if r.FWMark != nil {
			mark = uint64(*r.FWMark)
		}
		if r.FWMask != nil {
			mask = uint64(*r.FWMask)
		}
		table := "254"
		if r.RouteTable != nil && *r.RouteTable != 0 {
			table = fmt.Sprint(*r.RouteTable)
		}
		if r.Action != "" {
			table = ""
		}
		lines = append(lines, ruleLine(family, *r.Priority, text(r.IPFrom), text(r.IPTo), r.IIF, mark, mask, table, string(r.Action)))
	}
	slices.Sort(lines)
	return lines
}

func text(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}
