package tests

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"holdfast/state"
)

func (f facts) expectBridge(i *state.Interface, s *state.State) {
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
		f.expectOwnVLANs(i, s)
	}
	for key, value := range bridgeWords(i.Bridge.Options) {
		f[i.Name+" "+key] = value
	}
}

// expectOwnVLANs says what the table of a bridge that filters has: its default
// VLAN, and those of the links on it, which get no frames otherwise.
func (f facts) expectOwnVLANs(bridge *state.Interface, s *state.State) {
	table := map[int]string{}
	for _, i := range s.Interfaces {
		if i.VLAN != nil && i.VLAN.BaseIface == bridge.Name && i.State != state.Absent {
			table[int(*i.VLAN.ID)] = ""
		}
	}
	if o := bridge.Bridge.Options; o != nil && o.VLANDefaultPVID != nil {
		table[int(*o.VLANDefaultPVID)] = "u*"
		f[bridge.Name+" vlans"] = vlanWords(table)
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
		f[port.Name+" port-priority"] = fmt.Sprint(*port.Priority)
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
	number := func(key string, value any) { mention(words, key, value) }
	if o.MACAgeingTime != nil {
		words["ageing_time"] = fmt.Sprint(*o.MACAgeingTime * 100)
	}
	for _, mask := range []*uint16{o.GroupForwardMask, o.GroupFwdMask} {
		if mask != nil {
			words["group_fwd_mask"] = fmt.Sprintf("%#x", *mask)
		}
	}
	if o.GroupAddr != "" {
		words["group_addr"] = strings.ToLower(string(o.GroupAddr))
	}
	if o.VLANProtocol != "" {
		words["vlan_protocol"] = string(o.VLANProtocol)
	}
	if router := map[state.MulticastRouter]string{"disabled": "0", "auto": "1", "enabled": "2"}[o.MulticastRouter]; router != "" {
		words["mcast_router"] = router
	}
	number("vlan_default_pvid", o.VLANDefaultPVID)
	number("mcast_snooping", o.MulticastSnooping)
	number("mcast_hash_max", o.HashMax)
	number("mcast_querier", o.MulticastQuerier)
	number("mcast_query_use_ifaddr", o.MulticastQueryUseIfaddr)
	number("mcast_last_member_cnt", o.MulticastLastMemberCount)
	number("mcast_startup_query_cnt", o.MulticastStartupQueryCount)
	number("mcast_last_member_intvl", o.MulticastLastMemberInterval)
	number("mcast_membership_intvl", o.MulticastMembershipInterval)
	number("mcast_querier_intvl", o.MulticastQuerierInterval)
	number("mcast_query_intvl", o.MulticastQueryInterval)
	number("mcast_query_response_intvl", o.MulticastQueryResponseInterval)
	number("mcast_startup_query_intvl", o.MulticastStartupQueryInterval)
	if o.STP != nil {
		number("stp_state", o.STP.Enabled)
		number("priority", o.STP.Priority)
		for key, value := range map[string]*uint8{"forward_delay": o.STP.ForwardDelay, "hello_time": o.STP.HelloTime, "max_age": o.STP.MaxAge} {
			if value != nil {
				words[key] = fmt.Sprint(int(*value) * 100)
			}
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
