package state

import (
	"fmt"
	"slices"
	"strconv"
)

// bondOption is what is to be known of one option of a bond.
type bondOption struct {
	key string
	// modes are those that know the option; nil is all of them
	// (unsuppmodes in drivers/net/bonding/bond_options.c).
	modes []BondMode
	// off is the kernel's default, which a reset restores (bond_check_params
	// in drivers/net/bonding/bond_main.c); empty where there is nothing that
	// can be restored.
	off string
	// mentioned, text, clear and restore read and write the option.
	mentioned func(*BondOptions) bool
	text      func(*BondOptions) string
	clear     func(*BondOptions)
	restore   func(*BondOptions)
}

// known tells whether the mode knows the option; an empty mode knows all.
func (k *bondOption) known(mode BondMode) bool {
	return mode == "" || k.modes == nil || slices.Contains(k.modes, mode)
}

// idle tells whether an option of a document is unknown to the mode, and does
// not matter: it only repeats what is there or the kernel's default.
func (k *bondOption) idle(mode BondMode, was, des *BondOptions) bool {
	if k.known(mode) || !k.mentioned(des) {
		return false
	}
	text := k.text(des)
	return text == k.off || was != nil && k.mentioned(was) && k.text(was) == text
}

var (
	arpModes     = []BondMode{BalanceRR, ActiveBackup, BalanceXOR, Broadcast}
	primaryModes = []BondMode{ActiveBackup, BalanceTLB, BalanceALB}
	lacpModes    = []BondMode{LACP}
)

// bondOptions lists the options in the order of their names. That the kernel
// ignores an option in other modes is not enough to restrict it here.
var bondOptions = []bondOption{
	numeral("ad_actor_sys_prio", lacpModes, 65535, func(o *BondOptions) **uint16 { return &o.ADActorSysPrio }),
	word("ad_actor_system", lacpModes, "", func(o *BondOptions) *MAC { return &o.ADActorSystem }),
	word("ad_select", nil, "stable", func(o *BondOptions) *ADSelect { return &o.ADSelect }),
	numeral("ad_user_port_key", lacpModes, 0, func(o *BondOptions) **uint16 { return &o.ADUserPortKey }),
	word("all_slaves_active", nil, "dropped", func(o *BondOptions) *AllSlavesActive { return &o.AllSlavesActive }),
	word("arp_all_targets", nil, "any", func(o *BondOptions) *ARPAllTargets { return &o.ARPAllTargets }),
	numeral("arp_interval", arpModes, 0, func(o *BondOptions) **uint32 { return &o.ARPInterval }),
	textual("arp_ip_target", arpModes, func(o *BondOptions) **string { return &o.ARPIPTarget }),
	numeral("arp_missed_max", arpModes, 2, func(o *BondOptions) **uint8 { return &o.ARPMissedMax }),
	word("arp_validate", arpModes, "none", func(o *BondOptions) *ARPValidate { return &o.ARPValidate }),
	numeral("downdelay", nil, 0, func(o *BondOptions) **uint32 { return &o.DownDelay }),
	word("fail_over_mac", nil, "none", func(o *BondOptions) *FailOverMAC { return &o.FailOverMAC }),
	word("lacp_active", lacpModes, "on", func(o *BondOptions) *LACPActive { return &o.LACPActive }),
	word("lacp_rate", lacpModes, "slow", func(o *BondOptions) *LACPRate { return &o.LACPRate }),
	numeral("lp_interval", nil, 1, func(o *BondOptions) **uint32 { return &o.LPInterval }),
	numeral("miimon", nil, 0, func(o *BondOptions) **uint32 { return &o.MIIMon }),
	numeral("min_links", nil, 0, func(o *BondOptions) **uint32 { return &o.MinLinks }),
	textual("ns_ip6_target", arpModes, func(o *BondOptions) **string { return &o.NSIP6Target }),
	numeral("num_grat_arp", nil, 1, func(o *BondOptions) **uint8 { return &o.NumGratARP }),
	numeral("num_unsol_na", nil, 1, func(o *BondOptions) **uint8 { return &o.NumUnsolNA }),
	numeral("packets_per_slave", []BondMode{BalanceRR}, 1, func(o *BondOptions) **uint32 { return &o.PacketsPerSlave }),
	textual("primary", primaryModes, func(o *BondOptions) **string { return &o.Primary }),
	word("primary_reselect", primaryModes, "always", func(o *BondOptions) *PrimaryReselect { return &o.PrimaryReselect }),
	numeral("resend_igmp", nil, 1, func(o *BondOptions) **uint32 { return &o.ResendIGMP }),
	toggle("tlb_dynamic_lb", []BondMode{BalanceTLB, BalanceALB}, true, func(o *BondOptions) **bool { return &o.TLBDynamicLB }),
	numeral("updelay", nil, 0, func(o *BondOptions) **uint32 { return &o.UpDelay }),
	toggle("use_carrier", nil, true, func(o *BondOptions) **bool { return &o.UseCarrier }),
	word("xmit_hash_policy", nil, "layer2", func(o *BondOptions) *XmitHashPolicy { return &o.XmitHashPolicy }),
}

func pointed[T comparable](key string, modes []BondMode, off string, fallback T, at func(*BondOptions) **T) bondOption {
	return bondOption{
		key: key, modes: modes, off: off,
		mentioned: func(o *BondOptions) bool { return *at(o) != nil },
		text:      func(o *BondOptions) string { return fmt.Sprint(value(*at(o), fallback)) },
		clear:     func(o *BondOptions) { *at(o) = nil },
		restore:   func(o *BondOptions) { *at(o) = new(fallback) },
	}
}

func numeral[T uint8 | uint16 | uint32](key string, modes []BondMode, off T, at func(*BondOptions) **T) bondOption {
	return pointed(key, modes, strconv.FormatUint(uint64(off), 10), off, at)
}

func toggle(key string, modes []BondMode, off bool, at func(*BondOptions) **bool) bondOption {
	return pointed(key, modes, strconv.FormatBool(off), off, at)
}

// textual is an option whose default is the empty text, which reads as none.
func textual(key string, modes []BondMode, at func(*BondOptions) **string) bondOption {
	o := pointed(key, modes, "", "", at)
	o.off = "none"
	o.text = func(b *BondOptions) string {
		if t := value(*at(b), ""); t != "" {
			return t
		}
		return "none"
	}
	return o
}

func word[T ~string](key string, modes []BondMode, off string, at func(*BondOptions) *T) bondOption {
	return bondOption{
		key: key, modes: modes, off: off,
		mentioned: func(o *BondOptions) bool { return *at(o) != "" },
		text:      func(o *BondOptions) string { return string(*at(o)) },
		clear:     func(o *BondOptions) { *at(o) = "" },
		restore:   func(o *BondOptions) { *at(o) = T(off) },
	}
}
