// Package plan makes the ordered steps from one state of a host to another,
// and tells afterwards in what the host differs from what was meant.
//
// The package is pure and deterministic: the same two states give the same
// plan, byte for byte. An engine carries the steps out level by level: steps
// of one level do not depend on each other.
package plan

import (
	"holdfast/state"
)

// Impact is how much a step disturbs traffic, from nothing to a new link.
type Impact string

// The impacts, in rising order.
const (
	// ImpactNone changes nothing that traffic could notice.
	ImpactNone Impact = "none"
	// ImpactHot changes a link in place while it forwards.
	ImpactHot Impact = "hot"
	// ImpactDetach takes a port out of its controller for a moment.
	ImpactDetach Impact = "port-detach"
	// ImpactDown sets a link down for a moment or for good.
	ImpactDown Impact = "down"
	// ImpactRecreate removes a link, and makes it anew if it is to stay.
	ImpactRecreate Impact = "recreate"
)

// Verb is what a step does.
type Verb string

// The verbs. Each says which members of Step it uses beside Object, Why,
// Changes and Impact.
const (
	// CreateLink makes Link from scratch: kind, section with its options, MAC
	// and MTU (if given), down, as a port of Step.Controller if that is set.
	// Both ends of a veth pair come with one step, named in Affects. A bridge
	// with VLANFiltering(Link.Bridge) filters from the beginning.
	CreateLink Verb = "create"
	// ChangeLink changes in place what Keys name, in their order, to the
	// values in Link. See the Key constants for those that are no schema keys.
	ChangeLink Verb = "change"
	// RemoveLink deletes the link.
	RemoveLink Verb = "remove"
	// SetUp sets the link up.
	SetUp Verb = "up"
	// SetDown sets the link down; Link tells whether for good.
	SetDown Verb = "down"
	// Attach makes the link a port of Controller.
	Attach Verb = "attach"
	// Detach takes the link out of Controller.
	Detach Verb = "detach"
	// ChangePort changes the options of the port, named by Keys, to those in
	// BridgePort or BondPort; Controller is the bridge or bond.
	ChangePort Verb = "port"
	// ChangeVLANs changes the VLAN filter table of the port (or, with Object
	// the bridge itself, of the bridge): VLANsRemoved and VLANsAdded.
	ChangeVLANs Verb = "vlans"
	// ChangeIP turns a stack or what it does by itself on or off: IPv6 on or
	// off, router advertisements, address generation, forwarding (Keys, Link).
	ChangeIP Verb = "ip"
	// AddAddress puts Address on the link; an address that is there already
	// is done.
	AddAddress Verb = "add-address"
	// RemoveAddress takes Address off the link; one that is gone is done.
	RemoveAddress Verb = "remove-address"
	// AddRoute adds Routes, the next hops of one route; the very route that is
	// there already is done.
	AddRoute Verb = "add-route"
	// RemoveRoute removes Routes, the next hops of one route; one that went
	// with its address or link is done.
	RemoveRoute Verb = "remove-route"
	// ReplaceRoute puts Routes in the place of the route with their key, or
	// adds them if there is none.
	ReplaceRoute Verb = "replace-route"
	// AddRule adds Rule.
	AddRule Verb = "add-rule"
	// RemoveRule removes Rule.
	RemoveRule Verb = "remove-rule"
	// AddName adds the alternative name AltName.
	AddName Verb = "add-name"
	// RemoveName removes the alternative name AltName.
	RemoveName Verb = "remove-name"
	// Describe puts the description, profile name and wait-ip of Link, which may
	// be empty, on record; nothing else changes. Keys names those that differ.
	Describe Verb = "describe"
	// SetDNS makes Resolver the configured resolver.
	SetDNS Verb = "dns"
	// SetHostname sets the names in Hostname that are not nil.
	SetHostname Verb = "hostname"
)

// Change is one value that a step changes. From is empty for what was not
// there, To for what is removed.
type Change struct {
	Key  string `json:"key"`
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

// Step is one thing to do. Its payload members are shared with the states that
// the plan was made from and must not be changed.
type Step struct {
	// Verb is what to do.
	Verb Verb
	// Object names what is touched: an interface, or a route's or rule's key
	// in ip(8)'s words.
	Object string
	// Type is the interface's kind; empty for other objects.
	Type state.Type
	// Changes are the values, for people and for -o json.
	Changes []Change
	// Why is the reason in a few words.
	Why string
	// Impact is how much the step disturbs.
	Impact Impact
	// Affects names what else is disturbed, guests' taps for example.
	Affects []string
	// Level is the step's place: every step of a lower level comes before.
	Level int
	// Needs are the indexes of the steps in the plan that must be done before.
	// Where a step follows a large group, the last of the group stands for it;
	// Level holds for all of them.
	Needs []int

	// Link is the interface as it is to be.
	Link *state.Interface
	// Was is the interface as it is; nil for a new one.
	Was *state.Interface
	// Keys are the schema's keys to set, such as "mtu" or
	// "link-aggregation.options.miimon", in the order in which to set them.
	// For ChangePort they are relative to the port, such as "stp-path-cost".
	Keys []string
	// Controller names the bond or bridge of Attach, Detach, ChangePort,
	// ChangeVLANs, and of a CreateLink that makes the link as its port.
	Controller string
	// BridgePort holds the port's options of a bridge.
	BridgePort *state.BridgePort
	// BondPort holds the port's options of a bond.
	BondPort *state.BondPort
	// VLANsAdded and VLANsRemoved are entries of a port's VLAN filter table.
	VLANsAdded, VLANsRemoved []VLANEntry
	// Address is the address of AddAddress and RemoveAddress.
	Address *state.Address
	// Routes are the next hops of one route.
	Routes []*state.Route
	// Rule is the rule of AddRule and RemoveRule.
	Rule *state.Rule
	// AltName is the name of AddName and RemoveName.
	AltName string
	// Resolver is the configuration of SetDNS.
	Resolver *state.Resolver
	// Hostname holds the names of SetHostname.
	Hostname *state.Hostname
}

// VLANEntry is a range of VLANs in a port's filter table
// (struct bridge_vlan_info, include/uapi/linux/if_bridge.h).
type VLANEntry struct {
	// First and Last are the range, both included.
	First, Last uint16
	// PVID is set when untagged frames go to the VLAN; a range of one only.
	PVID bool
	// Untagged is set when frames leave without a tag.
	Untagged bool
}

// Plan is the ordered way from one state to another. An empty one changes
// nothing.
type Plan struct {
	// Steps in the order in which they are done; Level never falls.
	Steps []Step
	// Warnings are what the reader should know, one sentence each.
	Warnings []string
	// Current is the state that the plan starts from.
	Current *state.State
	// Target is the state that it leads to.
	Target *state.State
	// Desired is what was asked for, with names and types resolved: what
	// Mismatches compares.
	Desired *state.State
	// Owned names the interfaces that the document answers for from now on.
	Owned []string
}

// Keys of ChangeLink and ChangeIP that are no keys of the schema.
const (
	// KeyFilterOn and KeyFilterOff turn a bridge's VLAN filtering on and off.
	KeyFilterOn  = "bridge.vlan-filtering.on"
	KeyFilterOff = "bridge.vlan-filtering.off"
	// KeyQuiet makes a port mute: IPv6 address generation none, accept_ra 0.
	KeyQuiet = "ipv6.quiet"
	// KeyRestore gives address generation and accept_ra back to the values of
	// conf/default, or to what Link.IPv6 says if it is mentioned there.
	KeyRestore = "ipv6.restore"
	// KeyReset gives every IPv6 sysctl of a released NIC back to the values of
	// conf/default.
	KeyReset = "ipv6.reset"
	// KeyIPv6 sets disable_ipv6 to the contrary of Link.IPv6.Enabled; a nil
	// section or member is off.
	KeyIPv6 = "ipv6.enabled"
	// KeyAutoconf sets accept_ra and autoconf by Link.IPv6.Autoconf; nil is off.
	KeyAutoconf = "ipv6.autoconf"
	// KeyAddrGenMode sets how interface identifiers are made, by
	// Link.IPv6.AddrGenMode.
	KeyAddrGenMode = "ipv6.addr-gen-mode"
	// KeyToken sets the interface identifier of Link.IPv6.Token.
	KeyToken = "ipv6.token"
	// KeyForwarding sets IPv4 forwarding by Link.IPv4.Forwarding.
	KeyForwarding = "ipv4.forwarding"
	// KeyMTU on a bridge also pins the MTU: a bridge that already has the value
	// needs another one first (one more), since writing the same pins nothing
	// (net/bridge/br_device.c, br_change_mtu).
	KeyMTU = "mtu"
	// KeyMAC sets the hardware address.
	KeyMAC = "mac-address"
	// KeyPromiscuous sets IFF_PROMISC by Link.Promiscuous.
	KeyPromiscuous = "accept-all-mac-addresses"
)

// Empty tells whether there is nothing to do.
func (p *Plan) Empty() bool { return len(p.Steps) == 0 }

// Options say what a plan may do.
type Options struct {
	// Force allows what is otherwise refused: removing a bridge that guests
	// sit on, changing a link that another program manages, losing what
	// cannot be put back.
	Force bool
}
