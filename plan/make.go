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
	// listed are the ports that its controllers list.
	listed map[string]bool

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
	b.asked, b.listed = map[string]*state.Interface{}, map[string]bool{}
	if b.target.Desired == nil {
		return
	}
	for _, i := range b.target.Desired.Interfaces {
		b.asked[i.Name] = i
		for port := range portNames(i) {
			b.listed[port] = true
		}
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
