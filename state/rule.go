package state

import (
	"net/netip"

	"holdfast/internal/document"
)

// Rules are the policy routing rules.
type Rules struct {
	// Config are the rules; entries add, those with state absent remove.
	Config []*Rule `state:"config"`
}

// Rule is one policy routing rule (ip-rule(8)).
type Rule struct {
	// State is absent to remove every rule that the given keys match.
	State LinkState `state:"state"`
	// Family is needed when neither IPFrom nor IPTo tells.
	Family Family `state:"family"`
	// IPFrom is the source prefix; the zero one was not mentioned.
	IPFrom netip.Prefix `state:"ip-from"`
	// IPTo is the destination prefix; the zero one was not mentioned.
	IPTo netip.Prefix `state:"ip-to"`
	// Priority orders rules; -1 and nil choose from 30000 up.
	Priority *int64 `state:"priority,min=-1,max=4294967295"`
	// RouteTable is the table to look into; 0 and nil are main (254).
	RouteTable *uint32 `state:"route-table"`
	// FWMark is the packet mark to match.
	FWMark *uint32 `state:"fwmark,hex"`
	// FWMask is which bits of the mark count.
	FWMask *uint32 `state:"fwmask,hex"`
	// Action drops instead of looking into a table.
	Action RouteType `state:"action"`
	// IIF is the interface that packets came in by.
	IIF string `state:"iif"`
	// SuppressPrefixLength refuses routes of that length or shorter.
	SuppressPrefixLength *uint32 `state:"suppress-prefix-length,alias=suppress_prefixlength"`

	// Facts is what the engine knows of a live rule; nil in documents.
	Facts *RuleFacts `state:"-"`
	// Origin is where the rule stands in its document, nil outside one.
	Origin *document.Origin `state:"-"`
}

// RuleFacts is what an engine knows of a live rule.
type RuleFacts struct {
	// Protocol is the kernel's number of who made the rule.
	Protocol uint8
	// Foreign rules are not ours to change or remove; rules that the schema
	// cannot express are always foreign.
	Foreign bool
}

// Family is an address family.
type Family string

// The address families.
const (
	FamilyIPv4 Family = "ipv4"
	FamilyIPv6 Family = "ipv6"
)

// Values lists what a document may say.
func (Family) Values() []string { return []string{"ipv4", "ipv6"} }
