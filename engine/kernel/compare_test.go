package kernel

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/lab"
	"holdfast/state"
)

// ipLink is what `ip -j -d link` says of one link, as far as it is compared.
type ipLink struct {
	Name     string   `json:"ifname"`
	Below    string   `json:"link"`
	Flags    []string `json:"flags"`
	MTU      uint32   `json:"mtu"`
	Master   string   `json:"master"`
	Address  string   `json:"address"`
	AltNames []string `json:"altnames"`
	Info     struct {
		Kind      string         `json:"info_kind"`
		Data      map[string]any `json:"info_data"`
		SlaveKind string         `json:"info_slave_kind"`
		SlaveData map[string]any `json:"info_slave_data"`
	} `json:"linkinfo"`
	Addresses []struct {
		Local  string `json:"local"`
		Prefix int    `json:"prefixlen"`
	} `json:"addr_info"`
}

// readIP runs one of iproute2's readers.
func readIP[T any](t testing.TB, args ...string) []T {
	t.Helper()
	var out []T
	if err := json.Unmarshal([]byte(lab.Run(t, args...)), &out); err != nil {
		t.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
	return out
}

// compareWithIP compares a shown state with what iproute2 says of the host.
func compareWithIP(t testing.TB, s *state.State) {
	t.Helper()
	links := readIP[ipLink](t, "ip", "-j", "-d", "link")
	addresses := readIP[ipLink](t, "ip", "-j", "-d", "addr")
	if len(links) != len(s.Interfaces) {
		t.Errorf("%d links shown, ip has %d", len(s.Interfaces), len(links))
	}
	for i, l := range links {
		got := s.Find(l.Name)
		if got == nil {
			t.Errorf("%s is not shown", l.Name)
			continue
		}
		l.Addresses = addresses[i].Addresses
		compareLink(t, got, &l)
	}
}

// compareLink compares one link, value by value, as text.
func compareLink(t testing.TB, i *state.Interface, l *ipLink) {
	t.Helper()
	want, got := map[string]string{}, map[string]string{}
	put := func(key string, wanted, shown any) { want[key], got[key] = fmt.Sprint(wanted), fmt.Sprint(shown) }
	put("mtu", l.MTU, *i.MTU)
	put("up", slices.Contains(l.Flags, "UP"), i.State == state.Up)
	put("promiscuous", slices.Contains(l.Flags, "PROMISC"), *i.Promiscuous)
	put("controller", l.Master, value(i.Controller))
	put("address", strings.ToUpper(l.Address), i.MAC)
	var names []string
	for _, n := range i.AltNames {
		names = append(names, n.Name)
	}
	slices.Sort(l.AltNames)
	put("alt-names", l.AltNames, names)
	compareAddresses(put, i, l)
	for _, section := range []func(func(string, any, any), *state.Interface, *ipLink){
		compareBond, compareBridge, compareVLAN,
	} {
		section(put, i, l)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-ip +shown):\n%s", l.Name, diff)
	}
}

func compareAddresses(put func(string, any, any), i *state.Interface, l *ipLink) {
	if i.IPv4 == nil {
		return
	}
	var want, got []string
	for _, a := range l.Addresses {
		want = append(want, fmt.Sprintf("%s/%d", a.Local, a.Prefix))
	}
	for _, a := range slices.Concat(i.IPv4.Address, i.IPv6.Address) {
		got = append(got, fmt.Sprintf("%s/%d", a.IP, a.PrefixLength))
	}
	put("addresses", want, got)
}

func compareBond(put func(string, any, any), i *state.Interface, l *ipLink) {
	if l.Info.Kind != "bond" {
		return
	}
	o := i.Bond.Options
	put("mode", l.Info.Data["mode"], i.Bond.Mode)
	put("all_slaves_active", fmt.Sprint(l.Info.Data["all_slaves_active"]) == "1", o.AllSlavesActive == "delivered")
	for key, shown := range map[string]any{
		"miimon": o.MIIMon, "updelay": o.UpDelay, "downdelay": o.DownDelay, "use_carrier": number(o.UseCarrier),
		"arp_interval": o.ARPInterval, "arp_missed_max": o.ARPMissedMax, "resend_igmp": o.ResendIGMP,
		"num_peer_notif": o.NumGratARP, "min_links": o.MinLinks, "lp_interval": o.LPInterval,
		"packets_per_slave": o.PacketsPerSlave, "ad_actor_sys_prio": o.ADActorSysPrio,
		"ad_user_port_key": o.ADUserPortKey, "tlb_dynamic_lb": number(o.TLBDynamicLB),
	} {
		if text, given := dereference(shown); given && l.Info.Data[key] != nil {
			put(key, l.Info.Data[key], text)
		}
	}
	for key, shown := range map[string]string{
		"arp_validate": string(o.ARPValidate), "arp_all_targets": string(o.ARPAllTargets),
		"ad_lacp_rate": string(o.LACPRate), "ad_lacp_active": string(o.LACPActive), "ad_select": string(o.ADSelect),
		"ad_actor_system":  strings.ToLower(string(o.ADActorSystem)),
		"xmit_hash_policy": string(o.XmitHashPolicy), "fail_over_mac": string(o.FailOverMAC),
		"primary_reselect": string(o.PrimaryReselect), "primary": value(o.Primary),
	} {
		if shown != "" && l.Info.Data[key] != nil {
			put(key, l.Info.Data[key], shown)
		}
	}
}

func compareBridge(put func(string, any, any), i *state.Interface, l *ipLink) {
	if l.Info.Kind != "bridge" {
		return
	}
	o := i.Bridge.Options
	for key, shown := range map[string]any{
		"stp_state": number(o.STP.Enabled), "priority": o.STP.Priority,
		"forward_delay": hundred(o.STP.ForwardDelay), "hello_time": hundred(o.STP.HelloTime),
		"max_age": hundred(o.STP.MaxAge), "ageing_time": hundred(o.MACAgeingTime),
		"mcast_hash_max": o.HashMax, "mcast_snooping": number(o.MulticastSnooping),
		"mcast_querier": number(o.MulticastQuerier), "mcast_query_use_ifaddr": number(o.MulticastQueryUseIfaddr),
		"mcast_last_member_cnt": o.MulticastLastMemberCount, "mcast_startup_query_cnt": o.MulticastStartupQueryCount,
		"mcast_last_member_intvl": o.MulticastLastMemberInterval, "mcast_membership_intvl": o.MulticastMembershipInterval,
		"mcast_querier_intvl": o.MulticastQuerierInterval, "mcast_query_intvl": o.MulticastQueryInterval,
		"mcast_query_response_intvl": o.MulticastQueryResponseInterval,
		"mcast_startup_query_intvl":  o.MulticastStartupQueryInterval,
		"vlan_default_pvid":          o.VLANDefaultPVID,
	} {
		if text, given := dereference(shown); given {
			put(key, l.Info.Data[key], text)
		}
	}
	put("group_addr", strings.ToUpper(fmt.Sprint(l.Info.Data["group_addr"])), o.GroupAddr)
	put("vlan_protocol", l.Info.Data["vlan_protocol"], strings.Replace(string(o.VLANProtocol), "q", "Q", 1))
}

func compareVLAN(put func(string, any, any), i *state.Interface, l *ipLink) {
	if l.Info.Kind != "vlan" {
		return
	}
	put("base-iface", l.Below, i.VLAN.BaseIface)
	put("id", l.Info.Data["id"], *i.VLAN.ID)
	put("protocol", l.Info.Data["protocol"], strings.Replace(string(i.VLAN.Protocol), "q", "Q", 1))
	flags := fmt.Sprint(l.Info.Data["flags"])
	put("reorder", strings.Contains(flags, "REORDER_HDR"), *i.VLAN.ReorderHeaders)
	put("loose", strings.Contains(flags, "LOOSE_BINDING"), *i.VLAN.LooseBinding)
	put("gvrp", strings.Contains(flags, "GVRP"), i.VLAN.RegistrationProtocol == "gvrp")
	put("mvrp", strings.Contains(flags, "MVRP"), i.VLAN.RegistrationProtocol == "mvrp")
}

// value is what a pointer points to, or "".
func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// number is iproute2's 0 and 1 for a bool.
func number(b *bool) *uint32 {
	if b == nil {
		return nil
	}
	return new(bitOf(*b))
}

func bitOf(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// hundred turns seconds into the kernel's hundredths.
func hundred[T uint8 | uint32](v *T) *uint32 {
	if v == nil {
		return nil
	}
	return new(uint32(*v) * 100)
}

// dereference gives the text of the number that a pointer points to.
func dereference(v any) (text string, given bool) {
	switch p := v.(type) {
	case *uint8:
		if p != nil {
			return fmt.Sprint(*p), true
		}
	case *uint16:
		if p != nil {
			return fmt.Sprint(*p), true
		}
	case *uint32:
		if p != nil {
			return fmt.Sprint(*p), true
		}
	case *uint64:
		if p != nil {
			return fmt.Sprint(*p), true
		}
	}
	return "", false
}
