package kernel

import (
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// showBond decodes IFLA_BOND_*.
func showBond(v *view, l *rawLink, i *state.Interface) {
	mode := 0
	a := scan(l.Info)
	for a.next() {
		if a.typ == unix.IFLA_BOND_MODE {
			mode = int(a.u8())
		}
	}
	s := &state.Bond{
		Mode: word[state.BondMode](state.BondMode("").Values(), mode),
		Port: []string{}, Options: &state.BondOptions{},
	}
	d := bondDecoder{view: v, mode: s.Mode, o: s.Options}
	d.emptyLists()
	for a = scan(l.Info); a.next(); {
		if !d.monitoring(&a) && !d.lacp(&a) {
			d.forwarding(&a)
		}
	}
	for _, p := range v.ports[l.Index] {
		s.Port = append(s.Port, p.Name)
		s.PortsConfig = append(s.PortsConfig, d.port(p))
	}
	i.Bond = s
}

// A bondDecoder fills the options that the bond's mode knows (unsuppmodes in
// drivers/net/bonding/bond_options.c). The kernel has values for the others too,
// which nobody can set.
type bondDecoder struct {
	*view
	mode state.BondMode
	o    *state.BondOptions
}

// in tells whether the bond's mode is one of those.
func (d *bondDecoder) in(modes ...state.BondMode) bool { return slices.Contains(modes, d.mode) }

// arps tells the modes with ARP monitoring.
func (d *bondDecoder) arps() bool {
	return !d.in(state.LACP, state.BalanceTLB, state.BalanceALB)
}

// picks tells the modes that have a primary port.
func (d *bondDecoder) picks() bool {
	return d.in(state.ActiveBackup, state.BalanceTLB, state.BalanceALB)
}

// emptyLists says "none" for what the kernel does not send when there is none.
func (d *bondDecoder) emptyLists() {
	if d.arps() {
		d.o.ARPIPTarget, d.o.NSIP6Target = new(""), new("")
	}
	if d.picks() {
		d.o.Primary = new("")
	}
}

// monitoring takes how ports are watched; false for others.
func (d *bondDecoder) monitoring(a *attrScanner) bool {
	switch o := d.o; a.typ {
	case unix.IFLA_BOND_MIIMON:
		o.MIIMon = new(a.u32())
	case unix.IFLA_BOND_UPDELAY:
		o.UpDelay = new(a.u32())
	case unix.IFLA_BOND_DOWNDELAY:
		o.DownDelay = new(a.u32())
	case unix.IFLA_BOND_USE_CARRIER:
		o.UseCarrier = new(a.flag())
	case unix.IFLA_BOND_ARP_ALL_TARGETS:
		o.ARPAllTargets = word[state.ARPAllTargets](o.ARPAllTargets.Values(), int(a.u32()))
	case unix.IFLA_BOND_ARP_INTERVAL, unix.IFLA_BOND_ARP_IP_TARGET, unix.IFLA_BOND_ARP_VALIDATE,
		unix.IFLA_BOND_MISSED_MAX, unix.IFLA_BOND_NS_IP6_TARGET:
		if d.arps() {
			d.arp(a)
		}
	default:
		return false
	}
	return true
}

// arp takes the options of ARP monitoring.
func (d *bondDecoder) arp(a *attrScanner) {
	switch o := d.o; a.typ {
	case unix.IFLA_BOND_ARP_INTERVAL:
		o.ARPInterval = new(a.u32())
	case unix.IFLA_BOND_ARP_IP_TARGET:
		o.ARPIPTarget = new(addressList(a.val))
	case unix.IFLA_BOND_ARP_VALIDATE:
		o.ARPValidate = word[state.ARPValidate](o.ARPValidate.Values(), int(a.u32()))
	case unix.IFLA_BOND_MISSED_MAX:
		o.ARPMissedMax = new(a.u8())
	case unix.IFLA_BOND_NS_IP6_TARGET:
		o.NSIP6Target = new(addressList(a.val))
	}
}

// lacp takes the options of 802.3ad; false for others. Without CAP_NET_ADMIN
// the kernel does not send ad_actor_* and ad_user_port_key: they stay unknown.
func (d *bondDecoder) lacp(a *attrScanner) bool {
	var scratch state.BondOptions
	o := d.o
	if !d.in(state.LACP) {
		o = &scratch
	}
	switch a.typ {
	case unix.IFLA_BOND_AD_LACP_RATE:
		o.LACPRate = word[state.LACPRate](o.LACPRate.Values(), int(a.u8()))
	case unix.IFLA_BOND_AD_LACP_ACTIVE:
		o.LACPActive = word[state.LACPActive](o.LACPActive.Values(), int(a.u8()))
	case unix.IFLA_BOND_AD_ACTOR_SYS_PRIO:
		o.ADActorSysPrio = new(a.u16())
	case unix.IFLA_BOND_AD_USER_PORT_KEY:
		o.ADUserPortKey = new(a.u16())
	case unix.IFLA_BOND_AD_ACTOR_SYSTEM:
		o.ADActorSystem = state.MAC(a.mac())
	default:
		return false
	}
	return true
}

// forwarding takes which port sends what.
func (d *bondDecoder) forwarding(a *attrScanner) {
	switch o := d.o; a.typ {
	case unix.IFLA_BOND_ALL_SLAVES_ACTIVE:
		o.AllSlavesActive = word[state.AllSlavesActive](o.AllSlavesActive.Values(), int(a.u8()))
	case unix.IFLA_BOND_AD_SELECT:
		o.ADSelect = word[state.ADSelect](o.ADSelect.Values(), int(a.u8()))
	case unix.IFLA_BOND_MIN_LINKS:
		o.MinLinks = new(a.u32())
	case unix.IFLA_BOND_RESEND_IGMP:
		o.ResendIGMP = new(a.u32())
	case unix.IFLA_BOND_XMIT_HASH_POLICY:
		o.XmitHashPolicy = word[state.XmitHashPolicy](o.XmitHashPolicy.Values(), int(a.u8()))
	case unix.IFLA_BOND_LP_INTERVAL:
		o.LPInterval = new(a.u32())
	case unix.IFLA_BOND_PACKETS_PER_SLAVE:
		if d.in(state.BalanceRR) {
			o.PacketsPerSlave = new(a.u32())
		}
	case unix.IFLA_BOND_TLB_DYNAMIC_LB:
		if d.in(state.BalanceTLB, state.BalanceALB) {
			o.TLBDynamicLB = new(a.flag())
		}
	default:
		d.failover(a)
	}
}

// failover takes what happens when another port becomes active.
func (d *bondDecoder) failover(a *attrScanner) {
	switch o := d.o; a.typ {
	case unix.IFLA_BOND_NUM_PEER_NOTIF: // one value with two names
		o.NumGratARP, o.NumUnsolNA = new(a.u8()), new(a.u8())
	case unix.IFLA_BOND_FAIL_OVER_MAC:
		o.FailOverMAC = word[state.FailOverMAC](o.FailOverMAC.Values(), int(a.u8()))
	case unix.IFLA_BOND_PRIMARY:
		if d.picks() {
			o.Primary = new(d.name(a.index()))
		}
	case unix.IFLA_BOND_PRIMARY_RESELECT:
		if d.picks() {
			o.PrimaryReselect = word[state.PrimaryReselect](o.PrimaryReselect.Values(), int(a.u8()))
		}
	}
}

// port gives a port's options. A priority has a meaning where one is picked.
func (d *bondDecoder) port(p *rawLink) state.BondPort {
	out := state.BondPort{Name: p.Name}
	a := scan(p.SlaveInfo)
	for a.next() {
		switch a.typ {
		case unix.IFLA_BOND_SLAVE_QUEUE_ID:
			out.QueueID = new(a.u16())
		case unix.IFLA_BOND_SLAVE_PRIO:
			if d.picks() {
				out.Priority = new(a.s32())
			}
		}
	}
	return out
}

// bondPortMAC is the address that a port had before it joined its bond.
func bondPortMAC(l *rawLink) string {
	a := scan(l.SlaveInfo)
	for a.next() {
		if a.typ == unix.IFLA_BOND_SLAVE_PERM_HWADDR {
			return a.mac()
		}
	}
	return ""
}

// addressList decodes a nested list of addresses into the schema's form.
func addressList(b []byte) string {
	var out []string
	a := scan(b)
	for a.next() {
		if ip, ok := netip.AddrFromSlice(a.val); ok {
			out = append(out, ip.String())
		}
	}
	return strings.Join(out, ",")
}
