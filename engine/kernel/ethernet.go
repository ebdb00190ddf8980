package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// Values of ETHTOOL_A_LINKMODES_DUPLEX (DUPLEX_*, include/uapi/linux/ethtool.h).
const (
	duplexHalf = 0
	duplexFull = 1
)

func isEthernetKey(key string) bool { return strings.HasPrefix(key, "ethernet.") }

// changeEthernet sets speed, duplex and negotiation by ethtool's netlink
// (kernel 5.6), all in one request: a speed without negotiation means little
// alone.
func changeEthernet(s *plan.Step, l *link, keys []string) ([]task, error) {
	if s.Link.Ethernet == nil {
		return nil, unknownKey(s, keys[0])
	}
	words := make([]string, len(keys))
	for i, key := range keys {
		name := strings.TrimPrefix(key, "ethernet.")
		words[i] = name + valueText(s, name)
	}
	body := linkModes(l.index, s.Link.Ethernet)
	return []task{{op: "set " + strings.Join(words, ", "), call: func(ctx context.Context, e *Engine) error {
		return e.askEthtool(ctx, body)
	}}}, nil
}

// linkModes is the request ETHTOOL_MSG_LINKMODES_SET.
func linkModes(index int, want *state.Ethernet) []byte {
	e := &encoder{[]byte{unix.ETHTOOL_MSG_LINKMODES_SET, unix.ETHTOOL_GENL_VERSION, 0, 0}}
	e.nest(unix.ETHTOOL_A_LINKMODES_HEADER, func(e *encoder) {
		e.u32(unix.ETHTOOL_A_HEADER_DEV_INDEX, uint32(index))
	})
	putFlag(e, unix.ETHTOOL_A_LINKMODES_AUTONEG, want.AutoNegotiation)
	putU32(e, unix.ETHTOOL_A_LINKMODES_SPEED, want.Speed)
	switch want.Duplex {
	case "half":
		e.u8(unix.ETHTOOL_A_LINKMODES_DUPLEX, duplexHalf)
	case "full":
		e.u8(unix.ETHTOOL_A_LINKMODES_DUPLEX, duplexFull)
	}
	return e.b
}

// askEthtool sends a request to ethtool's netlink family.
func (e *Engine) askEthtool(ctx context.Context, body []byte) error {
	generic := e.conn.generic
	if generic == nil {
		return fmt.Errorf("the kernel has no generic netlink: %w", unix.EOPNOTSUPP)
	}
	family, err := generic.ethtoolFamily(ctx)
	if err != nil {
		return err
	}
	if family == 0 {
		return errors.Join(errors.New("the kernel has no ethtool netlink (5.6)"), unix.EOPNOTSUPP)
	}
	e.other.Add(1)
	msg := netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(family)}, Data: body}
	return generic.pipeline(ctx, []netlink.Message{msg})[0]
}
