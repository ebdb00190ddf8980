package kernel

import (
	"errors"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// encodeAddRule adds a rule; the same one must not be there.
func encodeAddRule(s *plan.Step, _ *linkTable) (work, error) {
	e, err := ruleMessage(s.Rule, false)
	if err != nil {
		return nil, err
	}
	return wave(send("add rule "+s.Object, e.message(unix.RTM_NEWRULE, netlink.Create|netlink.Excl))), nil
}

// encodeRemoveRule removes a rule; one that is gone already is fine.
func encodeRemoveRule(s *plan.Step, _ *linkTable) (work, error) {
	e, err := ruleMessage(s.Rule, true)
	if err != nil {
		return nil, err
	}
	return wave(send("remove rule "+s.Object, e.message(unix.RTM_DELRULE, 0), unix.ENOENT, unix.ESRCH)), nil
}

// ruleMessage makes struct fib_rule_hdr and its attributes.
func ruleMessage(r *state.Rule, remove bool) (*encoder, error) {
	if r == nil {
		return nil, errors.New("internal error: the step has no rule")
	}
	b := make([]byte, 12, 96)
	b[0] = ruleFamily(r)
	b[1] = prefixBits(r.IPTo)
	b[2] = prefixBits(r.IPFrom)
	b[7] = ruleToTable
	if r.Action != "" {
		b[7] = routeTypeOf(r.Action)
	} else if table := tableOf(r.RouteTable); table < 256 {
		b[4] = uint8(table)
	}
	e := &encoder{b}
	putPrefix(e, unix.FRA_DST, r.IPTo)
	putPrefix(e, unix.FRA_SRC, r.IPFrom)
	if r.IIF != "" {
		e.text(unix.FRA_IIFNAME, r.IIF)
	}
	if r.Priority != nil && *r.Priority >= 0 {
		e.u32(unix.FRA_PRIORITY, uint32(*r.Priority))
	}
	putU32(e, unix.FRA_FWMARK, r.FWMark)
	putU32(e, unix.FRA_FWMASK, r.FWMask)
	putU32(e, unix.FRA_SUPPRESS_PREFIXLEN, r.SuppressPrefixLength)
	if r.Action == "" {
		e.u32(unix.FRA_TABLE, tableOf(r.RouteTable))
	}
	if protocol := ruleProtocol(r, remove); protocol != 0 {
		e.u8(unix.FRA_PROTOCOL, protocol)
	}
	return e, nil
}

// ruleFamily is the family that is said, or that of the addresses; IPv4 if
// nothing tells.
func ruleFamily(r *state.Rule) uint8 {
	if r.Family != "" {
		if r.Family == state.FamilyIPv6 {
			return unix.AF_INET6
		}
		return unix.AF_INET
	}
	for _, p := range []netip.Prefix{r.IPFrom, r.IPTo} {
		if p.IsValid() {
			return familyOf(p.Addr())
		}
	}
	return unix.AF_INET
}

// ruleProtocol is who made the rule, as protocolOf for routes.
func ruleProtocol(r *state.Rule, remove bool) uint8 {
	switch {
	case r.Facts != nil:
		return r.Facts.Protocol
	case remove:
		return 0
	}
	return protoHoldfast
}

// prefixBits is the length of a prefix, 0 for none.
func prefixBits(p netip.Prefix) uint8 { return uint8(max(p.Bits(), 0)) }

// putPrefix appends the address of a prefix that is not everything.
func putPrefix(e *encoder, typ uint16, p netip.Prefix) {
	if p.IsValid() && p.Bits() > 0 {
		e.addr(typ, p.Addr())
	}
}
