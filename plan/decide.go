package plan

import (
	"fmt"
	"slices"

	"holdfast/internal/natural"
	"holdfast/state"
)

// decide finds out what becomes of every link: kept, changed in place, made
// again, removed; who joins and leaves whom; what is down for a moment.
func (b *builder) decide() error {
	for n := range b.links {
		if l := &b.links[n]; l.touched {
			l.decide()
		}
	}
	b.spread()
	for n := range b.links {
		b.membership(&b.links[n])
	}
	b.dips()
	for n := range b.links {
		if l := &b.links[n]; l.touched {
			b.touched = append(b.touched, l)
		}
	}
	slices.SortFunc(b.touched, func(x, y *link) int { return natural.Compare(x.name, y.name) })
	for _, l := range b.touched {
		if l.fresh && !l.kind.makes {
			return &UnsupportedError{Object: l.name, Reason: fmt.Sprintf("an interface of type %s cannot be made", typeText(l.want.Type))}
		}
	}
	return nil
}

// typeText is a type for people.
func typeText(t state.Type) string {
	if t == "" {
		return string(state.TypeUnknown)
	}
	return string(t)
}

// decide compares the sections of a link of which something differs.
func (l *link) decide() {
	if l.want == nil {
		return
	}
	if l.was == nil {
		l.fresh = true
		return
	}
	if l.want.Type == state.TypeBond && l.want.Bond != nil {
		l.want = settleMonitor(l.was, l.want)
	}
	if l.was.Type != l.want.Type && l.want.Type != "" && l.want.Type != state.TypeUnknown {
		l.anew, l.fresh = true, true
		return
	}
	l.changes = l.kind.changes(l.was, l.want)
	c := l.kind.worst(l.changes)
	if c == anew {
		l.anew, l.fresh = true, true
		return
	}
	l.ownDown = c.needsDown() && l.wasUp()
	l.alone = c.needsAlone()
}

// spread carries removal and re-creation on to what sits above and to the
// other end of a pair: they vanish with what carries them.
func (b *builder) spread() {
	var queue []*link
	for n := range b.links {
		if l := &b.links[n]; l.leaves() {
			queue = append(queue, l)
		}
	}
	for len(queue) > 0 {
		l := queue[0]
		queue = queue[1:]
		for _, u := range l.uppers {
			if u.wasBase == l && u.was != nil && !u.leaves() {
				u.vanish(u.base != l || !l.gone)
				queue = append(queue, u)
			}
		}
		if p := l.wasPeer; p != nil && p.was != nil && p.wasPeer == l && !p.leaves() {
			p.vanish(!l.gone && p.peer != nil)
			queue = append(queue, p)
		}
	}
}

// vanish makes the link go with another one, to be made again or not.
func (l *link) vanish(again bool) {
	l.touched = true
	if again && l.want != nil {
		l.anew, l.fresh = true, true
		return
	}
	l.gone, l.want, l.ctl = true, nil, nil
}

// membership finds out who joins and who leaves. A port that joins and that
// nobody wants down comes up.
func (b *builder) membership(l *link) {
	if l.ctl != nil && l.ctl.want == nil {
		l.ctl = nil
	}
	l.joins, l.parts = l.willJoin(), l.willPart()
	if !l.joins && !l.parts {
		return
	}
	l.touched = true
	l.roused = l.joins && b.asked[l.name] == nil && !b.guest(l)
	b.reveal(l)
	released := l.parts && l.wasCtl.isBond() // which brings it down
	if l.joins && l.ctl.isBond() && l.wasUp() && !l.leaves() && !released {
		l.ownDown = true
	}
}

// willJoin tells whether the link becomes a port, for the first time or again.
func (l *link) willJoin() bool {
	if l.ctl == nil || l.want == nil {
		return false
	}
	return l.fresh || l.wasCtl != l.ctl || l.ctl.fresh || l.ctl.alone
}

// willPart tells whether the link leaves its controller, for good or for a
// moment.
func (l *link) willPart() bool {
	if l.wasCtl == nil || l.leaves() {
		return false
	}
	return l.wasCtl != l.ctl || l.wasCtl.leaves() || l.wasCtl.alone
}

// reveal gives a link that is no port any more the IPv6 stack that the
// document asks for: a port shows none, so that turning it off looked like no
// change to the merge.
func (b *builder) reveal(l *link) {
	a := b.asked[l.name]
	if l.joins || l.want == nil || l.want.IPv6 != nil || a == nil || a.IPv6 == nil {
		return
	}
	next := *l.want
	next.IPv6 = a.IPv6
	l.want = &next
}

// falls tells whether the link is set down by the plan, or by a bond that it
// leaves.
func (l *link) falls() bool {
	if !l.wasUp() || l.leaves() {
		return false
	}
	return l.ownDown || l.parts && l.wasCtl.isBond() || l.touched && !l.endsUp()
}

// dips marks every link that is down at some moment: set down by us, brought
// down by a bond that it leaves, or by the base that it follows.
func (b *builder) dips() {
	var queue []*link
	for n := range b.links {
		if l := &b.links[n]; l.falls() {
			l.dips = true
			queue = append(queue, l)
		}
	}
	for len(queue) > 0 {
		l := queue[0]
		queue = queue[1:]
		for _, u := range l.uppers {
			if u.wasBase == l && !u.leaves() && !u.dips && u.wasUp() && follows(u.was) {
				u.dips, u.touched = true, true
				queue = append(queue, u)
			}
		}
	}
	for n := range b.links {
		b.links[n].dragsUp()
		b.links[n].letsIn()
	}
}

// dragsUp has the VLANs looked at that come up with this link although they
// are to be down.
func (l *link) dragsUp() {
	if !l.rises() {
		return
	}
	for _, u := range l.uppers {
		if u.base == l && u.want != nil && !u.endsUp() && follows(u.want) {
			u.touched = true
		}
	}
}

// letsIn has a filtering bridge looked at when a VLAN on it comes or goes.
func (l *link) letsIn() {
	if l.want == nil || l.want.Bridge == nil || len(l.uppers) == 0 || !VLANFiltering(l.want.Bridge) {
		return
	}
	for _, u := range l.uppers {
		l.touched = l.touched || u.fresh || u.leaves()
	}
}
