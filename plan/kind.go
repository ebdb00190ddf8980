package plan

import "holdfast/state"

// class is what it takes to change a key of a link.
type class uint8

// The classes, in rising order of disruption.
const (
	// hot keys change while the link forwards.
	hot class = iota
	// flaps keys change in place but interrupt the carrier.
	flaps
	// down keys change only while the link is set down.
	down
	// alone keys of a bond change only without ports.
	alone
	// aloneDown keys change only without ports and while the bond is down.
	aloneDown
	// anew keys change only by making the link again.
	anew
)

// impact is what a class means for traffic.
func (c class) impact() Impact {
	return [...]Impact{ImpactHot, ImpactDown, ImpactDown, ImpactDetach, ImpactDown, ImpactRecreate}[c]
}

// needsDown tells whether the link has to be set down.
func (c class) needsDown() bool { return c == down || c == aloneDown }

// needsAlone tells whether the ports have to leave.
func (c class) needsAlone() bool { return c == alone || c == aloneDown }

// kind is what the planner knows of one interface type.
type kind struct {
	// fields are the keys of the section, nil for none.
	fields []field
	// section is the part of the interface that fields describe.
	section func(*state.Interface) any
	// classes are the keys that are not hot.
	classes map[string]class
	// arrange drops changes that mean nothing and puts the rest in the order
	// in which the kernel takes them; nil keeps them.
	arrange func(was, want *state.Interface, changes []Change) []Change
	// makes tells that links of the type can be made.
	makes bool
}

// kinds is the table of what can be changed or made. Types that are not in it
// are kept, removed, moved and given addresses, but not made or tuned.
var kinds = map[state.Type]*kind{
	state.TypeBond:     &bondKind,
	state.TypeBridge:   &bridgeKind,
	state.TypeVLAN:     &vlanKind,
	state.TypeVeth:     &vethKind,
	state.TypeDummy:    &dummyKind,
	state.TypeEthernet: &ethernetKind,
}

// other is the kind of all types that are not in the table.
var other = kind{}

// kindOf finds the kind of a type.
func kindOf(t state.Type) *kind {
	if k := kinds[t]; k != nil {
		return k
	}
	return &other
}

// changes lists what differs in the kind's section.
func (k *kind) changes(was, want *state.Interface) []Change {
	if k.section == nil {
		return nil
	}
	var before any
	if was != nil {
		before = k.section(was)
	}
	list := differ(k.fields, before, k.section(want))
	if k.arrange != nil && len(list) > 0 {
		list = k.arrange(was, want, list)
	}
	return list
}

// worst is the highest class among the changes.
func (k *kind) worst(changes []Change) class {
	c := hot
	for _, change := range changes {
		c = max(c, k.classes[change.Key])
	}
	return c
}
