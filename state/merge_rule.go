package state

import (
	"net/netip"
	"strings"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// firstPriority is where the search for a free priority begins, as nmstate's
// does.
const firstPriority = 30000

// ruleKey is everything that makes a rule, with defaults in the place of what
// is not mentioned.
type ruleKey struct {
	family     Family
	from, to   netip.Prefix
	priority   int64
	table      uint32
	mark, mask uint32
	marked     bool
	action     RouteType
	iif        string
	suppress   int64
}

// family returns the rule's address family; empty when nothing tells.
func (r *Rule) family() Family {
	for _, p := range []netip.Prefix{r.IPFrom, r.IPTo} {
		if p.IsValid() {
			if p.Addr().Is6() {
				return FamilyIPv6
			}
			return FamilyIPv4
		}
	}
	return r.Family
}

// priority returns the rule's priority, or -1 for any.
func (r *Rule) priority() int64 { return value(r.Priority, -1) }

func (r *Rule) table() uint32 {
	if r.Action != "" {
		return 0
	}
	if t := value(r.RouteTable, mainTable); t != 0 {
		return t
	}
	return mainTable
}

func (r *Rule) key() ruleKey {
	k := ruleKey{
		family: r.family(), from: selector(r.IPFrom), to: selector(r.IPTo),
		priority: r.priority(), table: r.table(),
		mark: value(r.FWMark, 0), marked: r.FWMark != nil, mask: value(r.FWMask, 0xffffffff),
		action: r.Action, iif: r.IIF, suppress: -1,
	}
	if !k.marked || k.mark == 0 && r.FWMask == nil {
		k.marked, k.mask = false, 0
	}
	if r.SuppressPrefixLength != nil {
		k.suppress = int64(*r.SuppressPrefixLength)
	}
	return k
}

// selector is a prefix that selects something: of all addresses it is none.
func selector(p netip.Prefix) netip.Prefix {
	if !p.IsValid() || p.Bits() == 0 {
		return netip.Prefix{}
	}
	return p.Masked()
}

// String names the rule in ip-rule(8)'s words.
func (r *Rule) String() string {
	words := []string{}
	if p := r.priority(); p >= 0 {
		words = append(words, itoa(int(p))+":")
	}
	from := "all"
	if p := selector(r.IPFrom); p.IsValid() {
		from = p.String()
	}
	words = append(words, "from", from)
	if p := selector(r.IPTo); p.IsValid() {
		words = append(words, "to", p.String())
	}
	if r.FWMark != nil {
		words = append(words, "fwmark", "0x"+hex(*r.FWMark))
	}
	if r.IIF != "" {
		words = append(words, "iif", r.IIF)
	}
	if r.Action != "" {
		words = append(words, string(r.Action))
	} else {
		words = append(words, "lookup", itoa(int(r.table())))
	}
	return strings.Join(words, " ")
}

// matches tells whether a live rule is one that a wildcard means.
func (r *Rule) matches(live *Rule) bool {
	w, l := r.key(), live.key()
	switch {
	case w.family != "" && w.family != l.family,
		r.IPFrom.IsValid() && w.from != l.from,
		r.IPTo.IsValid() && w.to != l.to,
		w.priority >= 0 && w.priority != l.priority,
		r.RouteTable != nil && w.table != l.table,
		r.FWMark != nil && (w.mark != l.mark || !l.marked && w.mark != 0),
		r.FWMask != nil && w.mask != l.mask,
		r.Action != "" && w.action != l.action,
		r.IIF != "" && w.iif != l.iif,
		r.SuppressPrefixLength != nil && w.suppress != l.suppress:
		return false
	}
	return true
}

// foreign tells whether a rule of the host is not ours to remove.
func (r *Rule) foreign() bool { return r.Facts != nil && r.Facts.Foreign }

// mergeRules takes away what the document's wildcards mean, and adds its
// rules. One without a priority is there when it is there with any; otherwise
// it gets the next free one.
func (m *merger) mergeRules() {
	var live []*Rule
	if m.current.Rules != nil {
		live = m.current.Rules.Config
	}
	m.resolveRules()
	taken := map[int64]bool{}
	exact := map[ruleKey]bool{}
	anyPriority := map[ruleKey]bool{}
	note := func(r *Rule) {
		m.rules = append(m.rules, r)
		k := r.key()
		taken[k.priority] = true
		exact[k] = true
		if !r.foreign() {
			k.priority = -1
			anyPriority[k] = true
		}
	}
	for _, r := range live {
		if r.foreign() || !m.ruleGone(r) {
			note(r)
		}
	}
	var open []*Rule
	for _, w := range m.wantRules {
		switch {
		case w.State == Absent:
		case w.priority() < 0:
			open = append(open, w)
		case !exact[w.key()]:
			note(w)
		}
	}
	next := int64(firstPriority)
	for _, w := range open {
		if anyPriority[w.key()] {
			continue
		}
		for taken[next] {
			next++
		}
		chosen := *w
		chosen.Priority = new(next)
		note(&chosen)
	}
}

// resolveRules copies the document's rules with the kernel's names.
func (m *merger) resolveRules() {
	if m.desired.Rules == nil {
		return
	}
	m.wantRules = make([]*Rule, 0, len(m.desired.Rules.Config))
	for _, r := range m.desired.Rules.Config {
		w := *r
		w.IIF = m.ref(r.IIF)
		m.wantRules = append(m.wantRules, &w)
	}
}

func (m *merger) ruleGone(live *Rule) bool {
	for _, w := range m.wantRules {
		if w.State == Absent && w.matches(live) {
			return true
		}
	}
	return false
}

// ruleFault is a problem of a part of a rule.
func ruleFault(r *Rule, path, val, message, hint string) *problem.Problem {
	p := r.Origin.Problem(path, val, message, hint)
	if r.Origin == nil {
		p.Key = document.Join("rule "+r.String(), path)
	}
	return p
}
