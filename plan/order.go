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
	levels, highest := b.levels()
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
	dense := -1
	for i, n := range sorted {
		if i == 0 || levels[n] != levels[sorted[i-1]] {
			dense++
		}
		p.Steps[i] = b.steps[n]
		p.Steps[i].Level = dense
		p.Steps[i].Needs = b.needsOf(n, levels, place)
	}
}

// levels gives every step its level; meeting points have that of the last one
// they wait for. It also tells the highest one.
func (b *builder) levels() (levels []int, highest int) {
	levels = make([]int, len(b.steps))
	waiting := make([]int, len(b.steps))
	starts := make([]int, len(b.steps)+1)
	for n := range b.steps {
		waiting[n] = len(b.steps[n].Needs)
		for _, j := range b.steps[n].Needs {
			starts[j+1]++
		}
	}
	for j := range b.steps {
		starts[j+1] += starts[j]
	}
	followers := make([]int, starts[len(b.steps)])
	next := slices.Clone(starts)
	for n := range b.steps {
		for _, j := range b.steps[n].Needs {
			followers[next[j]] = n
			next[j]++
		}
	}
	ready := make([]int, 0, len(b.steps))
	for n := range b.steps {
		if waiting[n] == 0 {
			ready = append(ready, n)
		}
	}
	for done := 0; done < len(ready); done++ {
		n := ready[done]
		highest = max(highest, levels[n])
		for _, f := range followers[starts[n]:starts[n+1]] {
			after := levels[n] + 1
			if b.steps[f].Verb == "" || b.steps[n].Verb == "" {
				after = levels[n] + number1(b.steps[n].Verb == "" && b.steps[f].Verb != "")
			}
			levels[f] = max(levels[f], after)
			if waiting[f]--; waiting[f] == 0 {
				ready = append(ready, f)
			}
		}
	}
	if len(ready) < len(b.steps) {
		panic("internal error: steps that wait for each other: " + b.circle(waiting))
	}
	return levels, highest
}

// circle names the steps that wait for each other.
func (b *builder) circle(waiting []int) string {
	var names []string
	for n := range b.steps {
		if waiting[n] > 0 {
			names = append(names, fmt.Sprintf("%s %s needs %v", b.steps[n].Verb, b.steps[n].Object, b.steps[n].Needs))
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

// needsOf are the needs of a step as places in the plan, in order. A meeting
// point is stood for by the last of those that meet there.
func (b *builder) needsOf(n int, levels, place []int) []int {
	var needs []int
	for _, j := range b.steps[n].Needs {
		for b.steps[j].Verb == "" {
			j = slices.MaxFunc(b.steps[j].Needs, func(x, y int) int { return levels[x] - levels[y] })
		}
		needs = append(needs, place[j])
	}
	slices.Sort(needs)
	return slices.Compact(needs)
}
