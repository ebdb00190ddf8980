package plan

import (
	"fmt"
	"slices"
)

// order puts the steps into levels: each comes one level after the last of
// those that it needs. Within a level they keep the order in which they were
// planned: interfaces by name, then routes, rules and the rest.
func (b *builder) order(p *Plan) {
	if len(b.steps) == 0 {
		return
	}
	needs := b.graph(func(e edge) (from, to int32) { return e.step, e.needs })
	levels, highest := b.levels(needs)
	for n := range b.steps {
		if b.steps[n].Level == last {
			levels[n] = highest + 1
		}
	}
	place := make([]int, len(b.steps))
	sorted := make([]int, 0, len(b.steps))
	for _, n := range byLevel(levels) {
		place[n] = -1
		if b.steps[n].Verb != "" {
			place[n] = len(sorted)
			sorted = append(sorted, n)
		}
	}
	p.Steps = make([]Step, len(sorted))
	slab := make([]int, 0, len(b.edges))
	dense := -1
	for i, n := range sorted {
		if i == 0 || levels[n] != levels[sorted[i-1]] {
			dense++
		}
		p.Steps[i] = b.steps[n]
		p.Steps[i].Level = dense
		start := len(slab)
		slab = needs.places(slab, n, levels, place, b.steps)
		if len(slab) > start {
			p.Steps[i].Needs = slab[start:len(slab):len(slab)]
		}
	}
}

// graph holds neighbours: those of step n are to[starts[n]:starts[n+1]].
type graph struct {
	starts []int32
	to     []int32
}

// graph gathers the edges by one of their ends.
func (b *builder) graph(ends func(edge) (from, to int32)) graph {
	g := graph{make([]int32, len(b.steps)+2), make([]int32, len(b.edges))}
	for _, e := range b.edges {
		from, _ := ends(e)
		g.starts[from+2]++
	}
	for n := range len(b.steps) {
		g.starts[n+2] += g.starts[n+1]
	}
	for _, e := range b.edges {
		from, to := ends(e)
		g.to[g.starts[from+1]] = to
		g.starts[from+1]++
	}
	return g
}

// of are the neighbours of a step.
func (g graph) of(n int) []int32 { return g.to[g.starts[n]:g.starts[n+1]] }

// levels gives every step its level; meeting points have that of the last one
// they wait for. It also tells the highest one.
func (b *builder) levels(needs graph) (levels []int, highest int) {
	followers := b.graph(func(e edge) (from, to int32) { return e.needs, e.step })
	levels = make([]int, len(b.steps))
	waiting := make([]int, len(b.steps))
	ready := make([]int, 0, len(b.steps))
	for n := range b.steps {
		if waiting[n] = len(needs.of(n)); waiting[n] == 0 {
			ready = append(ready, n)
		}
	}
	for done := 0; done < len(ready); done++ {
		n := ready[done]
		highest = max(highest, levels[n])
		for _, f := range followers.of(n) {
			after := levels[n]
			if b.steps[f].Verb != "" {
				after++
			}
			levels[f] = max(levels[f], after)
			if waiting[f]--; waiting[f] == 0 {
				ready = append(ready, int(f))
			}
		}
	}
	if len(ready) < len(b.steps) {
		panic("internal error: steps that wait for each other: " + b.circle(needs, waiting))
	}
	return levels, highest
}

// circle names the steps that wait for each other.
func (b *builder) circle(needs graph, waiting []int) string {
	var names []string
	for n := range b.steps {
		if waiting[n] > 0 {
			names = append(names, fmt.Sprintf("%d %s %s needs %v", n, b.steps[n].Verb, b.steps[n].Object, needs.of(n)))
		}
	}
	return fmt.Sprintf("%q", names)
}

// byLevel lists the steps by level, otherwise in their order.
func byLevel(levels []int) []int {
	counts := make([]int, slices.Max(levels)+2)
	for _, l := range levels {
		counts[l+1]++
	}
	for l := range len(counts) - 1 {
		counts[l+1] += counts[l]
	}
	sorted := make([]int, len(levels))
	for n, l := range levels {
		sorted[counts[l]] = n
		counts[l]++
	}
	return sorted
}

// places appends the needs of step n as places in the plan, in order, to the
// slab. A meeting point is stood for by the last of those that meet there.
func (g graph) places(slab []int, n int, levels, place []int, steps []Step) []int {
	start := len(slab)
	for _, j := range g.of(n) {
		for steps[j].Verb == "" {
			j = slices.MaxFunc(g.of(int(j)), func(x, y int32) int { return levels[x] - levels[y] })
		}
		slab = append(slab, place[j])
	}
	slices.Sort(slab[start:])
	return slab[:start+len(slices.Compact(slab[start:]))]
}
