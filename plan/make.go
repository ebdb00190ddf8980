package plan

import (
	"net/netip"
	"slices"

	"holdfast/state"
)

// Make plans the way from current to target: the least disruptive steps, in
// levels. Nothing to do makes an empty plan. Both states may be shared with
// the plan afterwards and must not be changed.
//
// A *RefusedError names what is not done without Options.Force, an
// *UnsupportedError what this version cannot do at all.
func Make(current *state.State, target *state.Target, options Options) (*Plan, error) {
	b := &builder{current: current, target: target, options: options, removals: map[netip.Addr]removal{}}
	b.ask()
	b.load()
	if err := b.decide(); err != nil {
		return nil, err
	}
	b.steps = make([]Step, 0, 4*len(b.touched)+16)
	b.edges = make([]edge, 0, 16*len(b.touched)+16)
	for _, l := range b.touched {
		b.teardown(l)
	}
	for _, l := range b.touched {
		b.build(l)
	}
	for _, l := range b.touched {
		b.wire(l)
	}
	b.vlanConflicts()
	b.nameConflicts()
	b.moves()
	b.routes()
	b.rules()
	b.resolver()
	b.hostname()
	p := &Plan{
		Current: current, Target: target.State, Desired: target.Desired,
		Owned: target.Owned, Warnings: slices.Sorted(slices.Values(target.Warnings)),
	}
	if err := b.refuse(); err != nil {
		return nil, err
	}
	b.warn(p)
	b.order(p)
	return p, nil
}

// builder collects the steps of a plan.
type builder struct {
	current *state.State
	target  *state.Target
	options Options
	// asked are the interfaces of the document by name.
	asked map[string]*state.Interface

	links   []link
	byName  map[string]*link
	touched []*link

	steps []Step
	edges []edge
	// removals tells where addresses are taken away.
	removals map[netip.Addr]removal
	// sources is where addresses are added, built when first needed.
	sources map[netip.Addr]int
	// warnings are what the reader should know of what goes along.
	warnings []string
	// routesAdded and routesRemoved are the steps on routes by table.
	routesAdded, routesRemoved map[uint32][]int
}

// ask indexes the document.
func (b *builder) ask() {
	b.asked = map[string]*state.Interface{}
	if b.target.Desired == nil {
		return
	}
	for _, i := range b.target.Desired.Interfaces {
		b.asked[i.Name] = i
	}
}

// add appends a step. Steps on a link, given by l, get its payload.
func (b *builder) add(s Step, l *link) int {
	if l != nil {
		s.Was = l.was
		if s.Link == nil {
			s.Link = l.want
		}
		switch {
		case s.Type != "":
		case l.want != nil:
			s.Type = l.want.Type
		default:
			s.Type = l.was.Type
		}
	}
	if s.Impact == "" {
		s.Impact = ImpactNone
	}
	b.steps = append(b.steps, s)
	return len(b.steps) - 1
}

// edge says that a step waits for another one.
type edge struct{ step, needs int32 }

// need makes step i wait for step j; -1 is no step.
func (b *builder) need(i, j int) {
	if i >= 0 && j >= 0 && i != j {
		b.edges = append(b.edges, edge{int32(i), int32(j)})
	}
}

// few is up to how many steps are named one by one.
const few = 32

// needAll makes step i wait for all of list.
func (b *builder) needAll(i int, list []int) {
	for _, j := range list {
		b.need(i, j)
	}
}

// meet is a meeting point for many steps, so that many followers of many steps
// stay cheap: a step without a verb, which the ordering takes out again. A
// short list needs none.
func (b *builder) meet(list []int) []int {
	if len(list) <= few {
		return list
	}
	b.steps = append(b.steps, Step{})
	point := len(b.steps) - 1
	b.needAll(point, list)
	return []int{point}
}

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

// build plans what gives things to a link.
func (b *builder) build(l *link) {
	if l.want == nil {
		b.names(l)
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
