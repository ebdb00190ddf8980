package kernel

import (
	"fmt"
	"math/rand/v2"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/state"
)

// New links get numbers from this range. The kernel counts up from 1 for
// links that nobody chose a number for, and will not come here.
const (
	lowestChosen  = 1 << 24
	highestChosen = 1 << 30
)

// A link is what the writers must know of one link.
type link struct {
	index  int
	name   string
	kind   string // of the kernel; empty for hardware
	master int
	group  uint32
	up     bool
	// made is set on what this Apply made.
	made bool
}

// A linkTable knows the links by name and number while a plan is carried out.
// Encoders look numbers up in it and enter what their messages will change.
type linkTable struct {
	byName  map[string]*link
	byIndex map[int]*link
	groups  map[uint32]bool
	next    *indexRange
	// before are the numbers that links had in the states of the plan: one that
	// is made again gets its own back.
	before map[string]int
	// primaries are primary ports of bonds that are not there yet, by bond.
	primaries map[string]string
	// pinned are the addresses that links keep when they are made anew, although
	// they could have them of others, by name.
	pinned map[string]string
}

// newLinkTable enters the links of a dump.
func newLinkTable(links []*rawLink, next *indexRange) *linkTable {
	t := &linkTable{
		byName:    make(map[string]*link, len(links)),
		byIndex:   make(map[int]*link, len(links)),
		groups:    map[uint32]bool{0: true},
		next:      next,
		before:    map[string]int{},
		primaries: map[string]string{},
	}
	for _, raw := range links {
		t.enter(&link{
			index: raw.Index, name: raw.Name, kind: raw.Kind, master: raw.Master,
			group: raw.Group, up: raw.Flags&unix.IFF_UP != 0,
		})
		t.groups[raw.Group] = true
	}
	return t
}

func (t *linkTable) enter(l *link) { t.byName[l.name], t.byIndex[l.index] = l, l }

// find gives the link of a name; an error names the link that is not there.
func (t *linkTable) find(name string) (*link, error) {
	if l := t.byName[name]; l != nil {
		return l, nil
	}
	return nil, &engine.Error{
		Object: name, Kind: engine.NotFound,
		Err: fmt.Errorf("there is no such interface: %w", unix.ENODEV),
	}
}

// remember enters the numbers that a state's links have; nil has none.
func (t *linkTable) remember(s *state.State) {
	if s == nil {
		return
	}
	for _, i := range s.Interfaces {
		if i.Facts != nil && i.Facts.Index > 0 {
			t.before[i.Name] = i.Facts.Index
		}
	}
}

// create enters a new link: under the number that it had before, if that is
// free, and a chosen one otherwise.
func (t *linkTable) create(name, kind string) *link {
	wanted := t.before[name]
	if old := t.byName[name]; old != nil {
		t.remove(old)
	}
	if wanted <= 0 || t.byIndex[wanted] != nil {
		wanted = t.next.choose(t.taken)
	}
	l := &link{index: wanted, name: name, kind: kind, made: true}
	t.enter(l)
	return l
}

// renumber gives another number to a link whose number turned out to be taken.
func (t *linkTable) renumber(l *link) {
	if t.byIndex[l.index] == l {
		delete(t.byIndex, l.index)
	}
	t.next.jump()
	l.index = t.next.choose(t.taken)
	t.byIndex[l.index] = l
}

func (t *linkTable) taken(index int) bool { return t.byIndex[index] != nil }

// remove forgets a link.
func (t *linkTable) remove(l *link) {
	if t.byName[l.name] == l {
		delete(t.byName, l.name)
	}
	if t.byIndex[l.index] == l {
		delete(t.byIndex, l.index)
	}
}

// freeGroup gives a link group that no link is in. Groups are anybody's; a
// random one in the upper half is not used by chance (iproute2 names 0 to 255).
func (t *linkTable) freeGroup() uint32 {
	for {
		if g := rand.Uint32() | 1<<31; !t.groups[g] {
			return g
		}
	}
}

// An indexRange gives numbers for new links. It starts at a random place, so
// that an engine started anew, or two of them, do not try the same numbers;
// that one is taken nevertheless is found out by the kernel's EEXIST.
type indexRange struct{ at int }

// jump goes on from another random place.
func (r *indexRange) jump() { r.at = lowestChosen + rand.IntN(highestChosen-lowestChosen) }

// choose gives the next number that is not taken.
func (r *indexRange) choose(taken func(int) bool) int {
	if r.at == 0 {
		r.jump()
	}
	for {
		r.at++
		if r.at >= highestChosen {
			r.at = lowestChosen
		}
		if !taken(r.at) {
			return r.at
		}
	}
}
