package monitor

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"holdfast/state"
)

// drifted tells in what the host is not as want asks. What waiting may still
// bring about is no drift. Differences of routes have the routes that Show
// knows.
func drifted(want, have *state.State) []Difference {
	var list []Difference
	for _, c := range state.Compare(want, have) {
		if c.Pending {
			continue
		}
		d := Difference{Object: c.Object, Key: c.Key, Want: c.Want, Have: c.Have}
		if name, ok := strings.CutPrefix(c.Object, "route "); ok {
			if d.route = findRoute(want.Routes, name); d.route == nil { // one that should not be there is called as it is
				d.route = findRoute(have.Routes, name)
			}
			d.Routes = makers(d.route, live(have.Routes))
		}
		list = append(list, d)
	}
	return list
}

// makers are the routes of a list that lead to where a route does.
func makers(to *state.Route, list []*state.Route) []Maker {
	if to == nil {
		return nil
	}
	var out []Maker
	for _, r := range list {
		if by := maker(r); by != "" && r.Destination == to.Destination.Masked() && table(r) == table(to) {
			out = append(out, Maker{Route: r.String(), Protocol: by})
		}
	}
	return out
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
	generation int
	// found is the drift as Show tells it, told with all routes.
	found, told []Difference
}

// next tells of drift when it begins, changes and ends, and remembers it. routes
// is asked, when there is something to tell, for all routes to some
// destinations: reading those of a routing daemon may take long.
func (s *driftState) next(generation int, found []Difference, routes func([]netip.Prefix) []*state.Route) []Event {
	before := *s
	if len(found) == len(before.found) && (len(found) == 0 || generation == before.generation && reflect.DeepEqual(found, before.found)) {
		return nil
	}
	*s = driftState{generation, found, complete(found, routes)}
	e := Event{Kind: Drift, What: Changed, Object: "host", Generation: generation, Differences: s.told}
	switch {
	case len(found) == 0:
		e.What = Ended
	case len(before.found) == 0:
		e.What = Began
	}
	return []Event{e}
}

// complete puts the routes in that Show does not know.
func complete(found []Difference, routes func([]netip.Prefix) []*state.Route) []Difference {
	var to []netip.Prefix
	for _, d := range found {
		if d.route != nil {
			to = append(to, d.route.Destination.Masked())
		}
	}
	if len(to) == 0 || routes == nil {
		return found
	}
	all := routes(to)
	told := slices.Clone(found)
	for i, d := range told {
		for _, m := range makers(d.route, all) {
			if !slices.Contains(d.Routes, m) {
				told[i].Routes = append(slices.Clip(told[i].Routes), m)
			}
		}
	}
	return told
}

// present tells of drift that there is, for who comes late.
func (s *driftState) present() []Event {
	if len(s.told) == 0 {
		return nil
	}
	return []Event{{Kind: Drift, What: Began, Object: "host", Generation: s.generation, Differences: s.told}}
}
