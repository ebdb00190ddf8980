package kernel

import (
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// rules writes the rules that somebody made. The kernel's own, and rules with a
// selector that the schema does not have, are not shown: half of such a rule
// would be another rule.
func (v *view) rules() *state.Rules {
	out := &state.Rules{Config: []*state.Rule{}}
	for _, r := range v.Rules {
		if !r.Special && !r.kernelMade() {
			out.Config = append(out.Config, rule(r))
		}
	}
	slices.SortStableFunc(out.Config, func(a, b *state.Rule) int {
		if a.Family != b.Family {
			if a.Family == state.FamilyIPv4 {
				return -1
			}
			return 1
		}
		return int(*a.Priority - *b.Priority)
	})
	return out
}

// kernelMade tells the rules that are there from the start, and those that
// VRFs bring. Before Linux 4.17 their look must do.
func (r *rawRule) kernelMade() bool {
	if r.Protocol != nil {
		return *r.Protocol == unix.RTPROT_KERNEL
	}
	plain := !r.From.IsValid() && !r.To.IsValid() && r.Mark == 0 && r.IIF == "" && r.Action == ruleToTable
	return plain && (r.Priority == 0 && r.Table == unix.RT_TABLE_LOCAL ||
		r.Priority == 32766 && r.Table == unix.RT_TABLE_MAIN ||
		r.Priority == 32767 && r.Table == unix.RT_TABLE_DEFAULT)
}

// rule writes one rule.
func rule(r *rawRule) *state.Rule {
	s := &state.Rule{
		Family: state.FamilyIPv4, IPFrom: r.From, IPTo: r.To,
		Priority: new(int64(r.Priority)), IIF: r.IIF, SuppressPrefixLength: r.Suppress,
		Facts: &state.RuleFacts{Foreign: true},
	}
	if r.Family == unix.AF_INET6 {
		s.Family = state.FamilyIPv6
	}
	if r.Protocol != nil {
		s.Facts.Protocol = *r.Protocol
		s.Facts.Foreign = !configuredProtocol(*r.Protocol)
	}
	if r.Mark != 0 || r.Mask != 0 {
		s.FWMark, s.FWMask = &r.Mark, &r.Mask
	}
	switch r.Action {
	case ruleBlackhole:
		s.Action = state.Blackhole
	case ruleUnreachable:
		s.Action = state.Unreachable
	case ruleProhibit:
		s.Action = state.Prohibit
	default:
		s.RouteTable = &r.Table
	}
	s.IPFrom, s.IPTo = wholeIsNone(s.IPFrom), wholeIsNone(s.IPTo)
	return s
}

// wholeIsNone turns a prefix of length 0 into none: it matches everything.
func wholeIsNone(p netip.Prefix) netip.Prefix {
	if p.IsValid() && p.Bits() == 0 {
		return netip.Prefix{}
	}
	return p
}
