package kernel

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// protoHoldfast is the routing protocol of the routes and rules that we make
// (packages name it in rt_protos.d).
const protoHoldfast = 72

// rtaNexthopID is RTA_NH_ID (Linux 5.3).
const rtaNexthopID = 30

// A rawRoute is one route as the kernel tells it.
type rawRoute struct {
	Family   uint8  `json:"family"`
	Table    uint32 `json:"table"`
	Protocol uint8  `json:"protocol"`
	Scope    uint8  `json:"scope"`
	// Type is RTN_UNICAST, RTN_BLACKHOLE, …
	Type  uint8  `json:"type"`
	Flags uint32 `json:"flags,omitempty"`
	TOS   uint8  `json:"tos,omitempty"`
	// Destination is never invalid: a default route has length 0.
	Destination netip.Prefix `json:"destination"`
	// From is the source prefix of a source specific route; invalid without.
	From   netip.Prefix `json:"from,omitzero"`
	Metric uint32       `json:"metric"`
	// Source is the preferred source address; invalid without.
	Source netip.Addr `json:"source,omitzero"`
	// Hops holds one next hop, several for a multipath route, or none.
	Hops []rawHop `json:"hops,omitempty"`
	// Multipath is set when the hops came as a list with weights.
	Multipath bool `json:"multipath,omitempty"`
	// Nexthop is the number of a next hop object; 0 without one.
	Nexthop uint32 `json:"nexthop,omitempty"`
	// Metrics are the values by RTAX number.
	Metrics map[uint16]uint32 `json:"metrics,omitempty"`
	// Expires is set for a route with an end of life.
	Expires bool `json:"expires,omitempty"`
	// Special is set when the route has something that the schema cannot say:
	// encapsulation, realms, a next hop object, a type of service, a source.
	Special bool `json:"special,omitempty"`
	// Body is the message, kept for a checkpoint only.
	Body []byte `json:"body,omitempty"`
}

// A rawHop is one next hop.
type rawHop struct {
	Index   int        `json:"index,omitempty"`
	Gateway netip.Addr `json:"gateway,omitzero"`
	// Weight is 1 and up; 1 for a lone next hop.
	Weight uint16 `json:"weight"`
	// Flags are RTNH_F_*: onlink, dead, linkdown.
	Flags uint32 `json:"flags,omitempty"`
}

// readRoutes dumps the routes of both families and all tables.
func readRoutes(ctx context.Context, c *conn, s *snapshot, w want) error {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		request := make([]byte, unix.SizeofRtMsg)
		request[0] = family
		routes, err := dumpAll(ctx, c, unix.RTM_GETROUTE, request, func(body []byte) (*rawRoute, bool, error) {
			if !routeWanted(body, family, w) {
				return nil, false, nil
			}
			r, err := decodeRoute(body)
			if err == nil && w&wantRaw != 0 {
				r.Body = append([]byte(nil), body...)
			}
			return r, true, err
		})
		if err != nil {
			return err
		}
		s.Routes = append(s.Routes, routes...)
	}
	return nil
}

// routeWanted looks at a route's fixed header only. A kernel without IPv6
// answers a question about it with all families: those are left out. Routes of
// the kernel's own and cached ones are no configuration in any case.
func routeWanted(b []byte, family uint8, w want) bool {
	if len(b) < unix.SizeofRtMsg {
		return true // an error to be told
	}
	protocol, kind := b[5], b[7]
	switch {
	case b[0] != family,
		binary.NativeEndian.Uint32(b[8:])&unix.RTM_F_CLONED != 0:
		return false
	case w&wantAllRoutes != 0:
		return true
	case protocol == unix.RTPROT_KERNEL, protocol == unix.RTPROT_REDIRECT:
		return false
	case kind != unix.RTN_UNICAST && kind != unix.RTN_BLACKHOLE &&
		kind != unix.RTN_UNREACHABLE && kind != unix.RTN_PROHIBIT:
		return false
	}
	return configuredProtocol(protocol) || runningProtocol(protocol)
}

// configuredProtocol tells the protocols of routes that somebody configured,
// people's and ours (rtnetlink(7)).
func configuredProtocol(p uint8) bool {
	return p == unix.RTPROT_BOOT || p == unix.RTPROT_STATIC || p == protoHoldfast
}

// runningProtocol tells the protocols that nmstate shows beside them.
func runningProtocol(p uint8) bool {
	switch p {
	case unix.RTPROT_RA, unix.RTPROT_DHCP, unix.RTPROT_MROUTED, unix.RTPROT_KEEPALIVED, unix.RTPROT_BABEL:
		return true
	}
	return false
}

// decodeRoute decodes the body of an RTM_NEWROUTE message.
func decodeRoute(b []byte) (*rawRoute, error) {
	if len(b) < unix.SizeofRtMsg {
		return nil, short("route", b)
	}
	r := &rawRoute{
		Family: b[0], TOS: b[3], Table: uint32(b[4]), Protocol: b[5], Scope: b[6], Type: b[7],
		Flags: binary.NativeEndian.Uint32(b[8:]),
	}
	dstBits, srcBits := b[1], b[2]
	r.Destination = netip.PrefixFrom(unspecified(r.Family), int(dstBits))
	if srcBits > 0 {
		r.From = netip.PrefixFrom(unspecified(r.Family), int(srcBits))
	}
	hop := rawHop{Weight: 1, Flags: r.Flags}
	a := scan(b[unix.SizeofRtMsg:])
	for a.next() {
		switch a.typ {
		case unix.RTA_DST:
			r.Destination = a.prefix(dstBits)
		case unix.RTA_SRC:
			r.From = a.prefix(srcBits)
		case unix.RTA_OIF, unix.RTA_GATEWAY, unix.RTA_VIA:
			hop.decode(&a)
		default:
			r.decodeRest(&a)
		}
	}
	r.finish(hop)
	if a.err == nil && !r.Destination.IsValid() {
		a.err = fmt.Errorf("family %d, prefix length %d", r.Family, dstBits)
	}
	if a.err != nil {
		return nil, fmt.Errorf("route to %s: %w", r.Destination, a.err)
	}
	return r, nil
}

// finish settles what follows from all attributes together.
func (r *rawRoute) finish(hop rawHop) {
	if !r.Multipath && (hop.Index != 0 || hop.Gateway.IsValid()) {
		r.Hops = []rawHop{hop}
	}
	r.Special = r.Special || r.TOS != 0 || r.From.IsValid() || r.Nexthop != 0
}

// unspecified is the address of all zeros of a family, invalid for others.
func unspecified(family uint8) netip.Addr {
	switch family {
	case unix.AF_INET:
		return netip.IPv4Unspecified()
	case unix.AF_INET6:
		return netip.IPv6Unspecified()
	}
	return netip.Addr{}
}

// decodeRest takes the attributes that are no prefix and no single next hop.
func (r *rawRoute) decodeRest(a *attrScanner) {
	switch a.typ {
	case unix.RTA_TABLE:
		r.Table = a.u32()
	case unix.RTA_PRIORITY:
		r.Metric = a.u32()
	case unix.RTA_PREFSRC:
		r.Source = a.addr()
	case unix.RTA_METRICS:
		r.decodeMetrics(a)
	case unix.RTA_MULTIPATH:
		r.Multipath = true
		a.keep(r.decodeMultipath(a.val))
	case rtaNexthopID:
		r.Nexthop = a.u32()
	case unix.RTA_CACHEINFO: // struct rta_cacheinfo: clntref, lastuse, expires, …
		if a.need(12) {
			r.Expires = binary.NativeEndian.Uint32(a.val[8:]) != 0
		}
	case unix.RTA_ENCAP, unix.RTA_ENCAP_TYPE, unix.RTA_FLOW, unix.RTA_NEWDST, unix.RTA_TTL_PROPAGATE:
		r.Special = true
	}
}

// decodeMetrics takes RTA_METRICS apart. The congestion control algorithm is
// the one that is no number.
func (r *rawRoute) decodeMetrics(a *attrScanner) {
	n := scan(a.val)
	for n.next() {
		if n.typ == unix.RTAX_CC_ALGO {
			r.Special = true
			continue
		}
		if r.Metrics == nil {
			r.Metrics = make(map[uint16]uint32)
		}
		r.Metrics[n.typ] = n.u32()
	}
	a.keep(n.err)
}

// decodeMultipath takes a list of struct rtnexthop, each with attributes.
func (r *rawRoute) decodeMultipath(b []byte) error {
	for len(b) >= unix.SizeofRtNexthop {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			return fmt.Errorf("next hop says %d bytes, has %d", n, len(b))
		}
		hop := rawHop{
			Flags: uint32(b[2]), Weight: uint16(b[3]) + 1,
			Index: int(int32(binary.NativeEndian.Uint32(b[4:]))),
		}
		a := scan(b[unix.SizeofRtNexthop:n])
		for a.next() {
			hop.decode(&a)
			if a.typ == unix.RTA_ENCAP || a.typ == unix.RTA_FLOW {
				r.Special = true
			}
		}
		if a.err != nil {
			return a.err
		}
		r.Hops = append(r.Hops, hop)
		b = b[min(align4(n), len(b)):]
	}
	return nil
}

// decode takes one attribute of a next hop.
func (h *rawHop) decode(a *attrScanner) {
	switch a.typ {
	case unix.RTA_OIF:
		h.Index = a.index()
	case unix.RTA_GATEWAY:
		h.Gateway = a.addr()
	case unix.RTA_VIA: // struct rtvia: a family, then an address of it
		if a.need(2) {
			v := *a
			v.val = a.val[2:]
			h.Gateway = v.addr()
			a.keep(v.err)
		}
	}
}
