package kernel

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// devconf6 names the sysctls net.ipv6.conf.LINK.NAME by their place in the
// array IFLA_INET6_CONF (DEVCONF_*, include/uapi/linux/ipv6.h; the places are
// ABI). Values that are read only, or kept nowhere in the array (stable_secret),
// are "".
var devconf6 = []string{
	"forwarding", "hop_limit", "mtu", "accept_ra", "accept_redirects", "autoconf", "dad_transmits",
	"router_solicitations", "", "", // intervals of the array are milliseconds, those of the files seconds
	"use_tempaddr", "temp_valid_lft",
	"temp_prefered_lft", //nolint:misspell // the kernel's own spelling
	"regen_max_retry", "max_desync_factor",
	"max_addresses", "force_mld_version", "accept_ra_defrtr", "accept_ra_pinfo", "accept_ra_rtr_pref",
	"", "accept_ra_rt_info_max_plen", "proxy_ndp", "optimistic_dad", "accept_source_route", "",
	"disable_ipv6", "accept_dad", "force_tllao", "ndisc_notify",
	"mldv1_unsolicited_report_interval", "mldv2_unsolicited_report_interval", "suppress_frag_ndisc",
	"accept_ra_from_local", "use_optimistic", "accept_ra_mtu", "", "use_oif_addrs_only",
	"accept_ra_min_hop_limit", "ignore_routes_with_linkdown", "drop_unicast_in_l2_multicast",
	"drop_unsolicited_na", "keep_addr_on_down", "", "seg6_enabled", "seg6_require_hmac",
	"enhanced_dad", "addr_gen_mode", "disable_policy", "accept_ra_rt_info_min_plen", "ndisc_tclass",
	"rpl_seg_enabled", "ra_defrtr_metric", "ioam6_enabled", "ioam6_id", "ioam6_id_wide",
	"ndisc_evict_nocarrier", "accept_untracked_na", "accept_ra_min_lft",
}

// devconf4 names the sysctls net.ipv4.conf.LINK.NAME by their place in the
// array IFLA_INET_CONF (IPV4_DEVCONF_* less one, include/uapi/linux/ip.h).
var devconf4 = []string{
	"forwarding", "", "proxy_arp", "accept_redirects", "secure_redirects", "send_redirects",
	"shared_media", "rp_filter", "accept_source_route", "bootp_relay", "log_martians", "tag",
	"arp_filter", "medium_id", "disable_xfrm", "disable_policy", "force_igmp_version",
	"arp_announce", "arp_ignore", "promote_secondaries", "arp_accept", "arp_notify",
	"accept_local", "src_valid_mark", "proxy_arp_pvlan", "route_localnet",
	"igmpv2_unsolicited_report_interval", "igmpv3_unsolicited_report_interval",
	"ignore_routes_with_linkdown", "drop_unicast_in_l2_multicast", "drop_gratuitous_arp",
	"bc_forwarding", "arp_evict_nocarrier",
}

// Places in the array IFLA_INET6_CONF.
const (
	devconf6Forwarding  = 0
	devconf6AcceptRA    = 3
	devconf6Autoconf    = 5
	devconf6DisableIPv6 = 26
	devconf6AddrGenMode = 47
)

// decode takes the array out of a link's IFLA_AF_SPEC.
func (i *inetConf) decode(n attrScanner, confType uint16, all bool) error {
	i.Present = true
	for n.next() {
		if n.typ != confType {
			continue
		}
		i.Forwarding = confValue(n.val, devconf6Forwarding)
		if confType == unix.IFLA_INET6_CONF {
			i.AcceptRA = confValue(n.val, devconf6AcceptRA)
			i.Autoconf = confValue(n.val, devconf6Autoconf)
			i.Disabled = confValue(n.val, devconf6DisableIPv6) != 0
			i.AddrGenMode = confValue(n.val, devconf6AddrGenMode)
		}
		if all {
			i.All = confArray(n.val)
		}
	}
	return n.err
}

// confValue is one place of an array; 0 if the kernel is too old to have it.
func confValue(b []byte, place int) int32 {
	if len(b) < 4*(place+1) {
		return 0
	}
	return int32(binary.NativeEndian.Uint32(b[4*place:]))
}

// confArray copies an array.
func confArray(b []byte) []int32 {
	out := make([]int32, len(b)/4)
	for i := range out {
		out[i] = confValue(b, i)
	}
	return out
}
