package state

import (
	"reflect"
	"slices"
	"strings"
)

// OwnedSet returns the configuration that holdfast answers for once the host went
// from current to the target: that of before, nil for none, with what the change
// changed and what the document says. What others changed meanwhile is not taken
// over. It is a document of its own that makes the same again on a host that lost
// it:
//
//   - links that can be made again are in it whole, so that a bond that
//     somebody else made and the document only names comes back as it was;
//   - of hardware there is what was asked for, and the permanent address, by
//     which a NIC is found that got another name;
//   - ports, addresses, routes and rules of others are not in it.
//
// It shares nothing with its arguments.
func (t *Target) OwnedSet(previous, current *State) *State {
	o := &ownedSet{target: t, previous: previous, current: current, names: map[string]bool{}}
	if previous == nil {
		o.previous = &State{}
	}
	for _, i := range o.previous.Interfaces {
		o.names[i.Name] = true
	}
	for _, name := range t.Owned {
		o.names[name] = true
	}
	o.was, o.will = byName(current), byName(t.State)
	out := &State{Interfaces: o.interfaces(), Routes: o.routes(), Rules: o.rules()}
	o.rest(out)
	sortInterfaces(out)
	return out.Clone()
}

// ownedSet is an OwnedSet under way.
type ownedSet struct {
	target            *Target
	previous, current *State
	// was and will are the interfaces of the host before and after.
	was, will map[string]*Interface
	// names are the interfaces of the set, those that are gone included.
	names map[string]bool
}

func byName(s *State) map[string]*Interface {
	found := make(map[string]*Interface, len(s.Interfaces))
	for _, i := range s.Interfaces {
		found[i.Name] = i
	}
	return found
}

// remakes are the types of links that can be made again from their document.
var remakes = []Type{TypeBond, TypeVLAN, TypeBridge, TypeVeth, TypeDummy}

func remakeable(i *Interface) bool { return !physical(i) && slices.Contains(remakes, i.Type) }

// interfaces are those of before but for what the change took away, and the
// document's. One of before that the host lost by itself stays.
func (o *ownedSet) interfaces() []*Interface {
	before, desired := byName(o.previous), byName(o.target.Desired)
	list := []*Interface{}
	for name := range o.names {
		i, prev := o.will[name], before[name]
		switch {
		case i == nil || i.State == Ignore:
			if prev != nil {
				list = append(list, prev)
			}
		case i.State == Absent:
		case prev != nil && prev.Type == i.Type:
			list = append(list, o.advanced(prev, desired[name], staticInterface(i)))
		case remakeable(i):
			list = append(list, o.whole(staticInterface(i), desired[name]))
		default:
			list = append(list, o.mentioned(staticInterface(i), desired[name]))
		}
	}
	return list
}

// sortInterfaces sorts by name, so that equal sets are equal bytes.
func sortInterfaces(s *State) {
	slices.SortFunc(s.Interfaces, func(a, b *Interface) int { return strings.Compare(a.Name, b.Name) })
}

// advanced is the interface of before with what the change changed and the
// document mentions.
func (o *ownedSet) advanced(prev, des, i *Interface) *Interface {
	was := o.was[i.Name]
	if was == nil {
		was = &Interface{}
	}
	if des == nil {
		des = &Interface{}
	}
	if was == o.will[i.Name] && reflect.ValueOf(des).Elem().IsZero() {
		return prev
	}
	out := prev.Clone()
	advance(reflect.ValueOf(out).Elem(), reflect.ValueOf(des).Elem(),
		reflect.ValueOf(staticInterface(was)).Elem(), reflect.ValueOf(i).Elem(), remakeable(i))
	out.State = i.State
	o.dropGuests(out)
	return bare(out)
}

// whole is a link with everything that makes it what it is.
func (o *ownedSet) whole(i, des *Interface) *Interface {
	out := i.Clone()
	dropReadonly(reflect.ValueOf(out).Elem())
	if !pinned(i) && (des == nil || des.MAC == "") {
		out.MAC = ""
	}
	o.dropGuests(out)
	return bare(out)
}

// pinned tells whether somebody set the link's address: a new link has one only
// where it was asked for or taken of a port.
func pinned(i *Interface) bool { return i.Facts == nil || i.Facts.MACPinned }

// dropGuests takes the ports of others off a bridge.
func (o *ownedSet) dropGuests(out *Interface) {
	if out.Bridge != nil {
		out.Bridge.Port = slices.DeleteFunc(out.Bridge.Port, func(p BridgePort) bool {
			i := o.will[p.Name]
			return i != nil && !o.names[p.Name] && foreignPort(i)
		})
	}
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
func (o *ownedSet) mentioned(i, des *Interface) *Interface {
	out := &Interface{}
	if des != nil {
		project(reflect.ValueOf(out).Elem(), reflect.ValueOf(des).Elem(), reflect.ValueOf(i).Elem())
	}
	out.Name, out.Type, out.State, out.PermanentMAC = i.Name, i.Type, i.State, i.PermanentMAC
	return bare(out.Clone())
}

// routes are those of before but for what the change took away, and the
// document's.
func (o *ownedSet) routes() *Routes {
	ours, stay := map[routeKey]bool{}, map[routeKey]bool{}
	for _, r := range slices.Concat(configRoutes(o.previous), configRoutes(o.target.Desired)) {
		if r.State != Absent && r.State != Ignore {
			ours[r.key()] = true
		}
	}
	if len(ours) == 0 {
		return nil
	}
	var list []*Route
	for _, r := range configRoutes(o.target.State) {
		if ours[r.key()] {
			stay[r.key()] = true
			c := *r
			c.Facts, c.Origin = nil, nil
			list = append(list, &c)
		}
	}
	there := map[routeKey]bool{}
	for _, r := range liveRoutes(o.current.Routes) {
		there[r.key()] = true
	}
	for _, r := range configRoutes(o.previous) {
		if !stay[r.key()] && !there[r.key()] && o.carries(value(r.NextHopInterface, "")) {
			list = append(list, r)
		}
	}
	if list == nil {
		return nil
	}
	return &Routes{Config: list}
}

// carries tells whether a route through the interface can still be owned: one
// that the document took away takes its routes along.
func (o *ownedSet) carries(name string) bool {
	i := o.will[name]
	return name == "" || i == nil || i.State != Absent
}

// rules are those of before but for what the change took away, and the
// document's.
func (o *ownedSet) rules() *Rules {
	ours, stay, there := map[ruleKey]bool{}, map[ruleKey]bool{}, map[ruleKey]bool{}
	for _, r := range slices.Concat(configRules(o.previous), configRules(o.target.Desired)) {
		if r.State != Absent {
			ours[r.key()] = true
		}
	}
	if len(ours) == 0 {
		return nil
	}
	var list []*Rule
	for _, r := range configRules(o.target.State) {
		anywhere := r.key()
		anywhere.priority = -1
		if (ours[r.key()] || ours[anywhere]) && !r.foreign() {
			stay[r.key()] = true
			c := *r
			c.Facts, c.Origin = nil, nil
			list = append(list, &c)
		}
	}
	for _, r := range configRules(o.current) {
		there[r.key()] = true
	}
	for _, r := range configRules(o.previous) {
		if !stay[r.key()] && !there[r.key()] {
			list = append(list, r)
		}
	}
	if list == nil {
		return nil
	}
	return &Rules{Config: list}
}

// rest adds the resolver and the host name where they were ever asked for.
func (o *ownedSet) rest(out *State) {
	out.DNS, out.Hostname = o.previous.DNS, o.previous.Hostname
	now := o.target.State
	if des := o.target.Desired.DNS; des != nil && des.Config != nil && now.DNS != nil {
		out.DNS = &DNS{Config: now.DNS.Config}
	}
	if des := o.target.Desired.Hostname; des != nil && des.Config != nil && now.Hostname != nil {
		out.Hostname = &Hostname{Config: now.Hostname.Config}
	}
}
