package plan

import (
	"reflect"

	"holdfast/state"
)

// vethKind is one end of a pair; a pair is made and removed as a whole.
var vethKind = kind{
	fields:  fieldsOf(reflect.TypeFor[state.Veth](), "veth"),
	section: func(i *state.Interface) any { return i.Veth },
	classes: map[string]class{"veth.peer": anew},
	makes:   true,
}

// peerOf names the other end of a veth, empty for none.
func peerOf(i *state.Interface) string {
	if i == nil || i.Type != state.TypeVeth || i.Veth == nil {
		return ""
	}
	return i.Veth.Peer
}

// madeByPeer tells whether the other end's step makes this one too: one of two
// new ends is enough, the first by name.
func (l *link) madeByPeer() bool {
	p := l.peer
	return l.fresh && p != nil && p.fresh && p.peer == l && p.kind == &vethKind && p.name < l.name
}

// removedByPeer tells whether the other end's removal takes this one along.
func (l *link) removedByPeer() bool {
	p := l.wasPeer
	return l.leaves() && p != nil && p.leaves() && p.name < l.name
}
