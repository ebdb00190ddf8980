package plan

import (
	"strconv"

	"holdfast/state"
)

// number is an MTU for people.
func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// mtuOf is the MTU of an interface, 0 for unknown.
func mtuOf(i *state.Interface) uint32 {
	if i == nil {
		return 0
	}
	return value(i.MTU)
}

// mtu plans the MTU as a step of its own: it is raised from the bottom up and
// lowered from the top down. A new link has it from the beginning, unless what
// happens to it then changes it.
func (b *builder) mtu(l *link) {
	to, from := mtuOf(l.want), mtuOf(l.was)
	if l.fresh {
		from = 0
	}
	why := b.whyMTU(l, from, to)
	if to == 0 || why == "" {
		return
	}
	s := Step{Verb: ChangeLink, Object: l.name, Keys: []string{KeyMTU}, Impact: ImpactHot, Why: why}
	if l.fresh {
		s.Impact = ImpactNone
	}
	s.Changes = []Change{{Key: KeyMTU, To: number(to)}}
	if from != 0 {
		s.Changes[0].From = number(from)
	}
	l.at.mtu = b.add(s, l)
}

// whyMTU is the reason for which the MTU has to be set, empty for none.
func (b *builder) whyMTU(l *link, from, to uint32) string {
	const pinned = "pinned: it would follow the ports"
	bridge := l.kind == &bridgeKind
	switch {
	case bridge && l.fresh && b.pins(l):
		return pinned
	case b.reset(l):
		return "as asked for, not as the bond leaves it"
	case l.fresh && !l.madeByPeer():
		return ""
	case from != to:
		return "packets up to this size"
	case l.sinks(b):
		return "lowered when " + l.base.name + " left its bond"
	case bridge && b.asked[l.name] != nil && l.drifts():
		return pinned
	}
	return ""
}

// pins tells whether a new bridge's MTU must not follow its ports: the
// document gives it, or it is not the smallest one of them.
func (b *builder) pins(l *link) bool {
	a := b.asked[l.name]
	return a != nil && a.MTU != nil || len(l.members) > 0 && l.drifts()
}

// reset tells whether a bond sets the MTU of the link when it joins or leaves,
// and the document asks for another one.
func (b *builder) reset(l *link) bool {
	a := b.asked[l.name]
	if a == nil || a.MTU == nil {
		return false
	}
	if l.parts && l.wasCtl.isBond() && !l.ctl.isBond() {
		return true
	}
	if !l.joins || !l.ctl.isBond() {
		return false
	}
	bond := mtuOf(l.ctl.want)
	if bond == 0 {
		bond = 1500
	}
	return bond != *a.MTU
}

// sinks tells whether a VLAN is lowered with its base when a bond gives the
// base's old MTU back; raising the base does not bring the VLAN back.
func (l *link) sinks(b *builder) bool {
	p := l.base
	return l.kind == &vlanKind && p != nil && p == l.wasBase && p.parts && p.wasCtl.isBond() && b.reset(p)
}

// drifts tells whether the bridge's MTU, which follows the smallest port until
// it is pinned, would leave its value with the ports that it is to have
// (net/bridge/br_if.c, br_mtu_auto_adjust).
func (l *link) drifts() bool {
	was, want := uint32(0), uint32(0)
	for _, m := range l.wasMembers {
		was = smaller(was, mtuOf(m.was))
	}
	for _, m := range l.members {
		n := mtuOf(m.want)
		if n == 0 && m.base != nil {
			n = mtuOf(m.base.want)
		}
		want = smaller(want, n)
	}
	return want != 0 && want != mtuOf(l.want) && (was == 0 || was == mtuOf(l.was))
}

// smaller is the smaller of two MTUs, where 0 is unknown.
func smaller(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// raises and lowers tell which way the plan moves the link's MTU.
func (l *link) raises() bool { return l.at.mtu >= 0 && !l.fresh && mtuOf(l.want) > mtuOf(l.was) }
func (l *link) lowers() bool { return l.at.mtu >= 0 && !l.fresh && mtuOf(l.want) < mtuOf(l.was) }

// wireMTU orders the steps of a link above and one below it. A new link waits
// until the one below has its MTU.
func (b *builder) wireMTU(above, below *link) {
	if above.base == below {
		b.need(above.at.create, below.at.mtu)
	}
	pinned := above.kind == &bridgeKind && !above.raises() && !above.lowers()
	switch {
	case pinned && !above.fresh:
		b.need(below.at.mtu, above.at.mtu)
		b.need(below.at.detach, above.at.mtu)
	case pinned:
	case above.lowers() && below.lowers():
		b.need(below.at.mtu, above.at.mtu)
	case !above.lowers() && !below.lowers():
		b.need(above.at.mtu, below.at.mtu)
	}
}
