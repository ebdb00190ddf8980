package kernel

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// replay makes a message of a type out of a body that the kernel gave, with
// the numbers of links of today. indexAt is where the fixed header has one, or
// -1; attrs are the attributes that hold one. Attributes that the kernel only
// tells are left out. ok is false if a link is gone.
func (r *restorer) replay(body []byte, header, indexAt int, attrs, leaveOut []uint16, typ uint16) (netlink.Message, bool) {
	if len(body) < header {
		return netlink.Message{}, false
	}
	out := &encoder{b: slices.Clone(body[:header])}
	ok := true
	translate := func(b []byte) {
		index := r.newIndex(int(int32(binary.NativeEndian.Uint32(b))))
		ok = ok && index != 0
		binary.NativeEndian.PutUint32(b, uint32(index))
	}
	if indexAt >= 0 {
		translate(out.b[indexAt:])
	}
	for a := scan(body[header:]); a.next(); {
		if slices.Contains(leaveOut, a.typ) {
			continue
		}
		value := slices.Clone(a.val)
		if slices.Contains(attrs, a.typ) && len(value) >= 4 {
			translate(value)
		}
		out.attr(a.typ, value)
	}
	return out.message(typ, netlink.Create|netlink.Replace), ok
}

// forwarding puts back static forwarding entries of ports that are where they
// were.
func (r *restorer) forwarding() []extra {
	have := map[string]bool{}
	for _, n := range r.now.FDB {
		have[r.now.neighKey(n)] = true
	}
	var list []extra
	for _, n := range r.was.FDB {
		was := r.was.link(n.Index)
		now := r.pair(was)
		if now == nil || have[r.was.neighKey(n)] || n.Master != 0 && !r.sameController(was, now) {
			continue
		}
		msg, ok := r.replay(n.Body, ndmsgSize, 4, []uint16{unix.NDA_MASTER, unix.NDA_IFINDEX},
			[]uint16{unix.NDA_CACHEINFO, unix.NDA_PROBES, unix.NDA_MASTER}, unix.RTM_NEWNEIGH)
		if ok {
			if n.Master != 0 {
				msg.Data[10] |= unix.NTF_MASTER
			}
			list = append(list, extra{op: "restore forwarding entry " + n.MAC, object: was.Name, msg: msg})
		}
	}
	return list
}

// neighKey tells neighbours and forwarding entries apart.
func (s *snapshot) neighKey(n *rawNeigh) string {
	var destination string
	for a := scan(n.Body[min(ndmsgSize, len(n.Body)):]); a.next(); {
		if a.typ == unix.NDA_DST {
			destination = string(a.val)
		}
	}
	return s.name(n.Index) + " " + n.MAC + " " + string(rune(n.VLAN)) + " " + s.name(n.Master) + " " + destination
}

// neighbours puts back permanent neighbours.
func (r *restorer) neighbours() []extra {
	have := map[string]bool{}
	for _, n := range r.now.Neighbours {
		have[r.now.neighKey(n)] = true
	}
	var list []extra
	for _, n := range r.was.Neighbours {
		now := r.pairOf(n.Index)
		if now == nil || !now.up() || have[r.was.neighKey(n)] {
			continue
		}
		msg, ok := r.replay(n.Body, ndmsgSize, 4, nil, []uint16{unix.NDA_CACHEINFO, unix.NDA_PROBES}, unix.RTM_NEWNEIGH)
		if ok {
			list = append(list, extra{op: "restore permanent neighbour", object: now.Name, msg: msg})
		}
	}
	return list
}

// multicast puts back permanent multicast entries of bridges.
func (r *restorer) multicast() []extra {
	var list []extra
	for _, m := range r.was.MDB {
		was, bridge := r.was.link(m.Port), r.pairOf(m.Bridge)
		port := r.pair(was)
		if bridge == nil || port == nil || r.hasMulticast(m) || was.Index != m.Bridge && !r.sameController(was, port) {
			continue
		}
		entry := slices.Clone(m.Entry[:mdbEntrySize])
		binary.NativeEndian.PutUint32(entry, uint32(port.Index))
		e := &encoder{b: make([]byte, portMessageSize)}
		e.b[0] = unix.AF_BRIDGE
		binary.NativeEndian.PutUint32(e.b[4:], uint32(bridge.Index))
		const mdbaSetEntry = 1
		e.attr(mdbaSetEntry, entry)
		list = append(list, extra{
			op: "restore multicast entry", object: port.Name,
			msg: e.message(unix.RTM_NEWMDB, netlink.Create), fine: []unix.Errno{unix.EEXIST},
		})
	}
	return list
}

// hasMulticast tells whether an entry is there: same port, VLAN and group.
func (r *restorer) hasMulticast(m rawMDB) bool {
	return slices.ContainsFunc(r.now.MDB, func(n rawMDB) bool {
		return r.now.name(n.Port) == r.was.name(m.Port) && string(n.Entry[6:mdbEntrySize]) == string(m.Entry[6:mdbEntrySize])
	})
}

// addresses puts back lost addresses, with what is left of their life.
func (r *restorer) addresses() []extra {
	have := map[string]map[netip.Prefix]bool{}
	for _, a := range r.now.Addresses {
		name := r.now.name(a.Index)
		if have[name] == nil {
			have[name] = map[netip.Prefix]bool{}
		}
		have[name][a.Prefix] = true
	}
	var list []extra
	for _, a := range r.was.Addresses {
		now := r.pairOf(a.Index)
		if now == nil || have[now.Name][a.Prefix] || a.madeByKernel() || !r.keepsAddress(now.Name, a) || !a.permanent() && a.Valid <= r.elapsed {
			continue
		}
		msg, ok := r.replay(a.Body, unix.SizeofIfAddrmsg, 4, nil, nil, unix.RTM_NEWADDR)
		if !ok {
			continue
		}
		r.shorten(msg.Data)
		list = append(list, extra{op: "restore address " + a.Prefix.String(), object: now.Name, msg: msg})
	}
	return list
}

// madeByKernel tells the addresses that come by themselves: link-local ones
// that the kernel made up, and those of the loopback.
func (a *rawAddress) madeByKernel() bool {
	return a.Protocol == addrProtoLo || a.Protocol == addrProtoLinkLL ||
		a.Family == unix.AF_INET6 && a.Prefix.Addr().IsLinkLocalUnicast() && a.Protocol == 0
}

// shorten takes the time that has passed off an address's life (struct
// ifa_cacheinfo: preferred, valid), and the flags that the kernel sets itself.
func (r *restorer) shorten(body []byte) {
	const own = unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED | unix.IFA_F_SECONDARY&^unix.IFA_F_TEMPORARY | unix.IFA_F_DEPRECATED
	body[2] &^= byte(own & 0xff)
	for a := scan(body[unix.SizeofIfAddrmsg:]); a.next(); {
		switch {
		case a.typ == unix.IFA_FLAGS && len(a.val) >= 4:
			binary.NativeEndian.PutUint32(a.val, binary.NativeEndian.Uint32(a.val)&^uint32(own))
		case a.typ == unix.IFA_CACHEINFO && len(a.val) >= 8:
			for _, at := range []int{0, 4} {
				left := binary.NativeEndian.Uint32(a.val[at:])
				if left != foreverLife {
					binary.NativeEndian.PutUint32(a.val[at:], left-min(left, r.elapsed))
				}
			}
		}
	}
}

// nexthops puts back next hop objects that went with their link (nexthop.c,
// nexthop_flush_dev), and groups that lost members by that.
func (r *restorer) nexthops() []extra {
	have := map[string][]byte{}
	for _, n := range r.now.Nexthops {
		all := n.attributes()
		have[string(all[nexthopID])] = all[nexthopGroup]
	}
	var list, groups []extra
	for _, n := range r.was.Nexthops {
		all := n.attributes()
		if group, there := have[string(all[nexthopID])]; there && bytes.Equal(group, all[nexthopGroup]) {
			continue
		}
		if link := all[nexthopLink]; len(link) >= 4 && r.pairOf(int(binary.NativeEndian.Uint32(link))) == nil {
			continue
		}
		msg, ok := r.replay(n.Body, nexthopSize, -1, []uint16{nexthopLink}, nil, unix.RTM_NEWNEXTHOP)
		if !ok {
			continue
		}
		// The kernel tells the scope and most flags, and refuses to be told
		// (struct nhmsg; rtm_to_nh_config, net/ipv4/nexthop.c).
		msg.Data[1] = 0
		flags := binary.NativeEndian.Uint32(msg.Data[4:])
		binary.NativeEndian.PutUint32(msg.Data[4:], flags&unix.RTNH_F_ONLINK)
		found := extra{op: "restore next hop object", object: "nexthop", msg: msg, fine: r.outOfReach()}
		if all[nexthopGroup] != nil {
			groups = append(groups, found)
		} else {
			list = append(list, found)
		}
	}
	return append(list, groups...)
}

// outOfReach are the refusals of a route or next hop object that the plan made
// impossible: the document took the address away, or moved it, that its next
// hop was reached by. Whoever made it must make it anew. A rollback makes
// nothing impossible.
func (r *restorer) outOfReach() []unix.Errno {
	if r.all {
		return nil
	}
	return []unix.Errno{unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN}
}

// routes puts back lost routes of links in scope.
func (r *restorer) routes() []extra {
	have := map[string]bool{}
	for _, route := range r.now.Routes {
		have[r.now.routeKey(route)] = true
	}
	var list []extra
	for _, route := range r.was.Routes {
		if route.Protocol == unix.RTPROT_KERNEL || route.Expires || !r.keepsRoute(route) || have[r.was.routeKey(route)] || !r.routeStands(route) {
			continue
		}
		list = append(list, r.route(route)...)
	}
	return list
}

// routeStands tells whether a route was one of links that are in scope, there
// and up.
func (r *restorer) routeStands(route *rawRoute) bool {
	if len(route.Hops) == 0 {
		return route.Nexthop != 0
	}
	inScope := false
	for _, hop := range route.Hops {
		was := r.was.link(hop.Index)
		if was == nil {
			return false
		}
		now := r.nowByName[was.Name]
		if now == nil || !now.up() || !r.stays(was.Name) {
			return false
		}
		inScope = inScope || r.scope[was.Name]
	}
	return inScope
}

// route makes the message of a route; the next hops of a list keep their
// numbers, so it is left out when one of their links has a new one.
func (r *restorer) route(route *rawRoute) []extra {
	if route.Multipath {
		for _, hop := range route.Hops {
			if r.newIndex(hop.Index) != hop.Index {
				return nil
			}
		}
	}
	leaveOut := []uint16{unix.RTA_CACHEINFO, unix.RTA_PREF}
	if route.Nexthop != 0 {
		leaveOut = append(leaveOut, unix.RTA_OIF, unix.RTA_GATEWAY, unix.RTA_VIA, unix.RTA_MULTIPATH)
	}
	msg, ok := r.replay(route.Body, unix.SizeofRtMsg, -1, []uint16{unix.RTA_OIF}, leaveOut, unix.RTM_NEWROUTE)
	if !ok {
		return nil
	}
	const told = unix.RTNH_F_DEAD | unix.RTNH_F_LINKDOWN
	flags := binary.NativeEndian.Uint32(msg.Data[8:])
	binary.NativeEndian.PutUint32(msg.Data[8:], flags&^uint32(told))
	found := extra{op: "restore route to " + route.Destination.String(), object: r.was.hopNames(route), msg: msg}
	if found.fine = r.outOfReach(); route.Nexthop != 0 && !r.all {
		found.fine = append(found.fine, unix.EINVAL) // the next hop object is not there any more
	}
	return []extra{found}
}

// hopNames names the links of a route.
func (s *snapshot) hopNames(route *rawRoute) string {
	names := make([]string, len(route.Hops))
	for i, hop := range route.Hops {
		names[i] = s.name(hop.Index)
	}
	return strings.Join(names, ", ")
}
