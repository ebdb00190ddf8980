package kernel

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// routeKey tells routes apart as the kernel does, with their next hops.
func (s *snapshot) routeKey(r *rawRoute) string {
	var hops []string
	for _, h := range r.Hops {
		hops = append(hops, fmt.Sprintf("%s via %s weight %d", s.name(h.Index), h.Gateway, h.Weight))
	}
	slices.Sort(hops)
	return fmt.Sprintf("%s from %s metric %d table %d proto %d type %d tos %d src %s nhid %d [%s]",
		r.Destination, r.From, r.Metric, r.Table, r.Protocol, r.Type, r.TOS, r.Source, r.Nexthop, strings.Join(hops, ", "))
}

// facts lists what is configured on the links in scope and what the schema
// does not tell, as text that can be compared. Volatile things are left out,
// and what the kernel derives by itself.
func (s *snapshot) facts(scope map[string]bool) map[string]string {
	f := map[string]string{}
	for _, l := range s.Links {
		if scope[l.Name] {
			s.linkFacts(f, l)
		}
	}
	s.addressFacts(f, scope)
	s.objectFacts(f, scope)
	return f
}

// addressFacts lists addresses and routes.
func (s *snapshot) addressFacts(f map[string]string, scope map[string]bool) {
	for _, a := range s.Addresses {
		if name := s.name(a.Index); scope[name] && !a.madeByKernel() && a.permanent() {
			const told = unix.IFA_F_TENTATIVE | unix.IFA_F_PERMANENT | unix.IFA_F_SECONDARY
			f[name+": address "+a.Prefix.String()] = fmt.Sprintf("scope %d flags %x peer %s label %q metric %d", a.Scope, a.Flags&^told, a.Peer, a.Label, a.Metric)
		}
	}
	for index, list := range s.linkLocals() {
		for _, a := range list {
			if name := s.name(index); scope[name] {
				f[name+": address "+a.Prefix.String()] = "there"
			}
		}
	}
	for _, r := range s.Routes {
		if r.Protocol != unix.RTPROT_KERNEL && !r.Expires && len(r.Hops) > 0 && scope[s.name(r.Hops[0].Index)] {
			f["route "+s.routeKey(r)] = "there"
		}
	}
}

// objectFacts lists what is only there or not: neighbours, forwarding entries,
// traffic control.
func (s *snapshot) objectFacts(f map[string]string, scope map[string]bool) {
	there := func(index int, what, key string) {
		if name := s.name(index); scope[name] {
			f[name+": "+what+" "+key] = "there"
		}
	}
	for what, list := range map[string][]*rawNeigh{"forwarding entry": s.FDB, "permanent neighbour": s.Neighbours} {
		for _, n := range list {
			there(n.Index, what, printable(s.neighKey(n)))
		}
	}
	for _, o := range s.control() {
		there(o.Index, o.what, s.tcKey(o))
	}
	for _, n := range s.Nexthops {
		all := n.attributes()
		if id, link := all[nexthopID], all[nexthopLink]; len(id) >= 4 && len(link) >= 4 {
			there(int(binary.NativeEndian.Uint32(link)), "next hop object", strconv.FormatUint(uint64(binary.NativeEndian.Uint32(id)), 10))
		}
	}
	for _, m := range s.MDB {
		there(m.Port, "multicast entry", hex.EncodeToString(m.Entry[6:mdbEntrySize]))
	}
}

// printable writes a key that may hold bytes of an address.
func printable(key string) string { return fmt.Sprintf("%+q", key) }

// linkFacts lists what belongs to one link.
func (s *snapshot) linkFacts(f map[string]string, l *rawLink) {
	set := func(key string, value any) { f[l.Name+": "+key] = fmt.Sprint(value) }
	const flags = unix.IFF_UP | unix.IFF_PROMISC | unix.IFF_ALLMULTI | unix.IFF_NOARP
	set("flags", l.Flags&flags)
	set("mtu", l.MTU)
	set("mac", l.MAC)
	set("controller", s.name(l.Master))
	set("alias", l.Alias)
	set("queue length", l.TxQueue)
	set("group", l.Group)
	set("alternative names", slices.Sorted(slices.Values(l.AltNames)))
	options := attributes(l.Info)
	for _, typ := range unknownOptions[l.Kind] {
		if value, there := options[typ]; there {
			set(fmt.Sprintf("option %d", typ), hex.EncodeToString(value))
		}
	}
	if l.SlaveKind == kindBridge {
		values := attributes(l.SlaveInfo)
		for _, typ := range portFlags {
			if value, there := values[typ]; there {
				set(fmt.Sprintf("port flag %d", typ), hex.EncodeToString(value))
			}
		}
	}
	if master := s.link(l.Master); l.Kind == kindBridge || master != nil && master.Kind == kindBridge {
		set("vlans", vlanList(entries(s.vlansOf(l.Index))))
	}
	for family, values := range map[string][]int32{"ipv4": l.INet4.All, "ipv6": l.INet6.All} {
		names := map[string][]string{"ipv4": devconf4, "ipv6": devconf6}[family]
		for i, name := range names {
			if name != "" && i < len(values) && !slices.Contains(derived, name) {
				set(family+"."+name, values[i])
			}
		}
	}
}

// differing lists the keys whose values differ, a line each, sorted.
func differing(was, now map[string]string) []string {
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(was)) {
		switch value, there := now[key]; {
		case !there:
			lines = append(lines, key+": is gone")
		case value != was[key]:
			lines = append(lines, key+": is "+value+", was "+was[key])
		}
	}
	return lines
}
