package state

// Bond is the section of a bond.
type Bond struct {
	// Mode is the bonding mode; mandatory for a new bond.
	Mode BondMode `state:"mode"`
	// Options are the bond's options. nil keeps, except that another mode
	// resets what it does not know.
	Options *BondOptions `state:"options"`
	// Port lists the ports by name. nil keeps, empty detaches all.
	Port []string `state:"port,alias=ports"`
	// PortsConfig holds options per port.
	PortsConfig []BondPort `state:"ports-config"`
}

// BondMode is a bonding mode (Documentation/networking/bonding.rst).
type BondMode string

// The bonding modes, 0 to 6.
const (
	BalanceRR    BondMode = "balance-rr"
	ActiveBackup BondMode = "active-backup"
	BalanceXOR   BondMode = "balance-xor"
	Broadcast    BondMode = "broadcast"
	LACP         BondMode = "802.3ad"
	BalanceTLB   BondMode = "balance-tlb"
	BalanceALB   BondMode = "balance-alb"
)

// Values lists the modes in the kernel's order: the index is its number.
func (BondMode) Values() []string {
	return []string{"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}
}

// Aliases gives other spellings: the kernel's numbers and "lacp".
func (BondMode) Aliases() map[string]string {
	return map[string]string{"0": "balance-rr", "1": "active-backup", "2": "balance-xor", "3": "broadcast", "4": "802.3ad", "5": "balance-tlb", "6": "balance-alb", "lacp": "802.3ad"}
}

// BondPort holds the options of one port of a bond.
type BondPort struct {
	// Name names the port.
	Name string `state:"name,required"`
	// Priority decides which port becomes active; higher is better (kernel 6.0).
	Priority *int32 `state:"priority"`
	// QueueID is the transmit queue of the port, unique unless 0.
	QueueID *uint16 `state:"queue-id"`
}

// BondOptions are a bond's options; a nil or empty member was not mentioned.
type BondOptions struct {
	// ADActorSysPrio is the LACP system priority.
	ADActorSysPrio *uint16 `state:"ad_actor_sys_prio,min=1"`
	// ADActorSystem is the LACP system MAC; not a multicast one.
	ADActorSystem MAC `state:"ad_actor_system"`
	// ADSelect is how the LACP aggregator is chosen.
	ADSelect ADSelect `state:"ad_select"`
	// ADUserPortKey is the upper 10 bits of the LACP port key.
	ADUserPortKey *uint16 `state:"ad_user_port_key,max=1023"`
	// AllSlavesActive is whether inactive ports deliver frames.
	AllSlavesActive AllSlavesActive `state:"all_slaves_active"`
	// ARPAllTargets is how many ARP targets must answer.
	ARPAllTargets ARPAllTargets `state:"arp_all_targets"`
	// ARPInterval is in milliseconds; 0 is off. It excludes MIIMon.
	ARPInterval *uint32 `state:"arp_interval,max=2147483647"`
	// ARPIPTarget is a comma separated list of at most 16 IPv4 addresses.
	ARPIPTarget *string `state:"arp_ip_target"`
	// ARPMissedMax is how many ARP probes may go unanswered.
	ARPMissedMax *uint8 `state:"arp_missed_max,min=1"`
	// ARPValidate is which ARP traffic counts as a sign of life.
	ARPValidate ARPValidate `state:"arp_validate"`
	// DownDelay is in milliseconds, a multiple of MIIMon.
	DownDelay *uint32 `state:"downdelay,max=2147483647"`
	// FailOverMAC is what the ports' MACs do.
	FailOverMAC FailOverMAC `state:"fail_over_mac"`
	// LACPActive is whether LACP frames are sent unasked (kernel 5.15).
	LACPActive LACPActive `state:"lacp_active"`
	// LACPRate is how often the partner sends LACP frames.
	LACPRate LACPRate `state:"lacp_rate"`
	// LPInterval is the learning packets' interval in seconds.
	LPInterval *uint32 `state:"lp_interval,min=1,max=2147483647"`
	// MIIMon is the link monitoring interval in milliseconds; 0 is off.
	MIIMon *uint32 `state:"miimon,max=2147483647"`
	// MinLinks is how many ports must be up for the bond's carrier.
	MinLinks *uint32 `state:"min_links,max=2147483647"`
	// NSIP6Target is a comma separated list of at most 16 IPv6 addresses (kernel 5.18).
	NSIP6Target *string `state:"ns_ip6_target"`
	// NumGratARP is how many gratuitous ARPs follow a failover; it is the same
	// value as NumUnsolNA.
	NumGratARP *uint8 `state:"num_grat_arp"`
	// NumUnsolNA is how many unsolicited neighbour advertisements follow.
	NumUnsolNA *uint8 `state:"num_unsol_na"`
	// PacketsPerSlave is how many packets a port gets in balance-rr; 0 is random.
	PacketsPerSlave *uint32 `state:"packets_per_slave,max=65535"`
	// Primary names the preferred port; empty clears it.
	Primary *string `state:"primary"`
	// PrimaryReselect is when the primary port takes over again.
	PrimaryReselect PrimaryReselect `state:"primary_reselect"`
	// ResendIGMP is how many IGMP reports follow a failover.
	ResendIGMP *uint32 `state:"resend_igmp,max=255"`
	// TLBDynamicLB is whether balance-tlb moves flows by load.
	TLBDynamicLB *bool `state:"tlb_dynamic_lb"`
	// UpDelay is in milliseconds, a multiple of MIIMon.
	UpDelay *uint32 `state:"updelay,max=2147483647"`
	// UseCarrier is whether carrier is asked of the driver's own state.
	UseCarrier *bool `state:"use_carrier"`
	// XmitHashPolicy is what decides the port of a flow.
	XmitHashPolicy XmitHashPolicy `state:"xmit_hash_policy"`
	// BalanceSLB is Open vSwitch's mode in NetworkManager; not the kernel's.
	BalanceSLB *bool `state:"balance_slb,alias=balance-slb"`
}

// ADSelect is how the LACP aggregator is chosen.
type ADSelect string

// Values is in the kernel's order.
func (ADSelect) Values() []string { return []string{"stable", "bandwidth", "count"} }

// Aliases gives the kernel's numbers.
func (ADSelect) Aliases() map[string]string { return numbered(ADSelect("").Values()) }

// AllSlavesActive is whether inactive ports deliver frames.
type AllSlavesActive string

// Values is in the kernel's order.
func (AllSlavesActive) Values() []string { return []string{"dropped", "delivered"} }

// Aliases gives the kernel's numbers.
func (AllSlavesActive) Aliases() map[string]string { return numbered(AllSlavesActive("").Values()) }

// ARPAllTargets is how many ARP targets must answer.
type ARPAllTargets string

// Values is in the kernel's order.
func (ARPAllTargets) Values() []string { return []string{"any", "all"} }

// Aliases gives the kernel's numbers.
func (ARPAllTargets) Aliases() map[string]string { return numbered(ARPAllTargets("").Values()) }

// ARPValidate is which ARP traffic counts as a sign of life.
type ARPValidate string

// Values is in the kernel's order.
func (ARPValidate) Values() []string {
	return []string{"none", "active", "backup", "all", "filter", "filter_active", "filter_backup"}
}

// Aliases gives the kernel's numbers.
func (ARPValidate) Aliases() map[string]string { return numbered(ARPValidate("").Values()) }

// FailOverMAC is what the ports' MACs do.
type FailOverMAC string

// Values is in the kernel's order.
func (FailOverMAC) Values() []string { return []string{"none", "active", "follow"} }

// Aliases gives the kernel's numbers.
func (FailOverMAC) Aliases() map[string]string { return numbered(FailOverMAC("").Values()) }

// LACPActive is whether LACP frames are sent unasked.
type LACPActive string

// Values is in the kernel's order.
func (LACPActive) Values() []string { return []string{"off", "on"} }

// Aliases gives the other spellings of off and on.
func (LACPActive) Aliases() map[string]string {
	return map[string]string{"0": "off", "1": "on", "false": "off", "true": "on", "no": "off", "yes": "on"}
}

// LACPRate is how often the partner sends LACP frames.
type LACPRate string

// Values is in the kernel's order.
func (LACPRate) Values() []string { return []string{"slow", "fast"} }

// Aliases gives the kernel's numbers.
func (LACPRate) Aliases() map[string]string { return numbered(LACPRate("").Values()) }

// PrimaryReselect is when the primary port takes over again.
type PrimaryReselect string

// Values is in the kernel's order.
func (PrimaryReselect) Values() []string { return []string{"always", "better", "failure"} }

// Aliases gives the kernel's numbers.
func (PrimaryReselect) Aliases() map[string]string { return numbered(PrimaryReselect("").Values()) }

// XmitHashPolicy is what decides the port of a flow.
type XmitHashPolicy string

// Values is in the kernel's order.
func (XmitHashPolicy) Values() []string {
	return []string{"layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac"}
}

// Aliases gives the kernel's numbers.
func (XmitHashPolicy) Aliases() map[string]string { return numbered(XmitHashPolicy("").Values()) }

// numbered maps each value's place to the value.
func numbered(values []string) map[string]string {
	m := make(map[string]string, len(values))
	for i, v := range values {
		m[string(rune('0'+i))] = v
	}
	return m
}
