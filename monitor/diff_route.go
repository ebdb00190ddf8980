package monitor

import (
	"fmt"
	"strings"

	"holdfast/engine"
	"holdfast/state"
)

// turnover is what went and what came of one kind.
type turnover struct{ gone, come []Event }

// an entry is a route or a rule: what it is known by, and the rest of it.
type entry struct {
	family               state.Family
	text, rest, protocol string
}

// key is what an entry is known by: "default" is the same word in both families.
func (e entry) key() string { return string(e.family) + " " + e.text }

func (e entry) event(kind Kind, what What) Event {
	return Event{Kind: kind, What: what, Object: e.text, Family: e.family, Protocol: e.protocol}
}

// turn compares two lists. What is known by the same key is the same one, and
// of several with one key the last counts.
func turn(kind Kind, before, after []entry) turnover {
	had, have := byKey(before), byKey(after)
	var t turnover
	for _, e := range before {
		if _, stays := have[e.key()]; !stays {
			gone := e.event(kind, Removed)
			gone.From = e.rest
			t.gone = append(t.gone, gone)
		}
	}
	for _, e := range after {
		old, there := had[e.key()]
		come := e.event(kind, Changed)
		switch {
		case !there:
			come.What, come.To = Added, e.rest
		case old.protocol != e.protocol:
			come.Key, come.From, come.To = "protocol", old.protocol, e.protocol
		case old.rest != e.rest:
			come.From, come.To = old.rest, e.rest
		default:
			continue
		}
		t.come = append(t.come, come)
	}
	return t
}

func byKey(list []entry) map[string]entry {
	index := make(map[string]entry, len(list))
	for _, e := range list {
		index[e.key()] = e
	}
	return index
}

func (d *differ) routes() turnover {
	if d.before.Routes == d.after.Routes {
		return turnover{}
	}
	return turn(Route, routeEntries(d.before.Routes, d.now), routeEntries(d.after.Routes, same))
}

func same(name string) string { return name }

// live are the routes that are in force.
func live(r *state.Routes) []*state.Route {
	switch {
	case r == nil:
		return nil
	case r.Running == nil:
		return r.Config
	}
	return r.Running
}

// routeEntries are the routes with the names that their links have now.
func routeEntries(routes *state.Routes, now func(string) string) []entry {
	list := live(routes)
	out := make([]entry, 0, len(list))
	for _, r := range list {
		if r.NextHopInterface != nil {
			if name := now(*r.NextHopInterface); name != *r.NextHopInterface {
				renamed := *r
				renamed.NextHopInterface = &name
				r = &renamed
			}
		}
		family := state.FamilyIPv4
		if r.Destination.Addr().Is6() {
			family = state.FamilyIPv6
		}
		out = append(out, entry{family: family, text: r.String(), rest: routeRest(r), protocol: maker(r)})
	}
	return out
}

// routeRest is what String does not say of a route, in ip(8)'s words.
func routeRest(r *state.Route) string {
	var words []string
	if r.Source != nil {
		words = append(words, "src "+r.Source.String())
	}
	if r.Weight != nil {
		words = append(words, fmt.Sprintf("weight %d", *r.Weight))
	}
	if r.MTU != nil {
		lock := ""
		if r.LockMTU != nil && *r.LockMTU {
			lock = "lock "
		}
		words = append(words, fmt.Sprintf("mtu %s%d", lock, *r.MTU))
	}
	for _, m := range []struct {
		word  string
		value *uint32
	}{{"advmss", r.AdvMSS}, {"cwnd", r.CWND}, {"initcwnd", r.InitCWND}, {"initrwnd", r.InitRWND}} {
		if m.value != nil {
			words = append(words, fmt.Sprintf("%s %d", m.word, *m.value))
		}
	}
	if r.QuickACK != nil && *r.QuickACK {
		words = append(words, "quickack 1")
	}
	return strings.Join(words, " ")
}

// maker names who made a route; empty when the engine does not tell.
func maker(r *state.Route) string {
	if r.Facts == nil || r.Facts.Protocol == 0 {
		return ""
	}
	return engine.Protocol(r.Facts.Protocol)
}

func (d *differ) rules() turnover {
	return turn(Rule, ruleEntries(d.before.Rules), ruleEntries(d.after.Rules))
}

func ruleEntries(rules *state.Rules) []entry {
	if rules == nil {
		return nil
	}
	out := make([]entry, 0, len(rules.Config))
	for _, r := range rules.Config {
		e := entry{family: r.Family, text: r.String()}
		if r.SuppressPrefixLength != nil {
			e.rest = fmt.Sprintf("suppress_prefixlength %d", *r.SuppressPrefixLength)
		}
		if r.Facts != nil && r.Facts.Protocol != 0 {
			e.protocol = engine.Protocol(r.Facts.Protocol)
		}
		out = append(out, e)
	}
	return out
}
