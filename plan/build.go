package plan

import (
	"slices"

	"holdfast/state"
)

// build plans what gives things to a link.
func (b *builder) build(l *link) {
	if l.want == nil {
		return
	}
	if l.fresh {
		b.create(l)
	}
	b.tune(l)
	b.keepPrimary(l)
	b.mtu(l)
	b.filter(l)
	b.attach(l)
	b.ports(l)
	b.ownVLANs(l)
	b.ip(l)
	b.setUp(l)
	b.addAddresses(l)
	b.names(l)
	b.notes(l)
}

// create plans the creation of a link.
func (b *builder) create(l *link) {
	if l.madeByPeer() {
		return
	}
	link := *l.want
	if l.kind == &bondKind {
		link = *bondForCreate(l.want)
	}
	if l.anew && link.MAC == l.inherited() {
		link.MAC = ""
	}
	if l.kind == &bridgeKind && !b.pins(l) {
		link.MTU = nil
	}
	s := Step{Verb: CreateLink, Object: l.name, Impact: ImpactNone, Why: "new", Link: &link}
	if l.anew {
		s.Impact, s.Why = ImpactRecreate, "made anew"
	}
	if own := l.want.PermanentMAC; own != "" && l.ctl.isBond() {
		link.MAC = own // MAC is the bond's; the port's own is what it has again when it leaves
	}
	s.Changes = createChanges(l, &link)
	link.Controller = nil
	if l.ctl != nil {
		s.Controller = l.ctl.name
		link.Controller = &s.Controller
		s.Changes = append(s.Changes, Change{Key: "controller", To: l.ctl.name})
	}
	if p := l.peer; p != nil && p.madeByPeer() {
		s.Affects = append(s.Affects, p.name)
	}
	l.at.create = b.add(s, l)
}

// inherited is the address that a VLAN has from its base, empty if it has its
// own.
func (l *link) inherited() state.MAC {
	if l.was == nil || l.wasBase == nil || l.wasBase.was == nil || l.was.Type != state.TypeVLAN {
		return ""
	}
	return l.wasBase.was.MAC
}

// createChanges are the values of a new link.
func createChanges(l *link, link *state.Interface) []Change {
	changes := []Change{{Key: "type", To: string(link.Type)}}
	changes = append(changes, l.kind.changes(nil, link)...)
	if link.MAC != "" {
		changes = append(changes, Change{Key: KeyMAC, To: string(link.MAC)})
	}
	if link.MTU != nil {
		changes = append(changes, Change{Key: KeyMTU, To: number(*link.MTU)})
	}
	return changes
}

// tune plans changes in place of a link's own options.
func (b *builder) tune(l *link) {
	var changes []Change
	if !l.fresh || l.madeByPeer() {
		changes = slices.Concat(l.macChange(), l.promiscuous())
	} else {
		changes = l.promiscuous()
	}
	worst := hot
	if !l.fresh {
		rest, primary := takePrimary(l.changes)
		if primary != nil {
			b.primary(l, *primary)
		}
		if l.emptied() {
			rest = append(rest, Change{Key: KeyMAC, From: string(l.was.MAC), To: string(l.want.MAC)})
		}
		changes, worst = append(changes, rest...), l.kind.worst(rest)
	}
	if len(changes) == 0 {
		return
	}
	s := Step{Verb: ChangeLink, Object: l.name, Changes: changes, Keys: keysOf(changes), Impact: worst.impact(), Why: "changed in place"}
	switch {
	case l.fresh:
		s.Impact, s.Why = ImpactNone, "new"
	case worst == flaps:
		s.Why = "the carrier is negotiated anew"
	case worst.needsAlone():
		s.Why = "changes only without ports"
	case worst.needsDown():
		s.Why = "changes only while down"
	}
	l.change = b.add(s, l)
}

// primary plans the primary port, which has to be there.
func (b *builder) primary(l *link, c Change) {
	l.at.primary = b.add(Step{
		Verb: ChangeLink, Object: l.name, Changes: []Change{c}, Keys: []string{c.Key}, Impact: ImpactHot, Why: "the preferred port",
	}, l)
}

// keepPrimary names the primary port to a new bond, and again after the port
// was away.
func (b *builder) keepPrimary(l *link) {
	name := value(options(l.want).Primary)
	if l.kind != &bondKind || l.at.primary >= 0 || name == "" || !slices.Contains(primaryModes, l.want.Bond.Mode) {
		return
	}
	if m := b.byName[name]; l.fresh || m != nil && m.ctl == l && m.joins {
		b.primary(l, Change{Key: bondOptions + "primary", To: name})
	}
}

// emptied tells whether every port of the bond leaves, which makes the kernel
// invent another address for it (__bond_release_one,
// drivers/net/bonding/bond_main.c); the target's is set again before ports
// come.
func (l *link) emptied() bool {
	if l.kind != &bondKind || l.want.MAC == "" || l.want.MAC != l.was.MAC || len(l.wasMembers) == 0 {
		return false
	}
	return !slices.ContainsFunc(l.wasMembers, func(m *link) bool { return !m.parts && !m.leaves() })
}

// macChange is the change of the hardware address. Ports of a bond have the
// bond's; a port that leaves one has its own again.
func (l *link) macChange() []Change {
	if l.want.MAC == "" || l.ctl.isBond() {
		return nil
	}
	var from state.MAC
	if l.was != nil && !l.fresh {
		from = l.was.MAC
		if l.parts && l.wasCtl.isBond() {
			if from == l.want.MAC || l.was.PermanentMAC == l.want.MAC {
				return nil
			}
			from = l.was.PermanentMAC
		}
	}
	if from == l.want.MAC {
		return nil
	}
	return []Change{{Key: KeyMAC, From: string(from), To: string(l.want.MAC)}}
}

// promiscuous is the change of whether every frame is taken in.
func (l *link) promiscuous() []Change {
	if l.want.Promiscuous == nil {
		return nil
	}
	from := false
	if l.was != nil && !l.fresh {
		from = value(l.was.Promiscuous)
	}
	if from == *l.want.Promiscuous {
		return nil
	}
	return []Change{{Key: KeyPromiscuous, From: yes(from), To: yes(!from)}}
}

// yes is a boolean as a document says it.
func yes(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

// attach plans that an existing link becomes a port. A new one is made as a
// port in its create message.
func (b *builder) attach(l *link) {
	if !l.joins || l.at.create >= 0 {
		return
	}
	s := Step{
		Verb: Attach, Object: l.name, Controller: l.ctl.name, Impact: ImpactHot, Why: "becomes a port",
		Changes: []Change{{Key: "controller", To: l.ctl.name}},
	}
	switch {
	case l.wasCtl == l.ctl:
		s.Why, s.Impact = "a port as before", ImpactDetach
	case l.wasCtl != nil:
		s.Changes[0].From = l.wasCtl.name
	}
	if b.guest(l) {
		s.Affects = []string{l.name}
	}
	l.at.attach = b.add(s, l)
}

// setUp plans that the link is set up, or down again where the kernel brings
// it up as a side effect.
func (b *builder) setUp(l *link) {
	if l.endsUp() {
		if !l.fresh && l.wasUp() && !l.dips {
			return
		}
		s := Step{Verb: SetUp, Object: l.name, Why: "to be up"}
		switch {
		case !l.fresh && l.wasUp():
			s.Why = "up again"
		case !l.fresh:
			s.Changes = []Change{{Key: "state", From: "down", To: "up"}}
		}
		l.at.up = b.add(s, l)
		return
	}
	if l.joins && l.ctl.isBond() || l.base != nil && l.base.rises() && follows(l.want) {
		l.at.downLate = b.add(Step{Verb: SetDown, Object: l.name, Impact: ImpactNone, Why: "to be down, also when " + l.below() + " comes up"}, l)
	}
}

// rises tells whether the plan sets the link up.
func (l *link) rises() bool { return l.touched && l.endsUp() && (l.fresh || !l.wasUp() || l.dips) }

// below names what brings the link up by itself.
func (l *link) below() string {
	if l.joins {
		return l.ctl.name
	}
	return l.base.name
}
