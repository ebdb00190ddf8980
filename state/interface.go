package state

import "holdfast/internal/document"

// Type is the kind of an interface.
type Type string

// The interface types that holdfast builds.
const (
	TypeEthernet Type = "ethernet"
	TypeVeth     Type = "veth"
	TypeDummy    Type = "dummy"
	TypeLoopback Type = "loopback"
	TypeBond     Type = "bond"
	TypeVLAN     Type = "vlan"
	TypeBridge   Type = "linux-bridge"
)

// The interface types that holdfast shows and keeps but does not build.
const (
	TypeUnknown    Type = "unknown"
	TypeVXLAN      Type = "vxlan"
	TypeVRF        Type = "vrf"
	TypeMACVLAN    Type = "mac-vlan"
	TypeMACVTAP    Type = "mac-vtap"
	TypeIPVLAN     Type = "ipvlan"
	TypeMACsec     Type = "macsec"
	TypeHSR        Type = "hsr"
	TypeInfiniBand Type = "infiniband"
	TypeOVSBridge  Type = "ovs-bridge"
	TypeOVSPort    Type = "ovs-interface"
	TypeIPsec      Type = "ipsec"
	TypeTun        Type = "tun"
	TypeXFRM       Type = "xfrm"
	TypeIPTunnel   Type = "ip-tunnel"
)

// LinkState is what an interface is meant to be. The empty one was not
// mentioned and means up (ARCHITECTURE.md).
type LinkState string

// The states of an interface.
const (
	Up      LinkState = "up"
	Down    LinkState = "down"
	Absent  LinkState = "absent"
	Ignore  LinkState = "ignore"
	Unknown LinkState = "unknown"
)

// Values lists what a document may say.
func (LinkState) Values() []string { return []string{"up", "down", "absent", "ignore", "unknown"} }

// Identifier says by what an interface of a document is found on the host.
type Identifier string

// The ways to find an interface.
const (
	ByName Identifier = "name"
	ByMAC  Identifier = "mac-address"
	ByPCI  Identifier = "pci-address"
)

// Values lists what a document may say.
func (Identifier) Values() []string { return []string{"name", "mac-address", "pci-address"} }

// WaitIP says which address family an interface waits for.
type WaitIP string

// Values lists what a document may say.
func (WaitIP) Values() []string { return []string{"any", "ipv4", "ipv6", "ipv4+ipv6"} }

// MAC is a hardware address, upper case with colons; empty was not mentioned.
type MAC string

// Interface is one link with its addresses and, if it is a controller, its
// ports. Its kind's section is nil when not mentioned.
type Interface struct {
	// Name is the kernel's name of the link, at most 15 bytes. With Identifier
	// mac-address or pci-address it is only the name of the profile.
	Name string `state:"name,required"`
	// ProfileName names NetworkManager's profile where it differs from Name.
	ProfileName string `state:"profile-name"`
	// Description is free text of the author.
	Description string `state:"description"`
	// Type is the kind; unknown or empty is resolved from what is there.
	Type Type `state:"type"`
	// Driver is the driver's name.
	Driver string `state:"driver,readonly"`
	// State is what the interface is meant to be.
	State LinkState `state:"state"`
	// Identifier says by what the interface is found; name by default.
	Identifier Identifier `state:"identifier"`
	// MAC is the hardware address; with Identifier mac-address the one to find
	// the link by.
	MAC MAC `state:"mac-address"`
	// PCIAddress is where the hardware sits on the PCI bus; with Identifier
	// pci-address the one to find the link by, otherwise for information.
	PCIAddress PCIAddress `state:"pci-address"`
	// PermanentMAC is the address that the hardware came with.
	PermanentMAC MAC `state:"permanent-mac-address,readonly"`
	// CopyMACFrom names the interface whose permanent address to take.
	CopyMACFrom string `state:"copy-mac-from"`
	// MTU is the largest packet in bytes.
	MTU *uint32 `state:"mtu"`
	// MinMTU is the smallest MTU that the driver takes, in bytes.
	MinMTU *uint32 `state:"min-mtu,readonly"`
	// MaxMTU is the largest MTU that the driver takes, in bytes; 0 is no limit.
	MaxMTU *uint32 `state:"max-mtu,readonly"`
	// WaitIP says which address family activation waits for.
	WaitIP WaitIP `state:"wait-ip"`
	// Controller names the bond, bridge or VRF above; empty detaches.
	Controller *string `state:"controller"`
	// Promiscuous makes the interface take in every frame.
	Promiscuous *bool `state:"accept-all-mac-addresses"`
	// AltNames are further names of the link, merged one by one.
	AltNames []AltName `state:"alt-names"`
	// IPv4 is the IPv4 stack of the interface.
	IPv4 *IPv4 `state:"ipv4"`
	// IPv6 is the IPv6 stack of the interface.
	IPv6 *IPv6 `state:"ipv6"`

	// Ethernet holds settings of a NIC.
	Ethernet *Ethernet `state:"ethernet"`
	// Veth names the other end of a pair.
	Veth *Veth `state:"veth"`
	// Bond is the section of a bond.
	Bond *Bond `state:"link-aggregation,alias=bond"`
	// VLAN is the section of a VLAN.
	VLAN *VLAN `state:"vlan"`
	// Bridge is the section of a Linux bridge.
	Bridge *Bridge `state:"bridge"`
	// OVSBridge is the section of an Open vSwitch bridge, under the same key;
	// it is kept, not carried out.
	OVSBridge Raw `state:"bridge,type=ovs-bridge"`

	// The sections below are kept and compared, not carried out.

	VXLAN      Raw `state:"vxlan"`
	VRF        Raw `state:"vrf"`
	MACVLAN    Raw `state:"mac-vlan"`
	MACVTAP    Raw `state:"mac-vtap"`
	IPVLAN     Raw `state:"ipvlan"`
	MACsec     Raw `state:"macsec"`
	HSR        Raw `state:"hsr"`
	InfiniBand Raw `state:"infiniband"`
	Libreswan  Raw `state:"libreswan"`
	IPTunnel   Raw `state:"ip-tunnel"`
	Patch      Raw `state:"patch"`
	DPDK       Raw `state:"dpdk"`
	MPTCP      Raw `state:"mptcp"`
	OVSDB      Raw `state:"ovs-db"`
	IEEE8021X  Raw `state:"802.1x"`
	LLDP       Raw `state:"lldp"`
	Ethtool    Raw `state:"ethtool"`
	Dispatch   Raw `state:"dispatch"`

	// Facts is what the engine knows of the live link beyond the schema; nil
	// in documents.
	Facts *Facts `state:"-"`
	// Origin is where the interface stands in its document, nil outside one.
	Origin *document.Origin `state:"-"`
}

// AltName is one further name of a link.
type AltName struct {
	// Name is the alternative name, at most 127 bytes.
	Name string `state:"name,required"`
	// State is absent to remove the name.
	State LinkState `state:"state"`
}

// Ethernet holds settings of a NIC.
type Ethernet struct {
	// AutoNegotiation is whether speed and duplex are negotiated.
	AutoNegotiation *bool `state:"auto-negotiation"`
	// Speed is in Mb/s.
	Speed *uint32 `state:"speed"`
	// Duplex is full or half.
	Duplex Duplex `state:"duplex"`
	// SRIOV is kept, not carried out.
	SRIOV Raw `state:"sr-iov"`
}

// Duplex is a NIC's duplex mode.
type Duplex string

// Values lists what a document may say.
func (Duplex) Values() []string { return []string{"full", "half"} }

// Veth is one end of a pair.
type Veth struct {
	// Peer names the other end; mandatory for a new pair.
	Peer string `state:"peer"`
}

// Facts is what an engine knows of a live interface beyond the schema. The
// planner reads it; nothing prints it.
type Facts struct {
	// Index is the link's number in its namespace.
	Index int
	// Kind is the kernel's name of the link's kind, empty for hardware.
	Kind string
	// Physical links cannot be removed, only released.
	Physical bool
	// Foreign is a link of the sort that others attach to controllers (taps,
	// container veths): a port that nobody named stays a port.
	Foreign bool
	// Owned is set when holdfast's record names the link.
	Owned bool
	// Manager names the program that runs the link, empty for none.
	Manager string
	// Session is set on the link that carries the caller's own connection.
	Session bool
	// Carrier is whether the link has a carrier.
	Carrier bool
	// Partner is, on a bond with LACP, whether the switch answers, and on a
	// port of one, whether the switch has taken this very port; nil where it
	// is not known, and on all others.
	Partner *bool
	// AdminUp is whether the link is set up.
	AdminUp bool
	// MACPinned is whether the address was set by somebody rather than made up
	// by the kernel or inherited from ports.
	MACPinned bool
	// NoAddrGen is whether the kernel makes no IPv6 link-local address.
	NoAddrGen bool
	// AcceptRA is net.ipv6.conf.IFACE.accept_ra; nil when there is no IPv6.
	AcceptRA *int32
	// BaseElsewhere is set when the link below is in another namespace.
	BaseElsewhere bool
}

// IsController tells whether the interface can have ports.
func (i *Interface) IsController() bool {
	return i.Type == TypeBond || i.Type == TypeBridge || i.Type == TypeVRF || i.Type == TypeOVSBridge
}

// IsVirtual tells whether the interface can be made and removed.
func (i *Interface) IsVirtual() bool {
	return i.Type != TypeEthernet && i.Type != TypeLoopback && i.Type != TypeInfiniBand
}
