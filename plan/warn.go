package plan

import (
	"fmt"
	"slices"
)

// rank is the order of impacts.
var rank = map[Impact]int{ImpactNone: 0, ImpactHot: 1, ImpactDetach: 2, ImpactDown: 3, ImpactRecreate: 4}

// Impact is the highest impact of the plan's steps, ImpactNone if empty.
func (p *Plan) Impact() Impact {
	worst := ImpactNone
	for n := range p.Steps {
		if i := p.Steps[n].Impact; rank[i] > rank[worst] {
			worst = i
		}
	}
	return worst
}

// Disrupts tells whether the step disturbs traffic beyond a change in place.
func (s *Step) Disrupts() bool { return rank[s.Impact] >= rank[ImpactDetach] }

// warn adds what the reader should know: his own session, guests, what goes
// along.
func (b *builder) warn(p *Plan) {
	b.lost()
	slices.Sort(b.warnings)
	p.Warnings = append(p.Warnings, b.warnings...)
	carrying := b.session()
	warned := map[string]bool{}
	for n := range b.steps {
		s := &b.steps[n]
		by := carrying[s.Object]
		if by == "" || s.Impact == ImpactNone || warned[s.Object] || s.Verb == "" || b.byName[s.Object] == nil {
			continue
		}
		warned[s.Object] = true
		text := fmt.Sprintf("%s carries your own session", s.Object)
		if by != s.Object {
			text = fmt.Sprintf("%s carries your own session, which is on %s", s.Object, by)
		}
		p.Warnings = append(p.Warnings, text)
	}
	for _, l := range b.touched {
		for _, m := range l.members {
			if m.joins && m.wasCtl != nil && b.guest(m) {
				p.Warnings = append(p.Warnings, fmt.Sprintf("%s: the guest port %s is taken out and put back", l.name, m.name))
			}
		}
		if l.gone && !l.absent {
			p.Warnings = append(p.Warnings, l.name+" goes with what carries it")
		}
	}
}

// session finds the links that carry the caller's session, with the name of
// the one that it is on: that one and everything below it.
func (b *builder) session() map[string]string {
	carrying := map[string]string{}
	var walk func(l *link, on string)
	walk = func(l *link, on string) {
		if l == nil || carrying[l.name] != "" {
			return
		}
		carrying[l.name] = on
		walk(l.wasBase, on)
		for _, m := range l.wasMembers {
			if !b.guest(m) {
				walk(m, on)
			}
		}
	}
	for n := range b.links {
		l := &b.links[n]
		if l.was != nil && l.was.Facts != nil && l.was.Facts.Session {
			walk(l, l.name)
		}
	}
	return carrying
}
