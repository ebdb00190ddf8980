package state

import (
	"holdfast/internal/problem"
)

// Validate checks a document by itself, before anything is read from the
// host: names, what contradicts itself, two definitions of one thing. The
// error is a *problem.List of everything that is wrong. ValidateTarget checks
// the outcome on a host.
func (s *State) Validate() error {
	v := &validation{state: s}
	v.duplicates()
	for _, i := range s.Interfaces {
		v.iface(i)
	}
	if s.Routes != nil {
		v.routes(s.Routes.Config)
	}
	if s.Rules != nil {
		v.rules(s.Rules.Config)
	}
	v.dns(s.DNS)
	v.hostname(s.Hostname)
	return v.problems.Err()
}

// validation is a check of a document under way.
type validation struct {
	state    *State
	problems problem.List
}

func (v *validation) fault(i *Interface, path, val, message, hint string) {
	v.problems.Add(fault(i, path, val, message, hint))
}

// iface checks one interface. Of an absent one only the name counts.
func (v *validation) iface(i *Interface) {
	v.name(i)
	if i.State == Absent || i.State == Ignore {
		return
	}
	for _, check := range interfaceChecks {
		check(v, i)
	}
}

// interfaceChecks check one aspect of an interface each.
var interfaceChecks = []func(*validation, *Interface){
	(*validation).identifier,
	(*validation).macs,
	(*validation).altNames,
	(*validation).controller,
	(*validation).ipv4,
	(*validation).ipv6,
	(*validation).waitIP,
	(*validation).loopback,
	(*validation).sections,
	(*validation).veth,
	(*validation).vlan,
	(*validation).bond,
	(*validation).bridge,
}

// duplicates reports interfaces that the document describes twice.
func (v *validation) duplicates() {
	first := make(map[string]*Interface, len(v.state.Interfaces))
	for _, i := range v.state.Interfaces {
		key := linkKey(i.Name, i.Type)
		if before, twice := first[key]; twice && i.Name != "" {
			v.fault(i, "name", i.Name, "the interface is described twice"+whereFirst(before), "make one entry of both")
			continue
		}
		first[key] = i
	}
	alt := map[string]*Interface{}
	for _, i := range v.state.Interfaces {
		for n, a := range i.AltNames {
			path := "alt-names[" + itoa(n) + "].name"
			if a.State == Absent {
				continue
			}
			if other := first[a.Name]; other != nil && other.State != Absent {
				v.fault(i, path, a.Name, "is the name of an interface"+where(other.Origin, "name"), "choose another alternative name")
			} else if before := alt[a.Name]; before != nil {
				v.fault(i, path, a.Name, "the alternative name is given twice"+whereFirst(before), "a name belongs to one interface")
			}
			alt[a.Name] = i
		}
	}
}

// whereFirst tells the place of an earlier definition: ", first at FILE:LINE".
func whereFirst(i *Interface) string {
	if w := where(i.Origin, "name"); w != "" {
		return ", first " + w[len(" ("):len(w)-1]
	}
	return ""
}

// sections reports sections of another kind than the interface's.
func (v *validation) sections(i *Interface) {
	if unresolved(i.Type) {
		return
	}
	for _, s := range kindSections {
		if s.given(i) && !contains(s.kinds, string(i.Type)) {
			v.fault(i, s.key, "", "the section does not belong to an interface of type "+string(i.Type), "leave it out, or make the type "+s.kinds[0])
		}
	}
	for _, s := range rawSections {
		if s.kind != "" && *s.of(i) != nil && s.kind != i.Type {
			v.fault(i, s.key, "", "the section does not belong to an interface of type "+string(i.Type), "leave it out, or make the type "+string(s.kind))
		}
	}
}

// kindSections tells to which kinds the typed sections belong.
var kindSections = []struct {
	key   string
	kinds []string
	given func(*Interface) bool
}{
	{"veth", []string{string(TypeVeth), string(TypeEthernet)}, func(i *Interface) bool { return i.Veth != nil }},
	{"link-aggregation", []string{string(TypeBond)}, func(i *Interface) bool { return i.Bond != nil }},
	{"vlan", []string{string(TypeVLAN)}, func(i *Interface) bool { return i.VLAN != nil }},
	{"bridge", []string{string(TypeBridge), string(TypeOVSBridge)}, func(i *Interface) bool { return i.Bridge != nil }},
}
