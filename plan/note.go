package plan

import "holdfast/state"

// notes plans what is only kept on record and changes nothing on the host:
// description, profile name and what to wait for. A link that is made anew is
// another one to the record, and a NIC that is given back has none.
func (b *builder) notes(l *link) {
	if l.want == nil {
		return
	}
	note := &state.Interface{Name: l.name, Type: l.want.Type}
	if !l.released {
		note.Description, note.ProfileName, note.WaitIP = l.want.Description, l.want.ProfileName, l.want.WaitIP
	}
	was := &state.Interface{}
	if l.was != nil && !l.fresh {
		was = l.was
	}
	var changes []Change
	for _, c := range []Change{
		{Key: "profile-name", From: was.ProfileName, To: note.ProfileName},
		{Key: "description", From: was.Description, To: note.Description},
		{Key: "wait-ip", From: string(was.WaitIP), To: string(note.WaitIP)},
	} {
		if c.From != c.To {
			changes = append(changes, c)
		}
	}
	if len(changes) == 0 {
		return
	}
	i := b.add(Step{
		Verb: Describe, Object: l.name, Link: note, Changes: changes, Keys: keysOf(changes),
		Impact: ImpactNone, Why: "kept on record only",
	}, l)
	b.need(i, l.creating())
}
