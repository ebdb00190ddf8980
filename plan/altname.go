package plan

import "holdfast/state"

// names plans the alternative names of a link. Those of a link that is
// removed go with it.
func (b *builder) names(l *link) {
	if l.want == nil {
		return
	}
	want := nameSet(l.want)
	var had map[string]bool
	if l.was != nil {
		had = nameSet(l.was)
	}
	if !l.fresh {
		for _, a := range l.was.AltNames {
			if !want[a.Name] && l.want.AltNames != nil {
				b.removeName(l, a.Name)
			}
		}
	}
	for _, a := range l.want.AltNames {
		if !want[a.Name] || had[a.Name] && !l.fresh {
			continue
		}
		i := b.add(Step{
			Verb: AddName, Object: l.name, AltName: a.Name, Impact: ImpactNone, Why: "new",
			Changes: []Change{{Key: "alt-names", To: a.Name}},
		}, l)
		l.at.names = append(l.at.names, i)
		b.need(i, l.creating())
	}
}

// removeName plans that one name goes.
func (b *builder) removeName(l *link, name string) {
	i := b.add(Step{
		Verb: RemoveName, Object: l.name, AltName: name, Impact: ImpactNone, Why: "not in the list",
		Changes: []Change{{Key: "alt-names", From: name}},
	}, l)
	l.at.nameless = append(l.at.nameless, i)
}

// nameSet are the names of the interface that are to be there.
func nameSet(i *state.Interface) map[string]bool {
	if len(i.AltNames) == 0 {
		return nil
	}
	set := make(map[string]bool, len(i.AltNames))
	for _, a := range i.AltNames {
		if a.State != state.Absent {
			set[a.Name] = true
		}
	}
	return set
}

// nameConflicts lets a name arrive after it left another link.
func (b *builder) nameConflicts() {
	free := map[string]int{}
	for _, l := range b.touched {
		for _, i := range l.at.nameless {
			free[b.steps[i].AltName] = i
		}
		if l.leaves() && l.removing() >= 0 {
			free[l.name] = l.removing()
			for name := range nameSet(l.was) {
				free[name] = l.removing()
			}
		}
	}
	if len(free) == 0 {
		return
	}
	for _, l := range b.touched {
		for _, i := range l.at.names {
			if j, ok := free[b.steps[i].AltName]; ok {
				b.need(i, j)
			}
		}
		if l.at.create >= 0 {
			if j, ok := free[l.name]; ok {
				b.need(l.at.create, j)
			}
		}
	}
}
