package plan

import (
	"reflect"
	"slices"
	"strings"

	"holdfast/state"
)

const bondOptions = "link-aggregation.options."

// bondFields are the keys of a bond's section without its ports.
var bondFields = fieldsOf(reflect.TypeFor[state.Bond](), "link-aggregation", "port", "ports-config")

// bondKind is a bond. The classes are the flags BOND_OPTFLAG_NOSLAVES and
// BOND_OPTFLAG_IFDOWN of drivers/net/bonding/bond_options.c.
var bondKind = kind{
	fields:  bondFields,
	section: func(i *state.Interface) any { return i.Bond },
	classes: map[string]class{
		"link-aggregation.mode":           aloneDown,
		bondOptions + "fail_over_mac":     alone,
		bondOptions + "lacp_active":       down,
		bondOptions + "lacp_rate":         down,
		bondOptions + "ad_select":         down,
		bondOptions + "ad_user_port_key":  down,
		bondOptions + "tlb_dynamic_lb":    down,
		bondOptions + "packets_per_slave": hot,
	},
	arrange: arrangeBond,
	makes:   true,
}

// bondOrder is the order in which options are set: what others depend on
// first. Options that are not in it come last, in the schema's order.
var bondOrder = func() map[string]int {
	order := map[string]int{"link-aggregation.mode": 0}
	for i, name := range []string{
		"fail_over_mac", "use_carrier", "arp_interval", "miimon", "updelay", "downdelay",
		"arp_ip_target", "ns_ip6_target", "arp_validate", "arp_all_targets", "arp_missed_max",
		"xmit_hash_policy", "lacp_active", "lacp_rate", "ad_select", "ad_actor_sys_prio",
		"ad_actor_system", "ad_user_port_key",
	} {
		order[bondOptions+name] = i + 1
	}
	return order
}()

// bondModes are the modes in which an option exists (unsuppmodes in
// drivers/net/bonding/bond_options.c); options that are not in it exist in all.
var bondModes = map[string][]state.BondMode{
	"lacp_active":       {state.LACP},
	"lacp_rate":         {state.LACP},
	"ad_actor_sys_prio": {state.LACP},
	"ad_actor_system":   {state.LACP},
	"ad_user_port_key":  {state.LACP},
	"arp_interval":      arpModes,
	"arp_validate":      arpModes,
	"packets_per_slave": {state.BalanceRR},
	"primary":           primaryModes,
	"primary_reselect":  primaryModes,
	"tlb_dynamic_lb":    {state.BalanceTLB, state.BalanceALB},
	"balance_slb":       {},
}

var (
	arpModes     = []state.BondMode{state.BalanceRR, state.ActiveBackup, state.BalanceXOR, state.Broadcast}
	primaryModes = []state.BondMode{state.ActiveBackup, state.BalanceTLB, state.BalanceALB}
)

// bondHeard are the modes that an option has an effect in, for options that
// every mode takes. Where it has none a host need not show it, and a value
// that is not shown there is no difference.
var bondHeard = map[string][]state.BondMode{
	"ad_select":        {state.LACP},
	"arp_all_targets":  arpModes,
	"arp_ip_target":    arpModes,
	"arp_missed_max":   arpModes,
	"ns_ip6_target":    arpModes,
	"fail_over_mac":    {state.ActiveBackup},
	"min_links":        {state.LACP},
	"num_grat_arp":     {state.ActiveBackup},
	"num_unsol_na":     {state.ActiveBackup},
	"lp_interval":      {state.BalanceTLB, state.BalanceALB},
	"xmit_hash_policy": {state.BalanceXOR, state.LACP, state.BalanceTLB},
}

// bondTwins are names of one and the same value; the first one is set.
var bondTwins = [2]string{bondOptions + "num_grat_arp", bondOptions + "num_unsol_na"}

// arrangeBond drops options that the mode does not have and orders the rest.
// A new mode brings what the kernel resets with it.
func arrangeBond(was, want *state.Interface, changes []Change) []Change {
	mode := want.Bond.Mode
	if was != nil && was.Bond != nil && mode != "" && was.Bond.Mode != mode {
		changes = addReset(want, changes)
	}
	changes = slices.DeleteFunc(changes, func(c Change) bool {
		modes, some := bondHeard[strings.TrimPrefix(c.Key, bondOptions)]
		return was != nil && c.From == "" && some && !slices.Contains(modes, mode)
	})
	twin := slices.ContainsFunc(changes, func(c Change) bool { return c.Key == bondTwins[0] })
	changes = slices.DeleteFunc(changes, func(c Change) bool {
		modes, some := bondModes[strings.TrimPrefix(c.Key, bondOptions)]
		return some && !slices.Contains(modes, mode) || twin && c.Key == bondTwins[1]
	})
	o := options(want)
	interval, monitored := value(o.ARPInterval) > 0, value(o.MIIMon) > 0
	slices.SortStableFunc(changes, func(a, b Change) int {
		return bondRank(a.Key, interval, monitored) - bondRank(b.Key, interval, monitored)
	})
	return changes
}

// bondRank is a key's place in the order. ARP and link monitoring exclude each
// other: the one that is turned off goes first. Delays can only be set, also to
// 0, while link monitoring is on (_bond_option_delay_set).
func bondRank(key string, interval, monitored bool) int {
	rank, ok := bondOrder[key]
	switch {
	case !ok:
		return 100
	case !monitored && (key == bondOptions+"updelay" || key == bondOptions+"downdelay"):
		return bondOrder[bondOptions+"fail_over_mac"]
	case interval && key == bondOptions+"arp_interval":
		return bondOrder[bondOptions+"downdelay"]
	}
	return rank
}

// addReset adds the options that the kernel resets with the mode
// (bond_option_mode_set) if the target says what they should be.
func addReset(want *state.Interface, changes []Change) []Change {
	for _, f := range bondFields {
		name := strings.TrimPrefix(f.key, bondOptions)
		if !slices.Contains([]string{"miimon", "arp_validate", "tlb_dynamic_lb"}, name) {
			continue
		}
		if slices.ContainsFunc(changes, func(c Change) bool { return c.Key == f.key }) {
			continue
		}
		if v, ok := f.get(reflect.ValueOf(want.Bond)); ok {
			changes = append(changes, Change{Key: f.key, From: text(v), To: text(v)})
		}
	}
	return changes
}

// options are a bond's options, empty ones for none.
func options(i *state.Interface) *state.BondOptions {
	if i == nil || i.Bond == nil || i.Bond.Options == nil {
		return &state.BondOptions{}
	}
	return i.Bond.Options
}

// settleMonitor makes a copy of the bond in which only one of ARP and link
// monitoring is on where the merge kept the other one: the newly set one wins.
func settleMonitor(was, want *state.Interface) *state.Interface {
	o := options(want)
	if value(o.ARPInterval) == 0 || value(o.MIIMon) == 0 {
		return want
	}
	next, zero := *o, uint32(0)
	if value(options(was).ARPInterval) == *o.ARPInterval {
		next.ARPInterval = &zero
	} else {
		next.MIIMon = &zero
	}
	return withOptions(want, &next)
}

// bondForCreate is the bond as a create message can make it: without options
// of other modes and without the primary port, which has no number yet.
func bondForCreate(want *state.Interface) *state.Interface {
	if want.Bond == nil || want.Bond.Options == nil {
		return want
	}
	next := *want.Bond.Options
	v := reflect.ValueOf(&state.Bond{Options: &next})
	for _, f := range bondFields {
		modes, some := bondModes[strings.TrimPrefix(f.key, bondOptions)]
		if some && !slices.Contains(modes, want.Bond.Mode) {
			member := v.Elem().FieldByName("Options").Elem().FieldByIndex(f.index[1:])
			member.SetZero()
		}
	}
	next.Primary = nil
	if next.NumGratARP != nil {
		next.NumUnsolNA = nil
	}
	return withOptions(want, &next)
}

// withOptions is a copy of the bond with other options.
func withOptions(i *state.Interface, o *state.BondOptions) *state.Interface {
	link, bond := *i, *i.Bond
	bond.Options = o
	link.Bond = &bond
	return &link
}

// takePrimary takes the primary port out of the changes: it is set once its
// port is attached.
func takePrimary(changes []Change) (rest []Change, primary *Change) {
	for i := range changes {
		if changes[i].Key == bondOptions+"primary" {
			c := changes[i]
			return slices.Delete(slices.Clone(changes), i, i+1), &c
		}
	}
	return changes, nil
}
