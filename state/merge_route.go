package state

import (
	"net/netip"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// mergeRoutes takes away what the document's wildcards mean and what its
// interfaces lose, and adds the document's routes. What it does not mention
// stays.
func (m *merger) mergeRoutes() {
	m.resolveRoutes()
	live := liveRoutes(m.current.Routes)
	lost := m.lostStacks()
	gone := m.wildcards(live)
	index := make(map[routeKey]int, len(live))
	for _, r := range live {
		if gone[r] {
			continue
		}
		name := value(r.NextHopInterface, "")
		if l := m.byName[name]; l != nil && l.released && !r.foreign() {
			continue
		}
		if lost[stack{name, r.is6()}] {
			if r = m.moveRoute(r); r == nil {
				continue
			}
			if _, twice := index[r.key()]; twice {
				continue
			}
		}
		index[r.key()] = len(m.routes)
		m.routes = append(m.routes, r)
	}
	for _, want := range m.wantRoutes {
		if want.State == Absent || want.State == Ignore {
			continue
		}
		key := want.key()
		at, there := index[key]
		if !there {
			index[key] = len(m.routes)
			m.routes = append(m.routes, want)
			continue
		}
		m.routes[at] = layRoute(m.routes[at], want)
	}
}

// is6 tells whether the route is one of IPv6.
func (r *Route) is6() bool { return r.Destination.Addr().Is6() }

// liveRoutes lists the configured routes and the others that run, each once.
func liveRoutes(routes *Routes) []*Route {
	if routes == nil {
		return nil
	}
	known := make(map[*Route]bool, len(routes.Config))
	keys := make(map[routeKey]bool, len(routes.Config))
	list := make([]*Route, 0, max(len(routes.Config), len(routes.Running)))
	for _, r := range routes.Config {
		known[r] = true
		keys[r.key()] = true
		list = append(list, r)
	}
	for _, r := range routes.Running {
		if !known[r] && !keys[r.key()] {
			list = append(list, r)
		}
	}
	return list
}

// layRoute lays the attributes that the document mentions over a live route.
func layRoute(live, want *Route) *Route {
	w := *want
	w.State, w.Metric, w.TableID, w.Destination, w.NextHopAddress, w.NextHopInterface, w.VRFName = "", nil, nil, netip.Prefix{}, nil, nil, ""
	w.LockMTU = overlaySwitch(live.LockMTU, w.LockMTU)
	w.QuickACK = overlaySwitch(live.QuickACK, w.QuickACK)
	if live.Weight == nil && value(w.Weight, 1) == 1 {
		w.Weight = nil
	}
	out := overlay(live, &w)
	if out != live {
		out.Origin = want.Origin
		if live.Facts != nil {
			f := *live.Facts
			f.Foreign = false
			out.Facts = &f
		}
	}
	return out
}

// resolveRoutes copies the document's routes with the kernel's names.
func (m *merger) resolveRoutes() {
	if m.desired.Routes == nil {
		return
	}
	m.wantRoutes = make([]*Route, 0, len(m.desired.Routes.Config))
	for _, r := range m.desired.Routes.Config {
		w := *r
		w.Destination = r.Destination.Masked()
		if !r.Destination.IsValid() {
			w.Destination = netip.Prefix{}
		}
		w.NextHopInterface = m.refPointer(r.NextHopInterface)
		if w.VRFName != "" {
			m.resolveVRF(&w)
		}
		m.wantRoutes = append(m.wantRoutes, &w)
		if w.State != Absent && w.State != Ignore {
			m.checkNextHopInterface(&w)
		}
	}
}

// resolveVRF writes a VRF's table in the place of its name.
func (m *merger) resolveVRF(r *Route) {
	l := m.byName[m.ref(r.VRFName)]
	if l == nil || l.out.Type != TypeVRF {
		m.routeFault(r, "vrf-name", r.VRFName, "there is no such VRF", m.suggestInterface(r.VRFName, "say table-id in its place"))
		return
	}
	table, ok := number(l.out.VRF["route-table-id"])
	if !ok {
		m.routeFault(r, "vrf-name", r.VRFName, "the VRF's table is not known", "say table-id in its place")
		return
	}
	if r.TableID != nil && float64(*r.TableID) != table {
		m.routeFault(r, "table-id", itoa(int(*r.TableID)), "is not the table of "+r.VRFName+", "+itoa(int(table)), "leave table-id out")
		return
	}
	r.TableID, r.VRFName = new(uint32(table)), ""
}

// checkNextHopInterface reports routes through interfaces that are not there.
func (m *merger) checkNextHopInterface(r *Route) {
	name := value(r.NextHopInterface, "")
	if name == "" {
		return
	}
	l := m.byName[name]
	switch {
	case l == nil:
		m.routeFault(r, "next-hop-interface", name, "there is no such interface", m.suggestInterface(name, listHint))
	case l.gone:
		m.routeFault(r, "next-hop-interface", name, "the interface is absent"+whereAbsent(l), "name another interface, or leave the route out")
	}
}

func (m *merger) routeFault(r *Route, path, val, message, hint string) {
	m.problems.Add(routeFault(r, path, val, message, hint))
}

func routeFault(r *Route, path, val, message, hint string) *problem.Problem {
	p := r.Origin.Problem(path, val, message, hint)
	if r.Origin == nil {
		p.Key = document.Join(r.problemKey(), path)
	}
	return p
}

// wildcards returns the live routes that the document's absent entries mean:
// never foreign ones, nor those that an entry tells to ignore.
func (m *merger) wildcards(live []*Route) map[*Route]bool {
	gone := map[*Route]bool{}
	for _, w := range m.wantRoutes {
		if w.State != Absent {
			continue
		}
		for _, r := range live {
			if !r.foreign() && w.matches(r) {
				gone[r] = true
			}
		}
	}
	for _, w := range m.wantRoutes {
		if w.State != Ignore {
			continue
		}
		for r := range gone {
			if w.matches(r) {
				delete(gone, r)
			}
		}
	}
	return gone
}

// stack is one address family of an interface.
type stack struct {
	name string
	six  bool
}

// lostStacks names the stacks that go: of interfaces that are removed, given
// back or set down, and those that are turned off. Their routes go with them.
func (m *merger) lostStacks() map[stack]bool {
	lost := map[stack]bool{}
	for _, l := range m.links {
		if l.cur == nil || l.out == l.cur {
			continue
		}
		down := l.gone || l.out.State == Down && l.cur.State != Down
		if down || l.cur.on4() && !l.out.on4() {
			lost[stack{l.name, false}] = true
		}
		if down || l.cur.on6() && !l.out.on6() {
			lost[stack{l.name, true}] = true
		}
	}
	return lost
}
