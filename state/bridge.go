package state

// Bridge is the section of a Linux bridge.
type Bridge struct {
	// Options are the bridge's options; nil keeps.
	Options *BridgeOptions `state:"options"`
	// Port lists the ports. nil keeps, empty detaches all that are ours.
	Port []BridgePort `state:"port,alias=ports"`
}

// BridgeOptions are a bridge's options; a nil member was not mentioned.
// Intervals named so are in centiseconds (USER_HZ) as in sysfs.
type BridgeOptions struct {
	// GCTimer is the garbage collection timer, in centiseconds.
	GCTimer *uint64 `state:"gc-timer,readonly"`
	// HelloTimer is the hello timer, in centiseconds.
	HelloTimer *uint64 `state:"hello-timer,readonly"`
	// GroupAddr is the MAC that STP frames go to.
	GroupAddr MAC `state:"group-addr"`
	// GroupForwardMask is which link-local groups are forwarded.
	GroupForwardMask *uint16 `state:"group-forward-mask"`
	// GroupFwdMask is the newer name of GroupForwardMask; both must agree.
	GroupFwdMask *uint16 `state:"group-fwd-mask"`
	// HashMax is the size limit of the multicast table, a power of two.
	HashMax *uint32 `state:"hash-max"`
	// MACAgeingTime is in seconds.
	MACAgeingTime *uint32 `state:"mac-ageing-time"`

	// MulticastLastMemberCount is how many queries follow a leave before the
	// group is dropped.
	MulticastLastMemberCount *uint32 `state:"multicast-last-member-count"`
	// MulticastLastMemberInterval is the time between those queries, in
	// centiseconds.
	MulticastLastMemberInterval *uint64 `state:"multicast-last-member-interval"`
	// MulticastMembershipInterval is after what silence a member is forgotten,
	// in centiseconds.
	MulticastMembershipInterval *uint64 `state:"multicast-membership-interval"`
	// MulticastQuerier is whether the bridge sends IGMP and MLD queries.
	MulticastQuerier *bool `state:"multicast-querier"`
	// MulticastQuerierInterval is after what silence of another querier the
	// bridge takes over, in centiseconds.
	MulticastQuerierInterval *uint64 `state:"multicast-querier-interval"`
	// MulticastQueryInterval is the time between queries, in centiseconds.
	MulticastQueryInterval *uint64 `state:"multicast-query-interval"`
	// MulticastQueryResponseInterval is how long members may take to answer, in
	// centiseconds.
	MulticastQueryResponseInterval *uint64 `state:"multicast-query-response-interval"`
	// MulticastQueryUseIfaddr is whether queries carry the bridge's own address
	// instead of 0.0.0.0.
	MulticastQueryUseIfaddr *bool `state:"multicast-query-use-ifaddr"`
	// MulticastRouter is whether the bridge is taken for a multicast router.
	MulticastRouter MulticastRouter `state:"multicast-router"`
	// MulticastSnooping is whether multicast goes only where it is wanted.
	MulticastSnooping *bool `state:"multicast-snooping"`
	// MulticastStartupQueryCount is how many queries the bridge begins with.
	MulticastStartupQueryCount *uint32 `state:"multicast-startup-query-count"`
	// MulticastStartupQueryInterval is the time between those, in centiseconds.
	MulticastStartupQueryInterval *uint64 `state:"multicast-startup-query-interval"`

	// STP is the spanning tree protocol's configuration.
	STP *STP `state:"stp"`
	// VLANProtocol is the EtherType of VLAN filtering.
	VLANProtocol VLANProtocol `state:"vlan-protocol"`
	// VLANDefaultPVID is the VLAN of untagged frames on new ports; 0 is none.
	VLANDefaultPVID *uint16 `state:"vlan-default-pvid,max=4094"`
}

// STP is the spanning tree protocol's configuration.
type STP struct {
	// Enabled turns it on.
	Enabled *bool `state:"enabled"`
	// ForwardDelay is in seconds.
	ForwardDelay *uint8 `state:"forward-delay,min=2,max=30"`
	// HelloTime is in seconds.
	HelloTime *uint8 `state:"hello-time,min=1,max=10"`
	// MaxAge is in seconds.
	MaxAge *uint8 `state:"max-age,min=6,max=40"`
	// Priority is the bridge's; lower becomes root.
	Priority *uint16 `state:"priority"`
}

// MulticastRouter is whether the bridge is taken for a multicast router.
type MulticastRouter string

// Values lists what a document may say.
func (MulticastRouter) Values() []string { return []string{"auto", "disabled", "enabled"} }

// Aliases gives the kernel's numbers.
func (MulticastRouter) Aliases() map[string]string {
	return map[string]string{"0": "disabled", "1": "auto", "2": "enabled"}
}

// BridgePort is one port of a bridge with its options.
type BridgePort struct {
	// Name names the port.
	Name string `state:"name,required"`
	// Hairpin is whether frames go back out of the port they came in by.
	Hairpin *bool `state:"stp-hairpin-mode"`
	// PathCost is the spanning tree cost, 1 to 65535.
	PathCost *uint32 `state:"stp-path-cost,min=1,max=65535"`
	// Priority is the spanning tree priority, 0 to 63.
	Priority *uint16 `state:"stp-priority,max=63"`
	// VLAN is the port's VLAN filter. nil keeps what is there, empty removes it.
	VLAN *PortVLAN `state:"vlan"`
}

// PortVLAN is a port's VLAN filter; an empty one means no filtering.
type PortVLAN struct {
	// Mode is trunk or access.
	Mode PortVLANMode `state:"mode"`
	// Tag is the access VLAN, or the native VLAN of a trunk.
	Tag *uint16 `state:"tag,max=4094"`
	// EnableNative makes Tag the untagged VLAN of a trunk.
	EnableNative *bool `state:"enable-native"`
	// TrunkTags lists the tagged VLANs.
	TrunkTags []TrunkTag `state:"trunk-tags"`
}

// PortVLANMode is how a port treats tags.
type PortVLANMode string

// The modes of a port.
const (
	Trunk  PortVLANMode = "trunk"
	Access PortVLANMode = "access"
)

// Values lists what a document may say.
func (PortVLANMode) Values() []string { return []string{"trunk", "access"} }

// TrunkTag is one VLAN or a range of them.
type TrunkTag struct {
	// ID is a single VLAN.
	ID *uint16 `state:"id,min=1,max=4094"`
	// Range is a range of VLANs.
	Range *VLANRange `state:"id-range"`
}

// VLANRange is a range of VLANs, both ends included.
type VLANRange struct {
	// Min is the first one.
	Min uint16 `state:"min,min=1,max=4094"`
	// Max is the last one.
	Max uint16 `state:"max,min=1,max=4094"`
}
