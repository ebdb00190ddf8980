package kernel

import (
	"math"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// decodeLinkModes takes speed, duplex and autonegotiation. The kernel says -1
// or 255 for unknown; virtio tells an unknown speed as such.
func decodeLinkModes(n *nicSettings, a attrScanner) {
	for a.next() {
		switch a.typ {
		case unix.ETHTOOL_A_LINKMODES_AUTONEG:
			n.AutoNegotiation = new(a.flag())
		case unix.ETHTOOL_A_LINKMODES_SPEED:
			if v := a.u32(); v != 0 && v <= math.MaxInt32 {
				n.Speed = &v
			}
		case unix.ETHTOOL_A_LINKMODES_DUPLEX:
			n.Duplex = word[state.Duplex]([]string{"half", "full"}, int(a.u8()))
		}
	}
}

// detail gives a part of the section ethtool, making what is not there yet.
func (n *nicSettings) detail(name string) map[string]any {
	if n.Details == nil {
		n.Details = state.Raw{}
	}
	part, ok := n.Details[name].(map[string]any)
	if !ok {
		part = map[string]any{}
		n.Details[name] = part
	}
	return part
}

// decodePause takes flow control.
func decodePause(n *nicSettings, a attrScanner) {
	for a.next() {
		switch a.typ {
		case unix.ETHTOOL_A_PAUSE_AUTONEG:
			n.detail("pause")["autoneg"] = a.flag()
		case unix.ETHTOOL_A_PAUSE_RX:
			n.detail("pause")["rx"] = a.flag()
		case unix.ETHTOOL_A_PAUSE_TX:
			n.detail("pause")["tx"] = a.flag()
		}
	}
}

// ringNames are the schema's words by attribute.
var ringNames = map[uint16]string{
	unix.ETHTOOL_A_RINGS_RX:           "rx",
	unix.ETHTOOL_A_RINGS_RX_MINI:      "rx-mini",
	unix.ETHTOOL_A_RINGS_RX_JUMBO:     "rx-jumbo",
	unix.ETHTOOL_A_RINGS_TX:           "tx",
	unix.ETHTOOL_A_RINGS_RX_MAX:       "rx-max",
	unix.ETHTOOL_A_RINGS_RX_MINI_MAX:  "rx-mini-max",
	unix.ETHTOOL_A_RINGS_RX_JUMBO_MAX: "rx-jumbo-max",
	unix.ETHTOOL_A_RINGS_TX_MAX:       "tx-max",
}

// decodeRings takes the sizes of rings.
func decodeRings(n *nicSettings, a attrScanner) {
	for a.next() {
		if name := ringNames[a.typ]; name != "" {
			n.detail("ring")[name] = int64(a.u32())
		}
	}
}

// coalesceNames are the schema's words by attribute, in the kernel's order.
var coalesceNames = map[uint16]string{
	unix.ETHTOOL_A_COALESCE_RX_USECS:             "rx-usecs",
	unix.ETHTOOL_A_COALESCE_RX_MAX_FRAMES:        "rx-frames",
	unix.ETHTOOL_A_COALESCE_RX_USECS_IRQ:         "rx-usecs-irq",
	unix.ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ:    "rx-frames-irq",
	unix.ETHTOOL_A_COALESCE_TX_USECS:             "tx-usecs",
	unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES:        "tx-frames",
	unix.ETHTOOL_A_COALESCE_TX_USECS_IRQ:         "tx-usecs-irq",
	unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ:    "tx-frames-irq",
	unix.ETHTOOL_A_COALESCE_STATS_BLOCK_USECS:    "stats-block-usecs",
	unix.ETHTOOL_A_COALESCE_PKT_RATE_LOW:         "pkt-rate-low",
	unix.ETHTOOL_A_COALESCE_RX_USECS_LOW:         "rx-usecs-low",
	unix.ETHTOOL_A_COALESCE_RX_MAX_FRAMES_LOW:    "rx-frames-low",
	unix.ETHTOOL_A_COALESCE_TX_USECS_LOW:         "tx-usecs-low",
	unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW:    "tx-frames-low",
	unix.ETHTOOL_A_COALESCE_PKT_RATE_HIGH:        "pkt-rate-high",
	unix.ETHTOOL_A_COALESCE_RX_USECS_HIGH:        "rx-usecs-high",
	unix.ETHTOOL_A_COALESCE_RX_MAX_FRAMES_HIGH:   "rx-frames-high",
	unix.ETHTOOL_A_COALESCE_TX_USECS_HIGH:        "tx-usecs-high",
	unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH:   "tx-frames-high",
	unix.ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL: "sample-interval",
}

// decodeCoalesce takes interrupt coalescing.
func decodeCoalesce(n *nicSettings, a attrScanner) {
	for a.next() {
		switch a.typ {
		case unix.ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX:
			n.detail("coalesce")["adaptive-rx"] = a.flag()
		case unix.ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX:
			n.detail("coalesce")["adaptive-tx"] = a.flag()
		default:
			if name := coalesceNames[a.typ]; name != "" {
				n.detail("coalesce")[name] = int64(a.u32())
			}
		}
	}
}

// decodeFeatures takes the features that can be changed (the hardware's mask),
// each with whether it is active.
func decodeFeatures(n *nicSettings, a attrScanner) {
	var changeable, active map[string]bool
	for a.next() {
		switch a.typ {
		case unix.ETHTOOL_A_FEATURES_HW:
			changeable = bitNames(a.val)
		case unix.ETHTOOL_A_FEATURES_ACTIVE:
			active = bitNames(a.val)
		}
	}
	for name, may := range changeable {
		if may {
			n.detail("feature")[name] = active[name]
		}
	}
}

// bitNames decodes a bit set of the long form: each bit that is listed with its
// value. A set without mask lists only those that are set.
func bitNames(b []byte) map[string]bool {
	out := make(map[string]bool)
	list := false
	for a := scan(b); a.next(); {
		list = list || a.typ == unix.ETHTOOL_A_BITSET_NOMASK
	}
	for a := scan(b); a.next(); {
		if a.typ != unix.ETHTOOL_A_BITSET_BITS {
			continue
		}
		for bits := scan(a.val); bits.next(); {
			name, value := "", list
			for bit := scan(bits.val); bit.next(); {
				switch bit.typ {
				case unix.ETHTOOL_A_BITSET_BIT_NAME:
					name = bit.text()
				case unix.ETHTOOL_A_BITSET_BIT_VALUE:
					value = true
				}
			}
			out[name] = value
		}
	}
	return out
}
