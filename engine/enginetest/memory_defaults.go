package enginetest

import (
	"fmt"
	"slices"

	"holdfast/state"
)

// complete gives a link what the kernel gives every link of its kind.
func (h *host) complete(l *link) {
	i := l.set
	i.State, i.Origin, i.Controller = "", nil, nil
	if i.MTU == nil {
		i.MTU = new(uint32(1500))
	}
	if i.MAC == "" {
		i.MAC = made(i.Facts.Index)
	}
	if i.Facts.Physical && i.PermanentMAC == "" {
		i.PermanentMAC = i.MAC
	}
	i.IPv4, i.IPv6 = orEmpty(i.IPv4), orEmpty(i.IPv6)
	i.IPv4.Enabled, i.IPv4.DHCP = nil, new(false)
	if i.IPv6.Enabled == nil {
		i.IPv6.Enabled = new(true)
	}
	i.IPv6.DHCP, i.IPv6.Autoconf = new(false), new(false)
	if i.IPv6.AddrGenMode == nil {
		i.IPv6.AddrGenMode = new("eui64")
	}
	if i.Facts.AcceptRA == nil {
		i.Facts.AcceptRA = new(int32(1))
	}
	if i.Promiscuous == nil {
		i.Promiscuous = new(false)
	}
	completeKind(i)
}

func orEmpty[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}

// completeKind gives the section of the link's kind the kernel's defaults.
func completeKind(i *state.Interface) {
	switch i.Type {
	case state.TypeBond:
		i.Bond = orEmpty(i.Bond)
		if i.Bond.Mode == "" {
			i.Bond.Mode = state.BalanceRR
		}
		i.Bond.Options = orEmpty(i.Bond.Options)
		if value(i.Bond.Options.ARPInterval) > 0 && i.Bond.Options.MIIMon == nil {
			i.Bond.Options.MIIMon = new(uint32(0))
		}
		twins(i.Bond.Options)
		fill(i.Bond.Options, bondDefaults())
	case state.TypeBridge:
		i.Bridge = orEmpty(i.Bridge)
		i.Bridge.Options = orEmpty(i.Bridge.Options)
		maskTwins(i.Bridge.Options)
		fill(i.Bridge.Options, bridgeDefaults())
	case state.TypeVLAN:
		i.VLAN = orEmpty(i.VLAN)
		fill(i.VLAN, &state.VLAN{
			Protocol: state.Dot1Q, RegistrationProtocol: "none",
			ReorderHeaders: new(true), LooseBinding: new(false),
		})
	}
}

// twins gives the two names of one value the same one.
func twins(o *state.BondOptions) {
	if o.NumGratARP == nil {
		o.NumGratARP = o.NumUnsolNA
	}
	o.NumUnsolNA = o.NumGratARP
}

func maskTwins(o *state.BridgeOptions) {
	if o.GroupFwdMask == nil {
		o.GroupFwdMask = o.GroupForwardMask
	}
	o.GroupForwardMask = o.GroupFwdMask
}

// bondDefaults are those of bond_check_params (drivers/net/bonding/bond_main.c).
func bondDefaults() *state.BondOptions {
	return &state.BondOptions{
		ADActorSysPrio: new(uint16(65535)), ADActorSystem: "00:00:00:00:00:00", ADSelect: "stable",
		ADUserPortKey: new(uint16(0)), AllSlavesActive: "dropped", ARPAllTargets: "any",
		ARPInterval: new(uint32(0)), ARPIPTarget: new(""), ARPMissedMax: new(uint8(2)),
		ARPValidate: "none", DownDelay: new(uint32(0)), FailOverMAC: "none", LACPActive: "on",
		LACPRate: "slow", LPInterval: new(uint32(1)), MIIMon: new(uint32(0)),
		MinLinks: new(uint32(0)), NSIP6Target: new(""), NumGratARP: new(uint8(1)),
		NumUnsolNA: new(uint8(1)), PacketsPerSlave: new(uint32(1)), Primary: new(""),
		PrimaryReselect: "always", ResendIGMP: new(uint32(1)), TLBDynamicLB: new(true),
		UpDelay: new(uint32(0)), UseCarrier: new(true), XmitHashPolicy: "layer2",
	}
}

// bridgeDefaults are those of br_dev_setup (net/bridge/br_device.c).
func bridgeDefaults() *state.BridgeOptions {
	return &state.BridgeOptions{
		GroupAddr: "01:80:C2:00:00:00", GroupForwardMask: new(uint16(0)), GroupFwdMask: new(uint16(0)),
		HashMax: new(uint32(4096)), MACAgeingTime: new(uint32(300)),
		MulticastLastMemberCount:       new(uint32(2)),
		MulticastLastMemberInterval:    new(uint64(100)),
		MulticastMembershipInterval:    new(uint64(26000)),
		MulticastQuerier:               new(false),
		MulticastQuerierInterval:       new(uint64(25500)),
		MulticastQueryInterval:         new(uint64(12500)),
		MulticastQueryResponseInterval: new(uint64(1000)),
		MulticastQueryUseIfaddr:        new(false),
		MulticastRouter:                "auto", MulticastSnooping: new(true),
		MulticastStartupQueryCount:    new(uint32(2)),
		MulticastStartupQueryInterval: new(uint64(3125)),
		STP: &state.STP{
			Enabled: new(false), ForwardDelay: new(uint8(15)), HelloTime: new(uint8(2)),
			MaxAge: new(uint8(20)), Priority: new(uint16(32768)),
		},
		VLANProtocol: state.Dot1Q, VLANDefaultPVID: new(uint16(1)),
	}
}

// optionModes are the bond options that are shown in some modes only.
func hideOptions(mode state.BondMode, o *state.BondOptions) {
	in := func(modes ...state.BondMode) bool { return slices.Contains(modes, mode) }
	if !in(state.LACP) {
		o.ADActorSysPrio, o.ADActorSystem, o.ADSelect, o.ADUserPortKey = nil, "", "", nil
		o.LACPActive, o.LACPRate, o.MinLinks = "", "", nil
	}
	if in(state.LACP, state.BalanceTLB, state.BalanceALB) {
		o.ARPAllTargets, o.ARPInterval, o.ARPIPTarget, o.ARPMissedMax, o.ARPValidate, o.NSIP6Target = "", nil, nil, nil, "", nil
	}
	if !in(state.ActiveBackup) {
		o.NumGratARP, o.NumUnsolNA, o.FailOverMAC = nil, nil, ""
	}
	if !in(state.ActiveBackup, state.BalanceTLB, state.BalanceALB) {
		o.Primary, o.PrimaryReselect = nil, ""
	}
	if !in(state.BalanceXOR, state.LACP, state.BalanceTLB) {
		o.XmitHashPolicy = ""
	}
	if !in(state.BalanceRR) {
		o.PacketsPerSlave = nil
	}
	if !in(state.BalanceTLB, state.BalanceALB) {
		o.LPInterval = nil
	}
	if !in(state.BalanceTLB) {
		o.TLBDynamicLB = nil
	}
}

// made is the MAC that the host makes up for a link, a locally administered
// one by its index, so that the same steps give the same host.
func made(index int) state.MAC {
	return state.MAC(fmt.Sprintf("02:00:00:%02X:%02X:%02X", byte(index>>16), byte(index>>8), byte(index)))
}
