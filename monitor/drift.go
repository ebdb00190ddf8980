package monitor

import (
	"reflect"
	"slices"
	"strings"

	"holdfast/state"
)

// drifted tells in what the host is not as want asks. What waiting may still
// bring about is no drift.
func drifted(want, have *state.State) []Difference {
	var list []Difference
	for _, d := range state.Compare(want, have) {
		if !d.Pending {
			list = append(list, Difference{Object: d.Object, Key: d.Key, Want: d.Want, Have: d.Have, Routes: makers(d.Object, want, have)})
		}
	}
	return list
}

// makers are the routes that are there to where the route called object leads,
// nil if it is none.
func makers(object string, want, have *state.State) []Maker {
	name, ok := strings.CutPrefix(object, "route ")
	if !ok {
		return nil
	}
	asked := findRoute(want.Routes, name)
	if asked == nil { // one that should not be there is called as it is
		asked = findRoute(have.Routes, name)
	}
	if asked == nil {
		return nil
	}
	var list []Maker
	for _, r := range live(have.Routes) {
		if by := maker(r); by != "" && r.Destination == asked.Destination.Masked() && table(r) == table(asked) {
			list = append(list, Maker{Route: r.String(), Protocol: by})
		}
	}
	return list
}

// findRoute finds a route by what it is called, nil if there is none.
func findRoute(routes *state.Routes, name string) *state.Route {
	list := live(routes)
	if at := slices.IndexFunc(list, func(r *state.Route) bool { return r.String() == name }); at >= 0 {
		return list[at]
	}
	return nil
}

// table is a route's table; nothing and 0 are main, as in the schema.
func table(r *state.Route) uint32 {
	const main = 254 // RT_TABLE_MAIN
	if r.TableID == nil || *r.TableID == 0 {
		return main
	}
	return *r.TableID
}

// driftState is what was told of drift.
type driftState struct {
	generation  int
	differences []Difference
}

// next tells of drift when it begins, changes and ends, and remembers it.
func (s *driftState) next(generation int, differences []Difference) []Event {
	before := *s
	*s = driftState{generation, differences}
	e := Event{Kind: Drift, Object: "host", Generation: generation, Differences: differences}
	switch {
	case len(differences) == 0 && len(before.differences) == 0:
		return nil
	case len(differences) == 0:
		e.What = Ended
	case len(before.differences) == 0:
		e.What = Began
	case reflect.DeepEqual(before, *s):
		return nil
	default:
		e.What = Changed
	}
	return []Event{e}
}

// present tells of drift that there is, for who comes late.
func (s *driftState) present() []Event {
	if len(s.differences) == 0 {
		return nil
	}
	return []Event{{Kind: Drift, What: Began, Object: "host", Generation: s.generation, Differences: s.differences}}
}
