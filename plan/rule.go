package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"holdfast/state"
)

// ruleKey is a policy rule in one spelling: two rules with the same key are
// one rule.
type ruleKey struct {
	family     state.Family
	from, to   netip.Prefix
	priority   int64
	table      uint32
	mark, mask uint32
	action     state.RouteType
	iif        string
	suppress   int64
}

// keyOfRule puts a rule into one spelling.
func keyOfRule(r *state.Rule) ruleKey {
	k := ruleKey{
		family: r.Family, from: whole(r.IPFrom), to: whole(r.IPTo), priority: value(r.Priority), table: value(r.RouteTable),
		mark: value(r.FWMark), action: r.Action, iif: r.IIF, suppress: -1,
	}
	if r.FWMask != nil {
		k.mask = *r.FWMask
	} else if r.FWMark != nil {
		k.mask = 1<<32 - 1
	}
	if r.SuppressPrefixLength != nil {
		k.suppress = int64(*r.SuppressPrefixLength)
	}
	if k.family == "" {
		k.family = state.FamilyIPv4
		if r.IPFrom.IsValid() && r.IPFrom.Addr().Is6() || r.IPTo.IsValid() && r.IPTo.Addr().Is6() {
			k.family = state.FamilyIPv6
		}
	}
	switch {
	case k.action != "":
		k.table = 0
	case k.table == 0:
		k.table = mainTable
	}
	return k
}

// whole is a prefix without host bits; everything is the same as nothing said.
func whole(p netip.Prefix) netip.Prefix {
	if !p.IsValid() || p.Bits() == 0 {
		return netip.Prefix{}
	}
	return p.Masked()
}

// selector is the key without what the rule leads to: rules of one selector
// take each other's place.
func (k ruleKey) selector() ruleKey {
	k.priority, k.table, k.action, k.suppress = 0, 0, "", 0
	return k
}

// rules plans the policy rules: new ones after the routes of their table, old
// ones before those, but after what takes their place.
func (b *builder) rules() {
	var was, want []*state.Rule
	if b.current.Rules != nil {
		was = b.current.Rules.Config
	}
	if b.target.State.Rules != nil {
		want = b.target.State.Rules.Config
	}
	if slices.Equal(was, want) {
		return
	}
	had, wants := ruleSet(was), ruleSet(want)
	placed := map[ruleKey][]int{}
	for _, k := range sortedRules(want) {
		if had[k] == nil {
			b.addRule(wants[k], k, placed)
		}
	}
	for _, k := range sortedRules(was) {
		if r := had[k]; wants[k] == nil && (r.Facts == nil || !r.Facts.Foreign) {
			b.removeRule(r, k, placed)
		}
	}
}

// ruleSet indexes rules by key.
func ruleSet(list []*state.Rule) map[ruleKey]*state.Rule {
	set := make(map[ruleKey]*state.Rule, len(list))
	for _, r := range list {
		if r.State != state.Absent {
			set[keyOfRule(r)] = r
		}
	}
	return set
}

// sortedRules are the keys in the order in which the kernel looks at rules.
func sortedRules(list []*state.Rule) []ruleKey {
	keys := make([]ruleKey, 0, len(list))
	for _, r := range list {
		if r.State != state.Absent {
			keys = append(keys, keyOfRule(r))
		}
	}
	slices.SortFunc(keys, func(x, y ruleKey) int {
		return cmp.Or(cmp.Compare(x.family, y.family), cmp.Compare(x.priority, y.priority), strings.Compare(x.text(), y.text()))
	})
	return slices.Compact(keys)
}

// addRule plans a new rule.
func (b *builder) addRule(r *state.Rule, k ruleKey, placed map[ruleKey][]int) {
	i := b.add(Step{
		Verb: AddRule, Object: k.name(), Rule: r, Impact: ImpactHot, Why: "new",
		Changes: []Change{{Key: "rule", To: k.text()}},
	}, nil)
	placed[k.selector()] = append(placed[k.selector()], i)
	if routes := b.routesAdded[k.table]; len(routes) > 0 {
		met := b.meet(routes)
		b.routesAdded[k.table] = met
		b.needAll(i, met)
	}
	if l := b.byName[k.iif]; l != nil {
		b.need(i, l.creating())
	}
}

// removeRule plans that a rule goes.
func (b *builder) removeRule(r *state.Rule, k ruleKey, placed map[ruleKey][]int) {
	i := b.add(Step{
		Verb: RemoveRule, Object: k.name(), Rule: r, Impact: ImpactHot, Why: "not in the list",
		Changes: []Change{{Key: "rule", From: k.text()}},
	}, nil)
	if after := placed[k.selector()]; len(after) > 0 {
		b.steps[i].Why = "another rule took its place"
		b.needAll(i, after)
		return
	}
	for _, j := range b.routesRemoved[k.table] {
		b.need(j, i)
	}
}

// name is the rule's priority and family.
func (k ruleKey) name() string {
	if k.family == state.FamilyIPv6 {
		return fmt.Sprintf("rule %d (IPv6)", k.priority)
	}
	return fmt.Sprintf("rule %d", k.priority)
}

// text is the rule in ip(8)'s words.
func (k ruleKey) text() string {
	from := "all"
	if k.from.IsValid() {
		from = k.from.String()
	}
	parts := []string{"from " + from}
	if k.to.IsValid() {
		parts = append(parts, "to "+k.to.String())
	}
	if k.mark != 0 || k.mask != 0 {
		mark := fmt.Sprintf("fwmark %#x", k.mark)
		if k.mask != 1<<32-1 {
			mark += fmt.Sprintf("/%#x", k.mask)
		}
		parts = append(parts, mark)
	}
	if k.iif != "" {
		parts = append(parts, "iif "+k.iif)
	}
	switch {
	case k.action != "":
		parts = append(parts, string(k.action))
	case k.table == mainTable:
		parts = append(parts, "lookup main")
	default:
		parts = append(parts, fmt.Sprintf("lookup %d", k.table))
	}
	if k.suppress >= 0 {
		parts = append(parts, fmt.Sprintf("suppress_prefixlength %d", k.suppress))
	}
	return strings.Join(parts, " ")
}
