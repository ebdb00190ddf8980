package kernel

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// modes is a set of bonding modes, one bit each in the kernel's order.
type modes uint8

// Sets of modes that options are for (bond_opts[].unsuppmodes,
// drivers/net/bonding/bond_options.c).
const (
	inAll     modes = 0x7f
	inRR      modes = 1 << 0
	inAD      modes = 1 << 4
	inPrimary modes = 1<<1 | 1<<5 | 1<<6
	inLB      modes = 1<<5 | 1<<6
	inARP     modes = 1<<0 | 1<<1 | 1<<2 | 1<<3
)

func modeOf(m state.BondMode) int { return slices.Index(m.Values(), string(m)) }

func (m modes) has(mode state.BondMode) bool {
	i := modeOf(mode)
	return i >= 0 && m&(1<<i) != 0
}

// A bondOption is how one option is sent.
type bondOption struct {
	key   string
	modes modes
	// put appends the option, and says whether it was given.
	put func(e *encoder, o *state.BondOptions, t *linkTable) bool
	// idle says that the value is what a new bond of the mode has anyhow, or
	// what the kernel refuses in a create message although it changes nothing.
	// nil: no value is.
	idle func(o *state.BondOptions) bool
}

// bondOptions are all options in the order in which bond_changelink
// (drivers/net/bonding/bond_netlink.c) looks at them: each finds there what it
// depends on.
var bondOptions = []bondOption{
	{key: "miimon", modes: inAll, put: u32Option(unix.IFLA_BOND_MIIMON, func(o *state.BondOptions) *uint32 { return o.MIIMon })},
	{
		key: "updelay", modes: inAll, put: u32Option(unix.IFLA_BOND_UPDELAY, func(o *state.BondOptions) *uint32 { return o.UpDelay }),
		idle: func(o *state.BondOptions) bool { return *o.UpDelay == 0 },
	},
	{
		key: "downdelay", modes: inAll, put: u32Option(unix.IFLA_BOND_DOWNDELAY, func(o *state.BondOptions) *uint32 { return o.DownDelay }),
		idle: func(o *state.BondOptions) bool { return *o.DownDelay == 0 },
	},
	{
		key: "use_carrier", modes: inAll, put: flagOption(unix.IFLA_BOND_USE_CARRIER, func(o *state.BondOptions) *bool { return o.UseCarrier }),
		idle: func(o *state.BondOptions) bool { return *o.UseCarrier },
	},
	{
		key: "arp_interval", modes: inARP, put: u32Option(unix.IFLA_BOND_ARP_INTERVAL, func(o *state.BondOptions) *uint32 { return o.ARPInterval }),
		idle: func(o *state.BondOptions) bool { return *o.ARPInterval == 0 },
	},
	{
		key: "arp_ip_target", modes: inAll, put: targetsOption(unix.IFLA_BOND_ARP_IP_TARGET, func(o *state.BondOptions) *string { return o.ARPIPTarget }),
		idle: func(o *state.BondOptions) bool { return *o.ARPIPTarget == "" },
	},
	{
		key: "ns_ip6_target", modes: inAll, put: targetsOption(unix.IFLA_BOND_NS_IP6_TARGET, func(o *state.BondOptions) *string { return o.NSIP6Target }),
		idle: func(o *state.BondOptions) bool { return *o.NSIP6Target == "" },
	},
	{
		key: "arp_validate", modes: inARP, put: enumOption(unix.IFLA_BOND_ARP_VALIDATE, 4, func(o *state.BondOptions) state.ARPValidate { return o.ARPValidate }),
		idle: func(o *state.BondOptions) bool { return o.ARPValidate == "none" },
	},
	{key: "arp_all_targets", modes: inAll, put: enumOption(unix.IFLA_BOND_ARP_ALL_TARGETS, 4, func(o *state.BondOptions) state.ARPAllTargets { return o.ARPAllTargets })},
	{key: "primary", modes: inPrimary, put: putPrimary, idle: func(o *state.BondOptions) bool { return *o.Primary == "" }},
	{key: "primary_reselect", modes: inAll, put: enumOption(unix.IFLA_BOND_PRIMARY_RESELECT, 1, func(o *state.BondOptions) state.PrimaryReselect { return o.PrimaryReselect })},
	{key: "fail_over_mac", modes: inAll, put: enumOption(unix.IFLA_BOND_FAIL_OVER_MAC, 1, func(o *state.BondOptions) state.FailOverMAC { return o.FailOverMAC })},
	{key: "xmit_hash_policy", modes: inAll, put: enumOption(unix.IFLA_BOND_XMIT_HASH_POLICY, 1, func(o *state.BondOptions) state.XmitHashPolicy { return o.XmitHashPolicy })},
	{key: "resend_igmp", modes: inAll, put: u32Option(unix.IFLA_BOND_RESEND_IGMP, func(o *state.BondOptions) *uint32 { return o.ResendIGMP })},
	{key: "num_grat_arp", modes: inAll, put: putPeerNotif},
	{key: "all_slaves_active", modes: inAll, put: enumOption(unix.IFLA_BOND_ALL_SLAVES_ACTIVE, 1, func(o *state.BondOptions) state.AllSlavesActive { return o.AllSlavesActive })},
	{key: "min_links", modes: inAll, put: u32Option(unix.IFLA_BOND_MIN_LINKS, func(o *state.BondOptions) *uint32 { return o.MinLinks })},
	{key: "lp_interval", modes: inAll, put: u32Option(unix.IFLA_BOND_LP_INTERVAL, func(o *state.BondOptions) *uint32 { return o.LPInterval })},
	{key: "packets_per_slave", modes: inRR, put: u32Option(unix.IFLA_BOND_PACKETS_PER_SLAVE, func(o *state.BondOptions) *uint32 { return o.PacketsPerSlave })},
	{
		key: "lacp_active", modes: inAD, put: enumOption(unix.IFLA_BOND_AD_LACP_ACTIVE, 1, func(o *state.BondOptions) state.LACPActive { return o.LACPActive }),
		idle: func(o *state.BondOptions) bool { return o.LACPActive == "on" },
	},
	{key: "lacp_rate", modes: inAD, put: enumOption(unix.IFLA_BOND_AD_LACP_RATE, 1, func(o *state.BondOptions) state.LACPRate { return o.LACPRate })},
	{key: "ad_select", modes: inAll, put: enumOption(unix.IFLA_BOND_AD_SELECT, 1, func(o *state.BondOptions) state.ADSelect { return o.ADSelect })},
	{key: "ad_actor_sys_prio", modes: inAD, put: u16Option(unix.IFLA_BOND_AD_ACTOR_SYS_PRIO, func(o *state.BondOptions) *uint16 { return o.ADActorSysPrio })},
	{key: "ad_user_port_key", modes: inAD, put: u16Option(unix.IFLA_BOND_AD_USER_PORT_KEY, func(o *state.BondOptions) *uint16 { return o.ADUserPortKey })},
	{
		key: "ad_actor_system", modes: inAD, put: putActorSystem,
		idle: func(o *state.BondOptions) bool { return o.ADActorSystem == "00:00:00:00:00:00" },
	},
	{
		key: "tlb_dynamic_lb", modes: inLB, put: flagOption(unix.IFLA_BOND_TLB_DYNAMIC_LB, func(o *state.BondOptions) *bool { return o.TLBDynamicLB }),
		idle: func(o *state.BondOptions) bool { return *o.TLBDynamicLB },
	},
	{
		key: "arp_missed_max", modes: inARP, put: u8Option(unix.IFLA_BOND_MISSED_MAX, func(o *state.BondOptions) *uint8 { return o.ARPMissedMax }),
		idle: func(o *state.BondOptions) bool { return *o.ARPMissedMax == 2 },
	},
}

type putOption = func(e *encoder, o *state.BondOptions, t *linkTable) bool

func u32Option(typ uint16, get func(*state.BondOptions) *uint32) putOption {
	return func(e *encoder, o *state.BondOptions, _ *linkTable) bool { return putU32(e, typ, get(o)) }
}

func u16Option(typ uint16, get func(*state.BondOptions) *uint16) putOption {
	return func(e *encoder, o *state.BondOptions, _ *linkTable) bool { return putU16(e, typ, get(o)) }
}

func u8Option(typ uint16, get func(*state.BondOptions) *uint8) putOption {
	return func(e *encoder, o *state.BondOptions, _ *linkTable) bool { return putU8(e, typ, get(o)) }
}

func flagOption(typ uint16, get func(*state.BondOptions) *bool) putOption {
	return func(e *encoder, o *state.BondOptions, _ *linkTable) bool { return putFlag(e, typ, get(o)) }
}

// enumOption sends the place of a word in its list, in size bytes.
func enumOption[T interface {
	~string
	Values() []string
}](typ uint16, size int, get func(*state.BondOptions) T) putOption {
	return func(e *encoder, o *state.BondOptions, _ *linkTable) bool {
		v := get(o)
		n := slices.Index(v.Values(), string(v))
		if n < 0 {
			return false
		}
		if size == 4 {
			e.u32(typ, uint32(n))
		} else {
			e.u8(typ, uint8(n))
		}
		return true
	}
}

// targetsOption sends a list of addresses; an empty one clears.
func targetsOption(typ uint16, get func(*state.BondOptions) *string) putOption {
	return func(e *encoder, o *state.BondOptions, _ *linkTable) bool {
		list := get(o)
		if list == nil {
			return false
		}
		e.nest(typ, func(e *encoder) {
			n := uint16(0)
			for part := range strings.SplitSeq(*list, ",") {
				if ip, err := netip.ParseAddr(strings.TrimSpace(part)); err == nil {
					e.addr(n, ip)
					n++
				}
			}
		})
		return true
	}
}

// putPrimary sends the primary port's number; 0 clears. A port that is not
// there yet becomes primary when it is attached.
func putPrimary(e *encoder, o *state.BondOptions, t *linkTable) bool {
	if o.Primary == nil {
		return false
	}
	if *o.Primary == "" {
		e.u32(unix.IFLA_BOND_PRIMARY, 0)
		return true
	}
	l := t.byName[*o.Primary]
	if l == nil {
		return false
	}
	e.u32(unix.IFLA_BOND_PRIMARY, uint32(l.index))
	return true
}

// putPeerNotif sends what is one value under two names.
func putPeerNotif(e *encoder, o *state.BondOptions, _ *linkTable) bool {
	if o.NumGratARP != nil {
		return putU8(e, unix.IFLA_BOND_NUM_PEER_NOTIF, o.NumGratARP)
	}
	return putU8(e, unix.IFLA_BOND_NUM_PEER_NOTIF, o.NumUnsolNA)
}

func putActorSystem(e *encoder, o *state.BondOptions, _ *linkTable) bool {
	if o.ADActorSystem == "" {
		return false
	}
	e.mac(unix.IFLA_BOND_AD_ACTOR_SYSTEM, string(o.ADActorSystem))
	return true
}

// createBond appends the mode and every option that was given and that the
// mode has; what another mode has is left out, as the kernel refuses it even
// with its default.
func createBond(e *encoder, i *state.Interface, t *linkTable) error {
	if i.Bond == nil || modeOf(i.Bond.Mode) < 0 {
		return fmt.Errorf("a new bond needs a mode, not %q", modeText(i.Bond))
	}
	e.u8(unix.IFLA_BOND_MODE, uint8(modeOf(i.Bond.Mode)))
	o := i.Bond.Options
	if o == nil {
		return nil
	}
	for _, option := range bondOptions {
		if !option.modes.has(i.Bond.Mode) {
			continue
		}
		start := len(e.b)
		if !option.put(e, o, t) {
			if option.key == "primary" && o.Primary != nil {
				t.primaries[i.Name] = *o.Primary
			}
			continue
		}
		if option.idle != nil && option.idle(o) {
			e.b = e.b[:start]
		}
	}
	return nil
}

func modeText(b *state.Bond) state.BondMode {
	if b == nil {
		return ""
	}
	return b.Mode
}

// changeBond sets keys one message each, in the order of the keys: an option
// may depend on one before it.
func changeBond(s *plan.Step, l *link, keys []string, t *linkTable) ([]task, error) {
	var tasks []task
	for _, key := range keys {
		name := key[strings.LastIndexByte(key, '.')+1:]
		op, fill, err := changeBondKey(s, name, t)
		if err != nil {
			return nil, err
		}
		if fill != nil {
			tasks = append(tasks, send(op, setInfo(l.index, kindBond, fill)))
		}
	}
	return tasks, nil
}

// changeBondKey gives what sets one key; nil if it has to wait for the port.
func changeBondKey(s *plan.Step, name string, t *linkTable) (op string, fill func(*encoder), err error) {
	bond := s.Link.Bond
	if bond == nil {
		return "", nil, unknownKey(s, name)
	}
	if name == "mode" {
		return "set mode " + string(bond.Mode), func(e *encoder) {
			e.u8(unix.IFLA_BOND_MODE, uint8(modeOf(bond.Mode)))
		}, nil
	}
	if name == "num_unsol_na" {
		name = "num_grat_arp"
	}
	n := slices.IndexFunc(bondOptions, func(o bondOption) bool { return o.key == name })
	if n < 0 || bond.Options == nil {
		return "", nil, unknownKey(s, name)
	}
	var value encoder
	if !bondOptions[n].put(&value, bond.Options, t) {
		if name == "primary" && bond.Options.Primary != nil {
			t.primaries[s.Object] = *bond.Options.Primary
			return "", nil, nil
		}
		return "", nil, &engine.Error{
			Op: "set " + name, Object: s.Object, Kind: engine.Internal,
			Err: fmt.Errorf("internal error: the step has no value for %q", name),
		}
	}
	return "set " + name + valueText(s, name), func(e *encoder) { e.b = append(e.b, value.b...) }, nil
}

// valueText finds the value that a step gives a key, for errors.
func valueText(s *plan.Step, name string) string {
	for _, c := range s.Changes {
		if c.Key == name || strings.HasSuffix(c.Key, "."+name) {
			return " " + c.To
		}
	}
	return ""
}

func putU32(e *encoder, typ uint16, v *uint32) bool {
	if v != nil {
		e.u32(typ, *v)
	}
	return v != nil
}

func putU64(e *encoder, typ uint16, v *uint64) bool {
	if v != nil {
		e.u64(typ, *v)
	}
	return v != nil
}

func putU16(e *encoder, typ uint16, v *uint16) bool {
	if v != nil {
		e.u16(typ, *v)
	}
	return v != nil
}

func putU8(e *encoder, typ uint16, v *uint8) bool {
	if v != nil {
		e.u8(typ, *v)
	}
	return v != nil
}

func putFlag(e *encoder, typ uint16, v *bool) bool {
	if v != nil {
		e.flag(typ, *v)
	}
	return v != nil
}
