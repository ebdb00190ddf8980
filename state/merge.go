package state

import (
	"fmt"
	"maps"
	"slices"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// Merge lays desired over current as nmstate does: sections key by key,
// scalars and lists whole, what is not mentioned stays. Names, types and
// references are resolved against the host first; routes and rules add, or
// take away where their state is absent. Neither argument is changed; the
// target shares with them what did not change.
//
// The error is a *problem.List of everything that does not fit the host:
// unknown names, ports claimed twice, children of what is to go. Validate
// must have passed; ValidateTarget tells what is wrong with the outcome.
func Merge(current, desired *State) (*Target, error) {
	m := &merger{
		current: current,
		desired: desired,
		byName:  make(map[string]*link, len(current.Interfaces)+len(desired.Interfaces)),
		alias:   map[string]string{},
	}
	for _, pass := range passes {
		pass(m)
	}
	if err := m.problems.Err(); err != nil {
		return nil, err
	}
	return m.target(), nil
}

// passes are the steps of a merge, in order.
var passes = []func(*merger){
	(*merger).indexCurrent,
	(*merger).resolveInterfaces,
	(*merger).resolveReferences,
	(*merger).mergeLinks,
	(*merger).mergePeers,
	(*merger).mergeAbsent,
	(*merger).mergePorts,
	(*merger).stripPorts,
	(*merger).findLoops,
	(*merger).checkBases,
	(*merger).mergeMACs,
	(*merger).mergeMTUs,
	(*merger).mergeRoutes,
	(*merger).mergeRules,
	(*merger).mergeResolver,
	(*merger).mergeHostname,
}

// merger is a merge under way.
type merger struct {
	current, desired *State
	problems         problem.List
	warnings         []string
	// links are the interfaces of current in their order, then new ones in the
	// document's.
	links []*link
	// byName finds a link by the kernel's name.
	byName map[string]*link
	// alias finds the kernel's name by an alternative or a profile name.
	alias map[string]string
	// routes and rules are those of the target.
	routes []*Route
	rules  []*Rule
	// wantRoutes and wantRules are the document's with names resolved.
	wantRoutes []*Route
	wantRules  []*Rule
	dns        *DNS
	hostname   *Hostname
}

// link is one interface on its way through a merge.
type link struct {
	name string
	// cur is nil for a new interface, des for one that was not mentioned.
	cur, des *Interface
	// out is what becomes of it; cur itself as long as nothing changes.
	out *Interface
	// ignored is set when the document or the host says so.
	ignored bool
	// gone is set when the link is removed from the host.
	gone bool
	// released is set when hardware is given back.
	released bool
	// was and master name the controller before and after; empty for none.
	was, master string
	// claim is where the document puts the port below its master.
	claim *claim
	// members are the names of the ports before; listing is set when the
	// document has a list of its own.
	members []string
	listing bool
	// joined and departed name the ports that change on a controller.
	joined   []string
	departed map[string]bool
	// lent is the address that a new link takes of what is below, once asked.
	lent     MAC
	macAsked bool
	// seen and busy guard walks down the stack; mtuDone ends them.
	seen, busy, mtuDone bool
}

// edit returns the target's interface for changing it: a copy of its own.
func (l *link) edit() *Interface {
	if l.out == l.cur {
		c := *l.cur
		l.out = &c
		if l.des != nil {
			l.out.Origin = l.des.Origin
		}
	}
	return l.out
}

// fresh tells whether the link is to be made.
func (l *link) fresh() bool { return l.cur == nil }

// desOrigin is where the document mentions the link; nil if it does not.
func (l *link) desOrigin() *document.Origin {
	if l.des == nil {
		return nil
	}
	return l.des.Origin
}

// up tells whether the link is there and up in the target.
func (l *link) up() bool {
	return !l.gone && l.out.State != Down && l.out.State != Absent
}

func (m *merger) warn(format string, args ...any) {
	m.warnings = append(m.warnings, fmt.Sprintf(format, args...))
}

// fault adds a problem of a part of an interface of the document.
func (m *merger) fault(i *Interface, path, value, message, hint string) {
	m.problems.Add(fault(i, path, value, message, hint))
}

// fault is a problem of a part of an interface. Without a document the
// interface's name stands for its place.
func fault(i *Interface, path, value, message, hint string) *problem.Problem {
	p := i.Origin.Problem(path, value, message, hint)
	if i.Origin == nil {
		p.Key = document.Join(i.Name, path)
	}
	return p
}

// where tells the place of a part of an interface in its document for a
// sentence: " (at FILE:LINE)", or "" when there is none.
func where(o *document.Origin, path string) string {
	file, line, _, ok := o.At(path)
	if !ok {
		return ""
	}
	return fmt.Sprintf(" (at %s:%d)", file, line)
}

// names returns the known names of interfaces, sorted, for suggestions.
func (m *merger) names() []string {
	names := make([]string, 0, len(m.byName)+len(m.alias))
	for name, l := range m.byName {
		if !l.gone {
			names = append(names, name)
		}
	}
	for name := range m.alias {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// target puts the result together.
func (m *merger) target() *Target {
	t := &Target{
		State: &State{
			Description: m.desired.Description,
			Hostname:    m.hostname,
			DNS:         m.dns,
			OVSDB:       m.current.OVSDB,
			OVN:         m.current.OVN,
			Interfaces:  make([]*Interface, 0, len(m.links)),
		},
		Desired: &State{
			Description: m.desired.Description,
			Hostname:    m.desired.Hostname,
			DNS:         m.desired.DNS,
			OVSDB:       m.desired.OVSDB,
			OVN:         m.desired.OVN,
		},
		Warnings: m.warnings,
	}
	ignores := slices.ContainsFunc(m.links, func(l *link) bool { return l.ignored })
	for _, l := range m.links {
		t.State.Interfaces = append(t.State.Interfaces, l.out)
		if l.des != nil && !l.ignored {
			if ignores {
				m.agree(l)
			}
			t.Desired.Interfaces = append(t.Desired.Interfaces, l.des)
		}
	}
	if m.routes != nil || m.current.Routes != nil || m.desired.Routes != nil {
		t.State.Routes = &Routes{Config: m.routes}
	}
	if m.rules != nil || m.current.Rules != nil || m.desired.Rules != nil {
		t.State.Rules = &Rules{Config: m.rules}
	}
	if m.desired.Routes != nil {
		t.Desired.Routes = &Routes{Config: m.wantRoutes}
	}
	if m.desired.Rules != nil {
		t.Desired.Rules = &Rules{Config: m.wantRules}
	}
	t.Owned = m.owned()
	return t
}

// owned names what the document answers for: the interfaces that it keeps or
// makes, the ports that it lists, and the other ends of new pairs.
func (m *merger) owned() []string {
	var names []string
	for _, l := range m.links {
		if l.ignored || l.gone || l.released {
			continue
		}
		if l.des != nil && l.des.State != Absent || l.fresh() || l.claim != nil {
			names = append(names, l.name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
