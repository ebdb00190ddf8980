package kernel

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ruleInvert is FIB_RULE_INVERT: the rule holds for what does not match.
const ruleInvert = 2

// Actions of rules (FR_ACT_*, include/uapi/linux/fib_rules.h).
const (
	ruleToTable     = 1
	ruleBlackhole   = 6
	ruleUnreachable = 7
	ruleProhibit    = 8
)

// A rawRule is one policy routing rule as the kernel tells it.
type rawRule struct {
	Family   uint8        `json:"family"`
	Action   uint8        `json:"action"`
	Priority uint32       `json:"priority"`
	Table    uint32       `json:"table"`
	From     netip.Prefix `json:"from,omitzero"`
	To       netip.Prefix `json:"to,omitzero"`
	Mark     uint32       `json:"mark,omitempty"`
	Mask     uint32       `json:"mask,omitempty"`
	IIF      string       `json:"iif,omitempty"`
	// Suppress is a prefix length; nil for none.
	Suppress *uint32 `json:"suppress,omitempty"`
	// Protocol says who made it; nil before Linux 4.17.
	Protocol *uint8 `json:"protocol,omitempty"`
	// Special is set when the rule has a selector or an action that the schema
	// cannot say (oif, ports, goto, not, …).
	Special bool `json:"special,omitempty"`
	// Body is the message, kept for a checkpoint only.
	Body []byte `json:"body,omitempty"`
}

// readRules dumps the rules of both families.
func readRules(ctx context.Context, c *conn, s *snapshot, w want) (err error) {
	request := make([]byte, fibRuleHeaderSize)
	s.Rules, err = dumpAll(ctx, c, unix.RTM_GETRULE, request, func(body []byte) (*rawRule, bool, error) {
		if len(body) > 0 && body[0] != unix.AF_INET && body[0] != unix.AF_INET6 {
			return nil, false, nil
		}
		r, err := decodeRule(body)
		if err == nil && w&wantRaw != 0 {
			r.Body = append([]byte(nil), body...)
		}
		return r, true, err
	})
	return err
}

// fibRuleHeaderSize is that of struct fib_rule_hdr.
const fibRuleHeaderSize = 12

// decodeRule decodes the body of an RTM_NEWRULE message.
func decodeRule(b []byte) (*rawRule, error) {
	if len(b) < fibRuleHeaderSize {
		return nil, short("rule", b)
	}
	r := &rawRule{Family: b[0], Table: uint32(b[4]), Action: b[7]}
	dstBits, srcBits := b[1], b[2]
	r.Special = b[3] != 0 || binary.NativeEndian.Uint32(b[8:])&ruleInvert != 0
	a := scan(b[fibRuleHeaderSize:])
	for a.next() {
		switch a.typ {
		case unix.FRA_DST:
			r.To = a.prefix(dstBits)
		case unix.FRA_SRC:
			r.From = a.prefix(srcBits)
		default:
			r.decodeRest(&a)
		}
	}
	switch r.Action {
	case ruleToTable, ruleBlackhole, ruleUnreachable, ruleProhibit:
	default:
		r.Special = true
	}
	if a.err != nil {
		return nil, fmt.Errorf("rule %d: %w", r.Priority, a.err)
	}
	return r, nil
}

// decodeRest takes the attributes that are no prefix.
func (r *rawRule) decodeRest(a *attrScanner) {
	switch a.typ {
	case unix.FRA_PRIORITY:
		r.Priority = a.u32()
	case unix.FRA_TABLE:
		r.Table = a.u32()
	case unix.FRA_FWMARK:
		r.Mark = a.u32()
	case unix.FRA_FWMASK:
		r.Mask = a.u32()
	case unix.FRA_IIFNAME:
		r.IIF = a.text()
	case unix.FRA_SUPPRESS_PREFIXLEN:
		if v := a.u32(); v != ^uint32(0) {
			r.Suppress = &v
		}
	case unix.FRA_PROTOCOL:
		v := a.u8()
		r.Protocol = &v
	case unix.FRA_SUPPRESS_IFGROUP:
		r.Special = r.Special || a.u32() != ^uint32(0)
	case unix.FRA_FLOW, unix.FRA_L3MDEV, unix.FRA_IP_PROTO:
		r.Special = r.Special || nonZero(a.val)
	case unix.FRA_PAD, unix.FRA_UNSPEC:
	default: // oif, tunnel id, uid range, ports, goto, dscp: newer selectors too
		r.Special = true
	}
}

// nonZero tells whether any byte is.
func nonZero(b []byte) bool {
	for _, v := range b {
		if v != 0 {
			return true
		}
	}
	return false
}
