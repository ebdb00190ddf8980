package state

import (
	"reflect"
	"slices"
	"strings"
)

// OwnedSet returns the configuration that holdfast answers for once the target
// is reached: that of before, nil for none, with what the document changed. It
// is a document of its own that makes the same again on a host that lost it:
//
//   - links that can be made again are in it whole, so that a bond that
//     somebody else made and the document only names comes back as it was;
//   - of hardware there is what was asked for, and the permanent address, by
//     which a NIC is found that got another name;
//   - ports, addresses, routes and rules of others are not in it.
//
// It shares nothing with its arguments.
func (t *Target) OwnedSet(previous *State) *State {
	o := &ownedSet{target: t, previous: previous, names: map[string]bool{}}
	if previous == nil {
		o.previous = &State{}
	}
	for _, i := range o.previous.Interfaces {
		o.names[i.Name] = true
	}
	for _, name := range t.Owned {
		o.names[name] = true
	}
	out := &State{Interfaces: o.interfaces(), Routes: o.routes(), Rules: o.rules()}
	o.rest(out)
	sortInterfaces(out)
	return out.Clone()
}

// ownedSet is an OwnedSet under way.
type ownedSet struct {
	target   *Target
	previous *State
	// names are the interfaces of the set, those that are gone included.
	names map[string]bool
}

// remakes are the types of links that can be made again from their document.
var remakes = []Type{TypeBond, TypeVLAN, TypeBridge, TypeVeth, TypeDummy}

func (o *ownedSet) interfaces() []*Interface {
	list := []*Interface{}
	for _, i := range o.target.State.Interfaces {
		if !o.names[i.Name] || i.State == Absent || i.State == Ignore {
			continue
		}
		if i = staticInterface(i); !physical(i) && slices.Contains(remakes, i.Type) {
			list = append(list, o.whole(i))
		} else {
			list = append(list, o.mentioned(i))
		}
	}
	return list
}

// sortInterfaces sorts by name, so that equal sets are equal bytes.
func sortInterfaces(s *State) {
	slices.SortFunc(s.Interfaces, func(a, b *Interface) int { return strings.Compare(a.Name, b.Name) })
}

// asked is what the set of before and the document say of an interface; nil
// for nothing.
func (o *ownedSet) asked(name string) *Interface {
	return overlay(o.previous.Find(name), o.target.Desired.Find(name))
}

// whole is a link with everything that makes it what it is.
func (o *ownedSet) whole(i *Interface) *Interface {
	out := i.Clone()
	dropReadonly(reflect.ValueOf(out).Elem())
	if asked := o.asked(i.Name); !pinned(i) && (asked == nil || asked.MAC == "") {
		out.MAC = ""
	}
	if out.Bridge != nil {
		out.Bridge.Port = slices.DeleteFunc(out.Bridge.Port, func(p BridgePort) bool { return o.guest(p.Name) })
	}
	return bare(out)
}

// pinned tells whether somebody set the link's address: a new link has one only
// where it was asked for or taken of a port.
func pinned(i *Interface) bool { return i.Facts == nil || i.Facts.MACPinned }

// guest tells whether a port belongs to somebody else.
func (o *ownedSet) guest(name string) bool {
	i := o.target.State.Find(name)
	return i == nil || !o.names[name] && foreignPort(i)
}

// bare strips what only the host and the document know.
func bare(i *Interface) *Interface {
	i.Facts, i.Origin = nil, nil
	for _, list := range addressLists(i) {
		for n := range list {
			list[n].Facts = nil
		}
	}
	return i
}

func addressLists(i *Interface) [][]Address {
	var lists [][]Address
	if i.IPv4 != nil {
		lists = append(lists, i.IPv4.Address)
	}
	if i.IPv6 != nil {
		lists = append(lists, i.IPv6.Address)
	}
	return lists
}

// mentioned is what was asked for of a link, with the target's values.
func (o *ownedSet) mentioned(i *Interface) *Interface {
	out := &Interface{}
	if asked := o.asked(i.Name); asked != nil {
		project(reflect.ValueOf(out).Elem(), reflect.ValueOf(asked).Elem(), reflect.ValueOf(i).Elem())
	}
	out.Name, out.Type, out.State, out.PermanentMAC = i.Name, i.Type, i.State, i.PermanentMAC
	return bare(out.Clone())
}

// project fills out with those members of from that the mask mentions.
func project(out, mask, from reflect.Value) {
	for _, f := range schemaFields[out.Type()] {
		want, have, to := mask.Field(f.index), from.Field(f.index), out.Field(f.index)
		switch {
		case f.readonly || want.IsZero():
		case want.Kind() == reflect.Struct && schemaFields[want.Type()] != nil:
			project(to, want, have)
		case want.Kind() == reflect.Pointer && schemaFields[want.Type().Elem()] != nil && !have.IsNil():
			section := reflect.New(want.Type().Elem())
			project(section.Elem(), want.Elem(), have.Elem())
			to.Set(section)
		case have.IsZero():
			to.Set(want)
		default:
			to.Set(have)
		}
	}
}

// dropReadonly zeroes what only the host can say, in all sections. Lists of
// sections have nothing of the sort that configures.
func dropReadonly(v reflect.Value) {
	for _, f := range schemaFields[v.Type()] {
		field := v.Field(f.index)
		switch {
		case f.readonly:
			field.SetZero()
		case field.Kind() == reflect.Struct && schemaFields[field.Type()] != nil:
			dropReadonly(field)
		case field.Kind() == reflect.Pointer && schemaFields[field.Type().Elem()] != nil && !field.IsNil():
			dropReadonly(field.Elem())
		}
	}
}

// routes are those of before that are still there, and the document's.
func (o *ownedSet) routes() *Routes {
	ours := map[routeKey]bool{}
	for _, s := range []*State{o.previous, o.target.Desired} {
		if s.Routes == nil {
			continue
		}
		for _, r := range s.Routes.Config {
			if r.State != Absent && r.State != Ignore {
				ours[r.key()] = true
			}
		}
	}
	if len(ours) == 0 || o.target.State.Routes == nil {
		return nil
	}
	var list []*Route
	for _, r := range o.target.State.Routes.Config {
		if ours[r.key()] {
			c := *r
			c.Facts, c.Origin = nil, nil
			list = append(list, &c)
		}
	}
	if list == nil {
		return nil
	}
	return &Routes{Config: list}
}

// rules are those of before that are still there, and the document's.
func (o *ownedSet) rules() *Rules {
	ours := map[ruleKey]bool{}
	for _, s := range []*State{o.previous, o.target.Desired} {
		if s.Rules == nil {
			continue
		}
		for _, r := range s.Rules.Config {
			if r.State != Absent {
				ours[r.key()] = true
			}
		}
	}
	if len(ours) == 0 || o.target.State.Rules == nil {
		return nil
	}
	var list []*Rule
	for _, r := range o.target.State.Rules.Config {
		anywhere := r.key()
		anywhere.priority = -1
		if (ours[r.key()] || ours[anywhere]) && !r.foreign() {
			c := *r
			c.Facts, c.Origin = nil, nil
			list = append(list, &c)
		}
	}
	if list == nil {
		return nil
	}
	return &Rules{Config: list}
}

// rest adds the resolver and the host name where they were ever asked for.
func (o *ownedSet) rest(out *State) {
	now := o.target.State
	mentions := func(s *State) bool { return s.DNS != nil && s.DNS.Config != nil }
	if (mentions(o.previous) || mentions(o.target.Desired)) && now.DNS != nil && now.DNS.Config != nil {
		out.DNS = &DNS{Config: now.DNS.Config}
	}
	names := func(s *State) bool { return s.Hostname != nil && s.Hostname.Config != nil }
	if (names(o.previous) || names(o.target.Desired)) && now.Hostname != nil && now.Hostname.Config != nil {
		out.Hostname = &Hostname{Config: now.Hostname.Config}
	}
}
