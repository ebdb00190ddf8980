package state

// VLAN is the section of a VLAN.
type VLAN struct {
	// BaseIface names the interface below; optional if the VLAN exists.
	BaseIface string `state:"base-iface"`
	// ID is the VLAN's number, 1 to 4094 (0 is the priority tag).
	ID *uint16 `state:"id,max=4094"`
	// Protocol is the tag's EtherType; 802.1q if not mentioned.
	Protocol VLANProtocol `state:"protocol"`
	// RegistrationProtocol announces the VLAN to the switch.
	RegistrationProtocol RegistrationProtocol `state:"registration-protocol"`
	// ReorderHeaders is whether the tag is taken out of frames; true by default.
	ReorderHeaders *bool `state:"reorder-headers"`
	// LooseBinding is whether the VLAN's state does not follow the base's.
	LooseBinding *bool `state:"loose-binding"`
	// IngressQoSMap maps the tag's priority to the packet's.
	IngressQoSMap []QoSMap `state:"ingress-qos-map"`
	// EgressQoSMap maps the packet's priority to the tag's.
	EgressQoSMap []QoSMap `state:"egress-qos-map"`
}

// QoSMap is one entry of a priority map.
type QoSMap struct {
	// From is the priority that is mapped.
	From uint32 `state:"from"`
	// To is what it becomes.
	To uint32 `state:"to"`
}

// VLANProtocol is a tag's EtherType.
type VLANProtocol string

// The tag's EtherTypes, 0x8100 and 0x88a8.
const (
	Dot1Q  VLANProtocol = "802.1q"
	Dot1AD VLANProtocol = "802.1ad"
)

// Values lists what a document may say.
func (VLANProtocol) Values() []string { return []string{"802.1q", "802.1ad"} }

// RegistrationProtocol announces a VLAN to the switch.
type RegistrationProtocol string

// Values lists what a document may say.
func (RegistrationProtocol) Values() []string { return []string{"none", "gvrp", "mvrp"} }
