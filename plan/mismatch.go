package plan

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/state"
)

// Mismatch is one thing that is not as it was asked for.
type Mismatch struct {
	// Object names the interface, or "routes", "route-rules" and so on.
	Object string `json:"object"`
	// Key is the schema's key.
	Key string `json:"key"`
	// Want and Have are the values for people; Have is empty for what is
	// missing.
	Want string `json:"want"`
	Have string `json:"have,omitempty"`
	// Pending is set when waiting may cure it: duplicate detection runs, the
	// carrier has not come, LACP negotiates, a bridge learns.
	Pending bool `json:"pending,omitempty"`
	// Minor is set when it is worth a warning only, if waiting did not cure
	// it: no carrier, no LACP partner.
	Minor bool `json:"minor,omitempty"`
}

// String is "object: key is have, not want".
func (m Mismatch) String() string {
	subject := m.Object
	if m.Key != "" {
		subject += ": " + m.Key
	}
	if m.Have == "" {
		return fmt.Sprintf("%s is not %s", subject, m.Want)
	}
	return fmt.Sprintf("%s is %s, not %s", subject, m.Have, m.Want)
}

// Mismatches tells in what the result of a plan is not what was asked for:
// what the document mentions, addresses that duplicate detection found
// elsewhere, and links of the plan without carrier or LACP partner. It is empty when all is
// well, and in a fixed order.
func Mismatches(p *Plan, result *state.State) []Mismatch {
	if p.Desired == nil {
		return nil
	}
	have := map[string]*state.Interface{}
	for _, i := range result.Interfaces {
		have[i.Name] = i
	}
	var list []Mismatch
	for _, d := range state.Compare(p.Desired, result) {
		m := Mismatch{Object: d.Object, Key: d.Key, Want: d.Want, Have: d.Have, Pending: d.Pending}
		if i := have[d.Object]; i != nil && !m.Pending {
			m.Pending = settles(i, d.Key)
		}
		list = append(list, m)
	}
	return append(list, unsettled(p, have)...)
}

// settles tells whether a key of the interface may still change by itself:
// routes and addresses while duplicate detection runs, what a bond's ports
// show while they negotiate.
func settles(i *state.Interface, key string) bool {
	if !strings.HasPrefix(key, "ipv6.address") && !strings.HasPrefix(key, "routes") {
		return false
	}
	return i.IPv6 != nil && slices.ContainsFunc(i.IPv6.Address, func(a state.Address) bool { return a.Facts != nil && a.Facts.Tentative })
}

// unsettled are the addresses and links of the document that the comparison
// calls equal and that are not in use yet, or never will be.
func unsettled(p *Plan, have map[string]*state.Interface) []Mismatch {
	touched := map[string]bool{}
	for n := range p.Steps {
		s := &p.Steps[n]
		if s.Verb == SetUp || s.Verb == Attach || s.Verb == CreateLink {
			touched[s.Object] = true
		}
	}
	bonds := negotiated(p)
	var list []Mismatch
	for _, want := range p.Desired.Interfaces {
		i := have[want.Name]
		if i == nil || want.State == state.Absent || want.State == state.Ignore {
			continue
		}
		list = append(list, detecting(want, i)...)
		if touched[i.Name] && waitsForCarrier(i) {
			list = append(list, Mismatch{Object: i.Name, Key: "carrier", Want: "true", Have: "false", Pending: true, Minor: true})
		}
		if bonds[i.Name] {
			list = append(list, partnerless(want, i, have)...)
		}
	}
	return list
}

// detecting are the wanted IPv6 addresses whose duplicate detection runs or
// failed. Without a carrier it cannot run, and is not waited for.
func detecting(want, have *state.Interface) []Mismatch {
	if want.IPv6 == nil || have.IPv6 == nil {
		return nil
	}
	wanted := prefixes(want.IPv6.Address)
	noCarrier := have.Facts != nil && !have.Facts.Carrier
	var list []Mismatch
	for _, a := range have.IPv6.Address {
		if a.Facts == nil || !wanted.has(a.Prefix()) {
			continue
		}
		m := Mismatch{Object: have.Name, Key: "ipv6.address", Want: a.Prefix().String()}
		switch {
		case a.Facts.Failed:
			m.Have = a.Prefix().String() + " (duplicate: another host has it)"
		case a.Facts.Tentative:
			m.Have, m.Pending, m.Minor = a.Prefix().String()+" (tentative)", true, noCarrier
		default:
			continue
		}
		list = append(list, m)
	}
	return list
}

// waitsForCarrier tells whether the interface is up without carrier and may
// still get one: wires, bonds, and bridges that have ports.
func waitsForCarrier(i *state.Interface) bool {
	if i.Facts == nil || i.Facts.Carrier || i.State == state.Down {
		return false
	}
	switch i.Type {
	case state.TypeBridge:
		return i.Bridge != nil && len(i.Bridge.Port) > 0
	case state.TypeBond:
		return i.Bond != nil && len(i.Bond.Port) > 0
	}
	return i.Type == state.TypeEthernet
}
