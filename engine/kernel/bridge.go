package kernel

import (
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// centiseconds in a second: the bridge's times are in USER_HZ
// (br_netlink.c, clock_t_to_jiffies).
const centiseconds = 100

// A bridgeOption is how one option of a bridge is sent.
type bridgeOption struct {
	key string
	put func(e *encoder, o *state.BridgeOptions) bool
}

// bridgeOptions are all options by their keys below bridge.options.
var bridgeOptions = []bridgeOption{
	{"stp.forward-delay", stpOption(func(e *encoder, o *state.STP) bool {
		return putSeconds(e, unix.IFLA_BR_FORWARD_DELAY, o.ForwardDelay)
	})},
	{"stp.hello-time", stpOption(func(e *encoder, o *state.STP) bool {
		return putSeconds(e, unix.IFLA_BR_HELLO_TIME, o.HelloTime)
	})},
	{"stp.max-age", stpOption(func(e *encoder, o *state.STP) bool {
		return putSeconds(e, unix.IFLA_BR_MAX_AGE, o.MaxAge)
	})},
	{"mac-ageing-time", func(e *encoder, o *state.BridgeOptions) bool {
		if o.MACAgeingTime == nil {
			return false
		}
		e.u32(unix.IFLA_BR_AGEING_TIME, *o.MACAgeingTime*centiseconds)
		return true
	}},
	{"stp.enabled", stpOption(func(e *encoder, o *state.STP) bool {
		if o.Enabled == nil {
			return false
		}
		e.u32(unix.IFLA_BR_STP_STATE, bit[uint32](*o.Enabled))
		return true
	})},
	{"stp.priority", stpOption(func(e *encoder, o *state.STP) bool {
		return putU16(e, unix.IFLA_BR_PRIORITY, o.Priority)
	})},
	{"vlan-protocol", func(e *encoder, o *state.BridgeOptions) bool {
		if o.VLANProtocol == "" {
			return false
		}
		e.be16(unix.IFLA_BR_VLAN_PROTOCOL, etherType(o.VLANProtocol))
		return true
	}},
	{"vlan-default-pvid", func(e *encoder, o *state.BridgeOptions) bool {
		return putU16(e, unix.IFLA_BR_VLAN_DEFAULT_PVID, o.VLANDefaultPVID)
	}},
	{"group-forward-mask", putGroupMask},
	{"group-fwd-mask", putGroupMask},
	{"group-addr", func(e *encoder, o *state.BridgeOptions) bool {
		if o.GroupAddr == "" {
			return false
		}
		e.mac(unix.IFLA_BR_GROUP_ADDR, string(o.GroupAddr))
		return true
	}},
	{"multicast-router", func(e *encoder, o *state.BridgeOptions) bool {
		place := map[state.MulticastRouter]uint8{"disabled": 0, "auto": 1, "enabled": 2}
		n, ok := place[o.MulticastRouter]
		if ok {
			e.u8(unix.IFLA_BR_MCAST_ROUTER, n)
		}
		return ok
	}},
	{"multicast-snooping", func(e *encoder, o *state.BridgeOptions) bool {
		return putFlag(e, unix.IFLA_BR_MCAST_SNOOPING, o.MulticastSnooping)
	}},
	{"multicast-query-use-ifaddr", func(e *encoder, o *state.BridgeOptions) bool {
		return putFlag(e, unix.IFLA_BR_MCAST_QUERY_USE_IFADDR, o.MulticastQueryUseIfaddr)
	}},
	{"multicast-querier", func(e *encoder, o *state.BridgeOptions) bool {
		return putFlag(e, unix.IFLA_BR_MCAST_QUERIER, o.MulticastQuerier)
	}},
	{"hash-max", func(e *encoder, o *state.BridgeOptions) bool {
		return putU32(e, unix.IFLA_BR_MCAST_HASH_MAX, o.HashMax)
	}},
	{"multicast-last-member-count", func(e *encoder, o *state.BridgeOptions) bool {
		return putU32(e, unix.IFLA_BR_MCAST_LAST_MEMBER_CNT, o.MulticastLastMemberCount)
	}},
	{"multicast-startup-query-count", func(e *encoder, o *state.BridgeOptions) bool {
		return putU32(e, unix.IFLA_BR_MCAST_STARTUP_QUERY_CNT, o.MulticastStartupQueryCount)
	}},
	{"multicast-last-member-interval", func(e *encoder, o *state.BridgeOptions) bool {
		return putU64(e, unix.IFLA_BR_MCAST_LAST_MEMBER_INTVL, o.MulticastLastMemberInterval)
	}},
	{"multicast-membership-interval", func(e *encoder, o *state.BridgeOptions) bool {
		return putU64(e, unix.IFLA_BR_MCAST_MEMBERSHIP_INTVL, o.MulticastMembershipInterval)
	}},
	{"multicast-querier-interval", func(e *encoder, o *state.BridgeOptions) bool {
		return putU64(e, unix.IFLA_BR_MCAST_QUERIER_INTVL, o.MulticastQuerierInterval)
	}},
	{"multicast-query-interval", func(e *encoder, o *state.BridgeOptions) bool {
		return putU64(e, unix.IFLA_BR_MCAST_QUERY_INTVL, o.MulticastQueryInterval)
	}},
	{"multicast-query-response-interval", func(e *encoder, o *state.BridgeOptions) bool {
		return putU64(e, unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL, o.MulticastQueryResponseInterval)
	}},
	{"multicast-startup-query-interval", func(e *encoder, o *state.BridgeOptions) bool {
		return putU64(e, unix.IFLA_BR_MCAST_STARTUP_QUERY_INTVL, o.MulticastStartupQueryInterval)
	}},
}

func stpOption(put func(*encoder, *state.STP) bool) func(*encoder, *state.BridgeOptions) bool {
	return func(e *encoder, o *state.BridgeOptions) bool { return o.STP != nil && put(e, o.STP) }
}

func putSeconds(e *encoder, typ uint16, v *uint8) bool {
	if v != nil {
		e.u32(typ, uint32(*v)*centiseconds)
	}
	return v != nil
}

func putGroupMask(e *encoder, o *state.BridgeOptions) bool {
	if o.GroupForwardMask != nil {
		return putU16(e, unix.IFLA_BR_GROUP_FWD_MASK, o.GroupForwardMask)
	}
	return putU16(e, unix.IFLA_BR_GROUP_FWD_MASK, o.GroupFwdMask)
}

// etherType is a tag's EtherType; 802.1q if not mentioned.
func etherType(p state.VLANProtocol) uint16 {
	if p == state.Dot1AD {
		return unix.ETH_P_8021AD
	}
	return unix.ETH_P_8021Q
}

// createBridge appends the options that were given, and VLAN filtering.
func createBridge(e *encoder, i *state.Interface, _ *linkTable) error {
	if plan.VLANFiltering(i.Bridge) {
		e.flag(unix.IFLA_BR_VLAN_FILTERING, true)
	}
	if i.Bridge == nil || i.Bridge.Options == nil {
		return nil
	}
	for _, option := range bridgeOptions {
		if option.key != "group-fwd-mask" {
			option.put(e, i.Bridge.Options)
		}
	}
	return nil
}

// changeBridge sets all keys in one message: the kernel looks at them in an
// order of its own, times before the switch of the spanning tree protocol.
func changeBridge(s *plan.Step, l *link, keys []string, _ *linkTable) ([]task, error) {
	bridge := s.Link.Bridge
	if bridge == nil {
		return nil, unknownKey(s, keys[0])
	}
	wanted := make(map[string]bool, len(keys))
	var values encoder
	var words []string
	for _, key := range keys {
		switch key {
		case plan.KeyFilterOn, plan.KeyFilterOff:
			values.flag(unix.IFLA_BR_VLAN_FILTERING, key == plan.KeyFilterOn)
			words = append(words, "vlan-filtering "+strconv.FormatBool(key == plan.KeyFilterOn))
		default:
			wanted[strings.TrimPrefix(key, "bridge.options.")] = true
		}
	}
	for _, option := range bridgeOptions {
		if !wanted[option.key] {
			continue
		}
		if bridge.Options == nil || !option.put(&values, bridge.Options) {
			return nil, fmt.Errorf("internal error: the step has no value for %q", option.key)
		}
		words = append(words, option.key+valueText(s, option.key))
		delete(wanted, option.key)
	}
	for key := range wanted {
		return nil, unknownKey(s, key)
	}
	return []task{send("set "+strings.Join(words, ", "), setInfo(l.index, kindBridge, func(e *encoder) {
		e.b = append(e.b, values.b...)
	}))}, nil
}
