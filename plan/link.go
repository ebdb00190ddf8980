package plan

import (
	"holdfast/state"
)

// link is one interface on its way from current to target.
type link struct {
	name string
	// was and want are the interface before and after; nil if there is none.
	was, want *state.Interface
	kind      *kind
	// wasBase and base are the links below, wasCtl and ctl the controllers.
	wasBase, base, wasCtl, ctl *link
	// wasPeer and peer are the other end of a veth.
	wasPeer, peer *link
	// uppers sit on this link before or after; wasMembers and members are the
	// ports before and after.
	uppers, wasMembers, members []*link

	// mentioned links are in the target; others stay as they are.
	mentioned bool
	// touched links have something to be planned.
	touched bool
	// gone links are removed and not made again, anew ones removed and made;
	// absent ones are gone because the target says so.
	gone, anew, absent bool
	// fresh links are made by this plan.
	fresh bool
	// released is a NIC that is given back.
	released bool
	// alone bonds have to be without ports for a moment.
	alone bool
	// ownDown links are set down for a moment, dips are down at some moment
	// whatever the cause.
	ownDown, dips bool
	// roused links come up because they become ports.
	roused bool
	// joins and parts tell that the link becomes a port, or leaves a controller.
	joins, parts bool
	// lostIPv4 tells that at some moment there is no IPv4 address left.
	lostIPv4 bool

	// changes are those of the section; change is their step or -1.
	changes []Change
	change  int
	at      marks
}

// marks are the indexes of a link's steps, -1 for none.
type marks struct {
	detach, down, remove, create, mtu, attach, primary, port, vlans, ownVLANs int
	filterOff, filterOn, ip, up, downLate                                     int
	removed, names, nameless                                                  []int
	// added are the steps that add addresses, with what they add.
	added []addedAddress
}

// none has no steps.
var none = marks{
	detach: -1, down: -1, remove: -1, create: -1, mtu: -1, attach: -1, primary: -1, port: -1, vlans: -1,
	ownVLANs: -1, filterOff: -1, filterOn: -1, ip: -1, up: -1, downLate: -1,
}

// leaves tells whether the link that was is removed.
func (l *link) leaves() bool { return l.gone || l.anew }

// wasUp tells whether the link is up now.
func (l *link) wasUp() bool { return l.was != nil && l.was.State != state.Down }

// endsUp tells whether the link is to be up.
func (l *link) endsUp() bool { return l.want != nil && (l.want.State != state.Down || l.roused) }

// guest tells whether the link is a foreign port: of the sort that others
// attach, and named neither by us nor by the document.
func (b *builder) guest(l *link) bool {
	f := l.was
	return f != nil && f.Facts != nil && f.Facts.Foreign && !f.Facts.Owned && b.asked[l.name] == nil && !b.listed[l.name] && !l.gone
}

// isBond tells whether ports join while they are down.
func (l *link) isBond() bool {
	if l == nil {
		return false
	}
	i := l.want
	if i == nil {
		i = l.was
	}
	return i.Type == state.TypeBond
}

// load makes the links of both states and ties them together.
func (b *builder) load() {
	n := len(b.target.State.Interfaces) + 8
	b.links = make([]link, 0, n+len(b.current.Interfaces))
	b.byName = make(map[string]*link, n)
	for _, i := range b.current.Interfaces {
		b.link(i.Name).was = i
	}
	for _, i := range b.target.State.Interfaces {
		l := b.link(i.Name)
		l.want, l.mentioned = i, true
		if i.State == state.Ignore || i.State == state.Unknown {
			l.want = l.was
		}
	}
	for n := range b.links {
		l := &b.links[n]
		if !l.mentioned {
			l.want = l.was
		}
	}
	b.tie()
}

// link finds or makes the link of that name.
func (b *builder) link(name string) *link {
	if l := b.byName[name]; l != nil {
		return l
	}
	b.links = append(b.links, link{name: name, kind: &other, change: -1, at: none})
	l := &b.links[len(b.links)-1]
	b.byName[name] = l
	return l
}

// tie connects bases, peers and controllers.
func (b *builder) tie() {
	for n := range b.links {
		l := &b.links[n]
		if l.want != nil && l.want.State == state.Absent {
			b.absent(l)
		}
		if l.want != nil {
			l.kind = kindOf(l.want.Type)
			l.base, l.peer = b.byName[baseOf(l.want)], b.byName[peerOf(l.want)]
		}
		if l.was != nil {
			l.wasBase, l.wasPeer = b.byName[baseOf(l.was)], b.byName[peerOf(l.was)]
		}
		if l.base != nil {
			l.base.uppers = append(l.base.uppers, l)
		}
		if l.wasBase != nil && l.wasBase != l.base {
			l.wasBase.uppers = append(l.wasBase.uppers, l)
		}
		l.touched = l.was != l.want
	}
	for n := range b.links {
		b.enlist(&b.links[n])
	}
	for n := range b.links {
		b.byController(&b.links[n])
	}
	for n := range b.links {
		l := &b.links[n]
		if l.ctl != nil {
			l.ctl.members = append(l.ctl.members, l)
		}
		if l.wasCtl != nil {
			l.wasCtl.wasMembers = append(l.wasCtl.wasMembers, l)
		}
	}
}

// absent decides what becomes of a link that is to be absent: virtual ones go,
// a NIC is released.
func (b *builder) absent(l *link) {
	next := *l.want
	l.want = nil
	if l.was == nil {
		return
	}
	if l.was.IsVirtual() && (l.was.Facts == nil || !l.was.Facts.Physical) {
		l.gone, l.absent = true, true
		return
	}
	l.released = true
	next.State, next.Controller = l.was.State, nil
	l.want = &next
}

// enlist gives the ports in a controller's list their controller.
func (b *builder) enlist(l *link) {
	for port := range portNames(l.want) {
		if m := b.byName[port]; m != nil && m.want != nil {
			m.ctl = l
		}
	}
	for port := range portNames(l.was) {
		if m := b.byName[port]; m != nil && m.was != nil {
			m.wasCtl = l
		}
	}
}

// portNames yields the names in the port list of a controller.
func portNames(i *state.Interface) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		if i == nil {
			return
		}
		if i.Bond != nil {
			for _, name := range i.Bond.Port {
				if !yield(name) {
					return
				}
			}
		}
		if i.Bridge != nil {
			for n := range i.Bridge.Port {
				if !yield(i.Bridge.Port[n].Name) {
					return
				}
			}
		}
	}
}

// byController uses what the port says where the controller has no list.
func (b *builder) byController(l *link) {
	if l.want != nil && !l.released && l.ctl == nil {
		if c := b.byName[value(l.want.Controller)]; c != nil && c.want != nil && !listed(c.want) {
			l.ctl = c
		}
	}
	if l.was != nil && l.wasCtl == nil {
		if c := b.byName[value(l.was.Controller)]; c != nil && c.was != nil && !listed(c.was) {
			l.wasCtl = c
		}
	}
	if l.released {
		l.ctl = nil
	}
}

// listed tells whether the controller lists its ports.
func listed(i *state.Interface) bool {
	return i.Bond != nil && i.Bond.Port != nil || i.Bridge != nil && i.Bridge.Port != nil
}
