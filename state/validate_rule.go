package state

import (
	"net/netip"
)

// rules checks rules by themselves, and for two that are one.
func (v *validation) rules(list []*Rule) {
	seen := make(map[ruleKey]*Rule, len(list))
	for _, r := range list {
		if r.State != "" && r.State != Absent && r.State != Up {
			v.problems.Add(ruleFault(r, "state", string(r.State), "a rule can only be absent", "leave state out to add the rule"))
			continue
		}
		v.ruleFamily(r)
		if r.State == Absent {
			continue
		}
		v.newRule(r)
		if before := seen[r.key()]; before != nil {
			v.problems.Add(ruleFault(r, "", r.String(), "the rule is listed twice"+where(before.Origin, ""), "list it once"))
			continue
		}
		seen[r.key()] = r
	}
}

// ruleFamily checks that prefixes and family agree.
func (v *validation) ruleFamily(r *Rule) {
	family := r.Family
	for _, p := range []struct {
		key    string
		prefix netip.Prefix
	}{{"ip-from", r.IPFrom}, {"ip-to", r.IPTo}} {
		if !p.prefix.IsValid() {
			continue
		}
		own := FamilyIPv4
		if p.prefix.Addr().Is6() {
			own = FamilyIPv6
		}
		if family != "" && own != family {
			v.problems.Add(ruleFault(r, p.key, p.prefix.String(), "is of another address family than the rest of the rule, "+string(family), "a rule is of one family: make two of it"))
			return
		}
		family = own
	}
}

func (v *validation) newRule(r *Rule) {
	if r.family() == "" {
		v.problems.Add(ruleFault(r, "", "", "the rule has neither ip-from nor ip-to nor family", "say family: ipv4 or ipv6"))
	}
	if r.FWMask != nil && r.FWMark == nil {
		v.problems.Add(ruleFault(r, "fwmask", "0x"+hex(*r.FWMask), "needs a fwmark", "add fwmark, or leave fwmask out"))
	}
	if r.Action != "" && r.RouteTable != nil && *r.RouteTable != 0 {
		v.problems.Add(ruleFault(r, "action", string(r.Action), "a rule that drops packets looks into no table", "leave route-table out"))
	}
	if r.SuppressPrefixLength != nil {
		longest := uint32(32)
		if r.family() == FamilyIPv6 {
			longest = 128
		}
		if *r.SuppressPrefixLength > longest {
			v.problems.Add(ruleFault(r, "suppress-prefix-length", itoa(int(*r.SuppressPrefixLength)), "is longer than an address, "+itoa(int(longest))+" bits", "0 suppresses default routes"))
		}
	}
	if len(r.IIF) > maxName {
		v.problems.Add(ruleFault(r, "iif", r.IIF, "a name has at most 15 bytes", "give the name of an interface"))
	}
}
