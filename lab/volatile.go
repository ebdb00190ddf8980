package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Field is something of a host's picture that changes without anybody's doing, and so is left out of it.
type Field struct {
	Section string // of the picture
	Name    string // of the field, at any depth below the section; "parent.field" where the field alone would not do
	Reason  string
}

// Volatile is the reviewed list of what a picture leaves out. Everything else must be the same for two pictures to be
// the same.
func Volatile() []Field {
	return []Field{
		{links, "hello_timer", "a running timer of a bridge"},
		{links, "tcn_timer", "a running timer of a bridge"},
		{links, "topology_change_timer", "a running timer of a bridge"},
		{links, "gc_timer", "a running timer of a bridge"},
		{links, "message_age_timer", "a running timer of a bridge's port"},
		{links, "forward_delay_timer", "a running timer of a bridge's port"},
		{links, "hold_timer", "a running timer of a bridge's port"},
		{links, "topology_change", "set for a while by the spanning tree when any port comes or goes"},
		{links, "topology_change_detected", "set for a while by the spanning tree when any port comes or goes"},
		{links, "topology_change_ack", "set for a while by the spanning tree when any port comes or goes"},
		{links, "config_pending", "set for a while by the spanning tree when any port comes or goes"},
		{links, "info_slave_data.id", "the number of a bridge's port, given by the kernel; ports are told apart by name"},
		{links, "info_slave_data.no", "the number of a bridge's port, given by the kernel; ports are told apart by name"},
		{links, "root_port", "names a bridge's port by its number"},
		{links, "designated_port", "names a bridge's port by its number"},
		{links, "ad_info", "the LACP aggregator that was negotiated, and the partner"},
		{links, "ad_aggregator_id", "the LACP aggregator that was negotiated"},
		{links, "ad_actor_oper_port_state", "the state of the LACP negotiation"},
		{links, "ad_actor_oper_port_state_str", "the state of the LACP negotiation"},
		{links, "ad_partner_oper_port_state", "the state of the LACP negotiation"},
		{links, "ad_partner_oper_port_state_str", "the state of the LACP negotiation"},
		{links, "link_failure_count", "a counter"},
		{links, "active_slave", "elected by carrier and history; what is configured is the primary"},
		{links, "info_slave_data.state", "which member of a bond is active or backup now, elected as active_slave; a bridge port's is stp_state"},
		{links, "tso_max_size", "what the link below could do when a VLAN was made; the kernel lets nobody set it"},
		{links, "tso_max_segs", "what the link below could do when a VLAN was made; the kernel lets nobody set it"},
		{qdiscs, "direct_packets_stat", "a counter"},
		{routes, "expires", "a running lifetime"},
		{routes, "cache", "use counters and the like"},
		{mdb, "timer", "a running timer"},
		{neighbours, "used", "a running age"},
		{neighbours, "confirmed", "a running age"},
		{neighbours, "updated", "a running age"},
	}
}

// sections that Volatile speaks of.
const (
	links      = "links"
	addresses  = "addresses"
	routes     = "routes"
	rules      = "rules"
	nexthops   = "nexthops"
	neighbours = "neighbours"
	vlans      = "bridge vlans"
	ports      = "bridge ports"
	fdb        = "fdb"
	mdb        = "mdb"
	qdiscs     = "qdiscs"
	classes    = "classes"
	filters    = "filters"
	sysctls    = "sysctls"
	files      = "files"
)

// Below is what a picture leaves out whole: objects that come and go without anybody's doing.

// learned tells entries that a bridge learned from traffic: they come and go with it.
func learned(entry map[string]any) bool {
	state, _ := entry["state"].(string)
	flags, _ := entry["flags"].([]any)
	return state != "permanent" && state != "static" && !slices.Contains(flags, any("extern_learn"))
}

// multicast tells the neighbours that the kernel makes for multicast destinations when they are first used.
func multicast(entry map[string]any) bool {
	destination, _ := entry["dst"].(string)
	return strings.HasPrefix(destination, "ff02:") || strings.HasPrefix(destination, "224.") ||
		strings.HasPrefix(destination, "239.")
}

// allMulticast tells the routes to all of IPv6 multicast that the kernel makes when IPv6 starts on a link. A bond's port
// has one or not by whether its IPv6 ever started before it joined (addrconf_dev_config, net/ipv6/addrconf.c), and it
// routes nothing there.
func allMulticast(route map[string]any) bool {
	return route["dst"] == "ff00::/8" && route["protocol"] == "kernel"
}

// dropListeners takes out the multicast addresses that ports of bonds listen to for their bond: only the active port
// does (bond_hw_addr_swap, drivers/net/bonding/bond_main.c), and that one is elected.
func (p HostPicture) dropListeners() {
	for name, object := range p[fdb] {
		entry, _ := object.(map[string]any)
		port, _ := p[links][fmt.Sprint(entry["ifname"])].(map[string]any)
		info, _ := port["linkinfo"].(map[string]any)
		flags, _ := entry["flags"].([]any)
		first, err := strconv.ParseUint(strings.SplitN(fmt.Sprint(entry["mac"]), ":", 2)[0], 16, 8)
		if err == nil && first&1 != 0 && info["info_slave_kind"] == "bond" && slices.Contains(flags, any("self")) {
			delete(p[fdb], name)
		}
	}
}

// mergeOwn files a bridge's entries for the addresses of itself and its ports under the bridge. A port and its bridge
// often have the same one, and whose the entry is depends on who had it first (fdb_add_local, net/bridge/br_fdb.c); such
// frames go up to the host either way.
func (p HostPicture) mergeOwn() {
	for name, object := range p[fdb] {
		entry, _ := object.(map[string]any)
		port, _ := p[links][fmt.Sprint(entry["ifname"])].(map[string]any)
		if entry["state"] == "permanent" && entry["master"] != nil && entry["mac"] == port["address"] {
			delete(p[fdb], name)
			entry["ifname"] = entry["master"]
			p[fdb][whole("")(entry)] = entry
		}
	}
}
