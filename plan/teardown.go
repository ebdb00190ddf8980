package plan

// teardown plans what takes things away from a link.
func (b *builder) teardown(l *link) {
	if l.leaves() {
		b.remove(l)
		return
	}
	if l.was == nil {
		return
	}
	b.removeAddresses(l)
	b.part(l)
	if l.ownDown || l.wasUp() && !l.endsUp() {
		b.setDown(l)
	}
}

// remove plans the removal of a link.
func (b *builder) remove(l *link) {
	if l.removedByPeer() {
		return
	}
	s := Step{Verb: RemoveLink, Object: l.name, Impact: ImpactRecreate, Why: "to be absent"}
	switch {
	case l.anew && l.kind.worst(l.changes) == anew:
		s.Changes = l.changes
		s.Why = "cannot be changed in place, is made anew"
	case l.anew && l.was.Type != l.want.Type:
		s.Changes = []Change{{Key: "type", From: string(l.was.Type), To: string(l.want.Type)}}
		s.Why = "cannot be changed in place, is made anew"
	case l.anew:
		s.Why = "what carries it is made anew"
	case !l.absent:
		s.Why = "goes with what carries it"
	}
	for _, m := range l.wasMembers {
		if b.guest(m) {
			s.Affects = append(s.Affects, m.name)
		}
	}
	if p := l.wasPeer; p != nil && p.leaves() {
		s.Affects = append(s.Affects, p.name)
	}
	l.at.remove = b.add(s, l)
}

// part plans that a port leaves its controller. A controller that is removed
// lets its ports go by itself: only our own are taken out before.
func (b *builder) part(l *link) {
	if !l.parts || b.guest(l) && l.wasCtl.leaves() {
		return
	}
	s := Step{
		Verb: Detach, Object: l.name, Controller: l.wasCtl.name, Impact: ImpactDetach, Why: "no longer a port",
		Changes: []Change{{Key: "controller", From: l.wasCtl.name}},
	}
	switch {
	case l.ctl == l.wasCtl && l.ctl.alone:
		s.Why = l.ctl.name + " changes only without ports"
	case l.ctl == l.wasCtl:
		s.Why = l.ctl.name + " is made anew"
	case l.ctl != nil:
		s.Why = "moves to " + l.ctl.name
		s.Changes[0].To = l.ctl.name
	case l.wasCtl.gone:
		s.Why = l.wasCtl.name + " is removed"
	}
	l.at.detach = b.add(s, l)
}

// setDown plans that a link is set down, for a moment or for good.
func (b *builder) setDown(l *link) {
	s := Step{Verb: SetDown, Object: l.name, Impact: ImpactDown, Why: "to be down"}
	switch {
	case l.endsUp() && l.joins && l.ctl.isBond():
		s.Why = "joins " + l.ctl.name + " while down"
	case l.endsUp():
		s.Why = "changes only while down"
	default:
		s.Changes = []Change{{Key: "state", From: "up", To: "down"}}
	}
	for _, u := range l.uppers {
		if u.dips && u.wasBase == l {
			s.Affects = append(s.Affects, u.name)
		}
	}
	l.at.down = b.add(s, l)
}
