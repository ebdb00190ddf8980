package kernel

import (
	"context"
	"maps"
	"sync"

	"holdfast/plan"
	"holdfast/state"
)

// A note is what documents say of an interface and no kernel knows. It lies in
// the record of the run directory, and ends with its interface.
type note struct {
	// Index is the link's: one that others made anew under the name has none.
	Index       int          `json:"index"`
	ProfileName string       `json:"profile-name,omitempty"`
	Description string       `json:"description,omitempty"`
	WaitIP      state.WaitIP `json:"wait-ip,omitempty"`
}

// empty tells whether nothing is said.
func (n note) empty() bool { return n.ProfileName == "" && n.Description == "" && n.WaitIP == "" }

// A notebook holds the notes of a change under way, by the interface's name.
// They go before those on record, and are put there when the change is
// committed: no file is written before. Without a run directory they stay.
type notebook struct {
	mu    sync.Mutex
	fresh map[string]note
}

func (b *notebook) put(name string, n note) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fresh == nil {
		b.fresh = map[string]note{}
	}
	b.fresh[name] = n
}

// pending gives a copy of the notes that are not on record.
func (b *notebook) pending() map[string]note {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.fresh)
}

// reset makes notes all that are not on record.
func (b *notebook) reset(notes map[string]note) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh = maps.Clone(notes)
}

// find gives the note of a link; the empty one if there is none.
func (b *notebook) find(name string, index int, r record) note {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, found := b.fresh[name]
	if !found || n.Index != index {
		n, found = r.Notes[name]
	}
	if !found || n.Index != index {
		return note{}
	}
	return n
}

// write writes the note of a link into what is shown of it.
func (b *notebook) write(i *state.Interface, r record) {
	n := b.find(i.Name, i.Facts.Index, r)
	i.ProfileName, i.Description, i.WaitIP = n.ProfileName, n.Description, n.WaitIP
}

// among gives the notes of the links that are there, for the record.
func (b *notebook) among(links []*rawLink, r record) map[string]note {
	notes := map[string]note{}
	for _, l := range links {
		if n := b.find(l.Name, l.Index, r); !n.empty() {
			notes[l.Name] = n
		}
	}
	return notes
}

// encodeDescribe notes what the document says. Nothing is sent.
func encodeDescribe(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	return wave(task{op: "note", call: func(_ context.Context, e *Engine) error {
		e.notes.put(l.name, note{
			Index: l.index, ProfileName: s.Link.ProfileName, Description: s.Link.Description, WaitIP: s.Link.WaitIP,
		})
		return nil
	}}), nil
}
