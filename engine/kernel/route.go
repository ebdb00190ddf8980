package kernel

import (
	"encoding/binary"
	"errors"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

const (
	mainTable = unix.RT_TABLE_MAIN
	// defaultMetric6 is what the kernel makes of no metric for IPv6
	// (IP6_RT_PRIO_USER, include/uapi/linux/ipv6_route.h).
	defaultMetric6 = 1024
	// nextHopOnlink is RTNH_F_ONLINK.
	nextHopOnlink = 4
)

// encodeAddRoute adds a route; one with its key must not be there.
func encodeAddRoute(s *plan.Step, t *linkTable) (work, error) {
	return addRoute(s, t, "add route "+s.Object, netlink.Create|netlink.Excl)
}

// encodeReplaceRoute adds a route in the place of the one with its key.
func encodeReplaceRoute(s *plan.Step, t *linkTable) (work, error) {
	return addRoute(s, t, "replace route "+s.Object, netlink.Create|netlink.Replace)
}

func addRoute(s *plan.Step, t *linkTable, op string, flags netlink.HeaderFlags) (work, error) {
	e, err := routeMessage(s.Routes, t, false)
	if err != nil {
		return nil, err
	}
	add := send(op, e.message(unix.RTM_NEWROUTE, flags))
	add.mayBeThere = true
	if first := s.Routes[0]; first.Source != nil && first.Source.Is6() {
		add.awaits = *first.Source
	}
	return wave(add), nil
}

// encodeRemoveRoute removes a route. What went with its address or link is
// gone as it should: of an IPv6 route also single next hops.
func encodeRemoveRoute(s *plan.Step, t *linkTable) (work, error) {
	hops := slices.DeleteFunc(slices.Clone(s.Routes), func(hop *state.Route) bool {
		n := hop.NextHopInterface
		return n != nil && *n != "" && t.byName[*n] == nil
	})
	if len(hops) == 0 && len(s.Routes) > 0 {
		return nil, nil
	}
	e, err := routeMessage(hops, t, true)
	if err != nil {
		return nil, err
	}
	return wave(send("remove route "+s.Object, e.message(unix.RTM_DELROUTE, 0),
		unix.ESRCH, unix.ENODEV, unix.ENOENT)), nil
}

// routeMessage makes struct rtmsg (rtnetlink(7)) and its attributes of the
// next hops of one route; all but the hops is taken from the first.
func routeMessage(hops []*state.Route, t *linkTable, remove bool) (*encoder, error) {
	if len(hops) == 0 || !hops[0].Destination.IsValid() {
		return nil, errors.New("internal error: the step has no route")
	}
	r := hops[0]
	e := routeHeader(hops, remove)
	if r.Destination.Bits() > 0 {
		e.addr(unix.RTA_DST, r.Destination.Addr())
	}
	e.u32(unix.RTA_TABLE, tableOf(r.TableID))
	if metric := metricOf(r); metric != 0 {
		e.u32(unix.RTA_PRIORITY, metric)
	}
	if r.Source != nil && r.Source.IsValid() {
		e.addr(unix.RTA_PREFSRC, *r.Source)
	}
	if r.Type == "" {
		if err := putNextHops(e, hops, t); err != nil {
			return nil, err
		}
	}
	if !remove {
		putMetrics(e, r)
	}
	return e, nil
}

// routeHeader is struct rtmsg.
func routeHeader(hops []*state.Route, remove bool) *encoder {
	r := hops[0]
	b := make([]byte, 12, 128)
	b[0] = familyOf(r.Destination.Addr())
	b[1] = uint8(r.Destination.Bits())
	if table := tableOf(r.TableID); table < 256 {
		b[4] = uint8(table)
	}
	b[5] = protocolOf(r, remove)
	b[6] = scopeOf(hops, remove)
	b[7] = routeTypeOf(r.Type)
	if len(hops) == 1 && isOnlink(r) {
		binary.NativeEndian.PutUint32(b[8:], nextHopOnlink)
	}
	return &encoder{b}
}

func isOnlink(r *state.Route) bool { return r.Facts != nil && r.Facts.Onlink }

// protocolOf is who made the route: for what is put back who it was, else us.
// A removal of one that nobody is known of takes any.
func protocolOf(r *state.Route, remove bool) uint8 {
	switch {
	case r.Facts != nil && r.Facts.Protocol != 0:
		return r.Facts.Protocol
	case remove:
		return unix.RTPROT_UNSPEC
	}
	return protoHoldfast
}

// scopeOf is what ip(8) gives: link where there is no gateway, global else; a
// removal matches any. IPv6 has no scopes.
func scopeOf(hops []*state.Route, remove bool) uint8 {
	r := hops[0]
	switch {
	case r.Destination.Addr().Is6():
		return unix.RT_SCOPE_UNIVERSE
	case remove:
		return unix.RT_SCOPE_NOWHERE
	case r.Type == "" && len(hops) == 1 && !hasGateway(r):
		return unix.RT_SCOPE_LINK
	}
	return unix.RT_SCOPE_UNIVERSE
}

func hasGateway(r *state.Route) bool { return r.NextHopAddress != nil && r.NextHopAddress.IsValid() }

// routeTypeOf is RTN_*.
func routeTypeOf(t state.RouteType) uint8 {
	switch t {
	case state.Blackhole:
		return unix.RTN_BLACKHOLE
	case state.Unreachable:
		return unix.RTN_UNREACHABLE
	case state.Prohibit:
		return unix.RTN_PROHIBIT
	}
	return unix.RTN_UNICAST
}

// tableOf is the table; main for none and 0.
func tableOf(id *uint32) uint32 {
	if id == nil || *id == 0 {
		return mainTable
	}
	return *id
}

// metricOf is the metric with the kernel's default written out.
func metricOf(r *state.Route) uint32 {
	if r.Metric != nil && *r.Metric > 0 {
		return uint32(*r.Metric)
	}
	if r.Destination.Addr().Is6() {
		return defaultMetric6
	}
	return 0
}

// putNextHops appends the one next hop, or RTA_MULTIPATH for several.
func putNextHops(e *encoder, hops []*state.Route, t *linkTable) error {
	if len(hops) == 1 {
		index, err := hopIndex(hops[0], t)
		if err != nil {
			return err
		}
		if index != 0 {
			e.u32(unix.RTA_OIF, uint32(index))
		}
		putGateway(e, hops[0])
		return nil
	}
	var fault error
	e.nest(unix.RTA_MULTIPATH, func(e *encoder) {
		for _, hop := range hops {
			index, err := hopIndex(hop, t)
			if err != nil {
				fault = err
				return
			}
			putNextHop(e, hop, index)
		}
	})
	return fault
}

// putNextHop appends struct rtnexthop and its attributes.
func putNextHop(e *encoder, hop *state.Route, index int) {
	start := len(e.b)
	weight := uint16(1)
	if hop.Weight != nil {
		weight = max(*hop.Weight, 1)
	}
	e.b = append(e.b, 0, 0, nextHopOnlink*bit[uint8](isOnlink(hop)), uint8(weight-1))
	e.b = binary.NativeEndian.AppendUint32(e.b, uint32(index))
	putGateway(e, hop)
	binary.NativeEndian.PutUint16(e.b[start:], uint16(len(e.b)-start))
}

// hopIndex is the number of the hop's interface, 0 if none is named.
func hopIndex(hop *state.Route, t *linkTable) (int, error) {
	if hop.NextHopInterface == nil || *hop.NextHopInterface == "" {
		return 0, nil
	}
	l, err := t.find(*hop.NextHopInterface)
	if err != nil {
		return 0, err
	}
	return l.index, nil
}

// putGateway appends the gateway; one of the other family is RTA_VIA (RFC 5549).
func putGateway(e *encoder, hop *state.Route) {
	if !hasGateway(hop) {
		return
	}
	gw := *hop.NextHopAddress
	if gw.Is4() == hop.Destination.Addr().Is4() {
		e.addr(unix.RTA_GATEWAY, gw.WithZone(""))
		return
	}
	b := binary.NativeEndian.AppendUint16(nil, uint16(familyOf(gw)))
	e.attr(unix.RTA_VIA, append(b, gw.WithZone("").AsSlice()...))
}

// putMetrics appends RTA_METRICS with those that were given, and the set of
// those that are locked.
func putMetrics(e *encoder, r *state.Route) {
	var lock uint32
	if r.CWND != nil {
		lock |= 1 << unix.RTAX_CWND
	}
	if r.LockMTU != nil && *r.LockMTU && r.MTU != nil {
		lock |= 1 << unix.RTAX_MTU
	}
	start := len(e.b)
	given := false
	e.nest(unix.RTA_METRICS, func(e *encoder) {
		if lock != 0 {
			e.u32(unix.RTAX_LOCK, lock)
		}
		for _, m := range []struct {
			typ   uint16
			value *uint32
		}{
			{unix.RTAX_MTU, r.MTU}, {unix.RTAX_CWND, r.CWND}, {unix.RTAX_ADVMSS, r.AdvMSS},
			{unix.RTAX_INITCWND, r.InitCWND}, {unix.RTAX_INITRWND, r.InitRWND},
		} {
			given = putU32(e, m.typ, m.value) || given
		}
		if r.QuickACK != nil {
			e.u32(unix.RTAX_QUICKACK, bit[uint32](*r.QuickACK))
			given = true
		}
	})
	if !given {
		e.b = e.b[:start]
	}
}
