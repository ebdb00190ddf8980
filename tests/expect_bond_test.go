package tests

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"holdfast/state"
)

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
			f[port.Name+" queue_id"] = fmt.Sprint(*port.QueueID)
		}
		if port.Priority != nil {
			f[port.Name+" prio"] = fmt.Sprint(*port.Priority)
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
	number := func(key string, value any) { mention(words, key, value) }
	number("miimon", o.MIIMon)
	number("updelay", o.UpDelay)
	number("downdelay", o.DownDelay)
	number("arp_interval", o.ARPInterval)
	number("resend_igmp", o.ResendIGMP)
	number("lp_interval", o.LPInterval)
	number("min_links", o.MinLinks)
	number("packets_per_slave", o.PacketsPerSlave)
	number("num_peer_notif", o.NumGratARP)
	number("num_peer_notif", o.NumUnsolNA)
	number("arp_missed_max", o.ARPMissedMax)
	number("ad_actor_sys_prio", o.ADActorSysPrio)
	number("ad_user_port_key", o.ADUserPortKey)
	number("tlb_dynamic_lb", o.TLBDynamicLB)
	number("use_carrier", o.UseCarrier)
	for key, value := range bondNames(o) {
		if value != "" {
			words[key] = value
		}
	}
	for key, list := range map[string]*string{"arp_ip_target": o.ARPIPTarget, "ns_ip6_target": o.NSIP6Target} {
		if list != nil {
			words[key] = strings.ReplaceAll(*list, " ", "")
		}
	}
	return words
}

// bondNames are the options that have names for values; empty is not
// mentioned.
func bondNames(o *state.BondOptions) map[string]string {
	primary := ""
	if o.Primary != nil {
		primary = *o.Primary
	}
	return map[string]string{
		"ad_select":         string(o.ADSelect),
		"ad_lacp_rate":      string(o.LACPRate),
		"ad_lacp_active":    string(o.LACPActive),
		"ad_actor_system":   strings.ToLower(string(o.ADActorSystem)),
		"all_slaves_active": map[state.AllSlavesActive]string{"dropped": "0", "delivered": "1"}[o.AllSlavesActive],
		"arp_validate":      string(o.ARPValidate),
		"arp_all_targets":   string(o.ARPAllTargets),
		"xmit_hash_policy":  string(o.XmitHashPolicy),
		"primary":           primary,
		"primary_reselect":  string(o.PrimaryReselect),
		"fail_over_mac":     string(o.FailOverMAC),
	}
}

// mention adds a number or a switch, given as a pointer, unless that is nil.
func mention(words map[string]string, key string, value any) {
	v := reflect.ValueOf(value)
	switch {
	case v.IsNil():
	case v.Elem().Kind() == reflect.Bool:
		words[key] = bit(v.Elem().Bool())
	default:
		words[key] = fmt.Sprint(v.Elem().Interface())
	}
}
