package kernel

import (
	"context"
	"encoding/binary"
	"errors"

	"golang.org/x/sys/unix"
)

// want says which objects a snapshot holds.
type want uint32

// The objects of a snapshot. What is not asked for is not dumped.
const (
	wantLinks want = 1 << iota
	wantAddresses
	wantRoutes
	wantRules
	wantNexthops
	wantVLANs      // the bridges' VLAN filters
	wantFDB        // the bridges' static forwarding entries
	wantMDB        // the bridges' permanent multicast entries
	wantNeighbours // permanent neighbours and proxy entries
	wantQdiscs     // tc: qdiscs, classes and filters
	// wantRaw keeps every message's own bytes beside what is decoded, and all
	// sysctls of the links: what a checkpoint needs to put things back.
	wantRaw
	// wantAllRoutes keeps routes of every protocol; without it those that the
	// schema never shows (a routing daemon's whole table) are dropped undecoded.
	wantAllRoutes
	// wantShow is what Show needs.
	wantShow = wantLinks | wantAddresses | wantRoutes | wantRules
	// wantAll is what a checkpoint needs.
	wantAll = wantShow | wantNexthops | wantVLANs | wantFDB | wantMDB |
		wantNeighbours | wantQdiscs | wantRaw | wantAllRoutes
)

// A snapshot is the raw network of one namespace at one time, in the kernel's
// order and the kernel's words. It can be stored as JSON.
//
// The dumps of one snapshot follow each other: what changes in between is seen
// by the later ones only. Lists that were not asked for are nil.
type snapshot struct {
	Links      []*rawLink    `json:"links,omitempty"`
	Addresses  []*rawAddress `json:"addresses,omitempty"`
	Routes     []*rawRoute   `json:"routes,omitempty"`
	Rules      []*rawRule    `json:"rules,omitempty"`
	Nexthops   []rawObject   `json:"nexthops,omitempty"`
	VLANs      []rawVLANs    `json:"vlans,omitempty"`
	FDB        []*rawNeigh   `json:"fdb,omitempty"`
	MDB        []rawMDB      `json:"mdb,omitempty"`
	Neighbours []*rawNeigh   `json:"neighbours,omitempty"`
	Qdiscs     []rawTC       `json:"qdiscs,omitempty"`
	Classes    []rawTC       `json:"classes,omitempty"`
	Filters    []rawTC       `json:"filters,omitempty"`

	// Made when first looked into; the lists must be complete by then.
	byIndex      map[int]*rawLink
	vlansByIndex map[int]*rawVLANs
}

// A rawObject is a message that is kept whole and not decoded.
type rawObject struct {
	// Body is the message without its netlink header.
	Body []byte `json:"body"`
}

// takeSnapshot dumps what w asks for. Objects of a sort that the kernel was
// built without (bridge, nexthop objects, tc) are none, not an error.
func takeSnapshot(ctx context.Context, c *conn, w want) (*snapshot, error) {
	s := &snapshot{}
	for _, part := range dumps {
		if w&part.want == 0 {
			continue
		}
		if part.ready != nil && !part.ready(s, w) {
			continue
		}
		err := part.read(ctx, c, s, w)
		if errors.Is(err, unix.EOPNOTSUPP) && part.optional {
			err = nil
		}
		if err != nil {
			return nil, newOpError("read "+part.name, "", err)
		}
	}
	return s, nil
}

// A dumpPart is one sort of objects of a snapshot.
type dumpPart struct {
	want     want
	name     string
	optional bool
	ready    func(s *snapshot, w want) bool // nil: always
	read     func(ctx context.Context, c *conn, s *snapshot, w want) error
}

// dumps are read in this order: links first, since others look at them.
var dumps = []dumpPart{
	{want: wantLinks, name: "links", read: readLinks},
	{want: wantAddresses, name: "addresses", read: readAddresses},
	{want: wantAddresses, name: "IPv6 tokens", read: readTokens, ready: hasAutomatic},
	{want: wantRoutes, name: "routes", read: readRoutes},
	{want: wantRules, name: "rules", read: readRules, optional: true},
	{want: wantNexthops, name: "next hop objects", read: readNexthops, optional: true},
	{want: wantVLANs, name: "bridge VLANs", read: readVLANs, ready: hasBridge, optional: true},
	{want: wantFDB, name: "forwarding entries", read: readFDB, ready: hasBridge, optional: true},
	{want: wantMDB, name: "multicast entries", read: readMDB, ready: hasBridge, optional: true},
	{want: wantNeighbours, name: "neighbours", read: readNeighbours},
	{want: wantQdiscs, name: "queueing disciplines", read: readTC, optional: true},
}

// hasBridge tells whether a dump about bridges can have anything in it: a
// bridge, or a VXLAN, which has forwarding entries of its own.
func hasBridge(s *snapshot, _ want) bool {
	for _, l := range s.Links {
		if l.Kind == kindBridge || l.Kind == kindVXLAN {
			return true
		}
	}
	return s.Links == nil
}

// link gives the link of an ifindex, or nil.
func (s *snapshot) link(index int) *rawLink {
	if s.byIndex == nil {
		s.byIndex = make(map[int]*rawLink, len(s.Links))
		for _, l := range s.Links {
			s.byIndex[l.Index] = l
		}
	}
	return s.byIndex[index]
}

// name gives the name of the link of an ifindex, or "".
func (s *snapshot) name(index int) string {
	if l := s.link(index); l != nil {
		return l.Name
	}
	return ""
}

// appendAttr puts one attribute behind b, padded. Values of up to 64 KiB.
func appendAttr(b []byte, typ uint16, value []byte) []byte {
	b = binary.NativeEndian.AppendUint16(b, uint16(unix.SizeofNlAttr+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// appendU32 puts one attribute of 32 bits behind b.
func appendU32(b []byte, typ uint16, value uint32) []byte {
	return appendAttr(b, typ, binary.NativeEndian.AppendUint32(nil, value))
}
