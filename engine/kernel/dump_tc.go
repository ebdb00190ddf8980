package kernel

import (
	"context"
	"encoding/binary"
	"slices"

	"golang.org/x/sys/unix"
)

// A rawTC is a qdisc, a class or a filter of traffic control.
type rawTC struct {
	Index int    `json:"index"`
	Kind  string `json:"kind"`
	// Handle and Parent are tc's numbers, major in the upper half.
	Handle uint32 `json:"handle"`
	Parent uint32 `json:"parent"`
	// Info is a filter's priority and protocol (TC_H_MAKE).
	Info uint32 `json:"info,omitempty"`
	// Body is the message.
	Body []byte `json:"body"`
}

// tcmsgSize is that of struct tcmsg.
const tcmsgSize = 20

// Handles of the qdiscs that have no place in the tree (pkt_sched.h).
const (
	tcMinIngress  = 0xFFFFFFF2
	tcMinEgress   = 0xFFFFFFF3
	tcIngressHand = 0xFFFF0000
)

// classful are the kinds of qdiscs whose classes somebody configures. Those of
// others come with the qdisc (prio, mq, tbf), or with traffic and go with it
// (sfq, fq_codel).
var classful = []string{"htb", "hfsc", "drr", "qfq", "cbq"}

// readTC dumps the qdiscs that somebody configured, with their classes and
// filters. The default qdiscs have handle 0 and come by themselves.
func readTC(ctx context.Context, c *conn, s *snapshot, _ want) error {
	all, err := dumpTC(ctx, c, unix.RTM_GETQDISC, 0, 0)
	if err != nil {
		return err
	}
	links := make(map[int]bool)
	for _, q := range all {
		if q.Handle == 0 || defaultQdisc(q) {
			continue
		}
		s.Qdiscs = append(s.Qdiscs, q)
		if err := readFilters(ctx, c, s, q); err != nil {
			return err
		}
		if q.Handle == tcIngressHand || links[q.Index] {
			continue
		}
		links[q.Index] = true
		classes, err := dumpTC(ctx, c, unix.RTM_GETTCLASS, q.Index, 0)
		if err != nil {
			return err
		}
		s.Classes = append(s.Classes, slices.DeleteFunc(classes, func(c rawTC) bool { return !slices.Contains(classful, c.Kind) })...)
	}
	return nil
}

// readFilters dumps the filters of one qdisc. The head of a list of filters of
// one priority, which has no handle, is none.
func readFilters(ctx context.Context, c *conn, s *snapshot, q rawTC) error {
	for _, parent := range filterParents(q) {
		filters, err := dumpTC(ctx, c, unix.RTM_GETTFILTER, q.Index, parent)
		if err != nil {
			return err
		}
		for _, f := range filters {
			if f.Handle != 0 {
				s.Filters = append(s.Filters, f)
			}
		}
	}
	return nil
}

// defaultQdisc tells the qdisc of a physical link that nobody configured: the
// kernel's own mq has a handle in some kernels.
func defaultQdisc(q rawTC) bool {
	return q.Kind == "noqueue" || (q.Kind == "mq" && q.Handle>>16 >= 0x8000)
}

// filterParents are the places where filters of a qdisc may hang.
func filterParents(q rawTC) []uint32 {
	if q.Handle == tcIngressHand {
		if q.Kind == "clsact" {
			return []uint32{tcMinIngress, tcMinEgress}
		}
		return []uint32{tcIngressHand}
	}
	return []uint32{q.Handle}
}

// dumpTC asks for one sort of objects; index and parent are 0 for all qdiscs.
func dumpTC(ctx context.Context, c *conn, typ uint16, index int, parent uint32) ([]rawTC, error) {
	request := make([]byte, tcmsgSize)
	binary.NativeEndian.PutUint32(request[4:], uint32(index))
	binary.NativeEndian.PutUint32(request[12:], parent)
	return dumpAll(ctx, c, typ, request, func(body []byte) (rawTC, bool, error) {
		t, err := decodeTC(body)
		t.Body = append([]byte(nil), body...)
		return t, true, err
	})
}

// decodeTC decodes the fixed part and the kind of a traffic control message.
func decodeTC(b []byte) (t rawTC, err error) {
	if len(b) < tcmsgSize {
		return t, short("traffic control", b)
	}
	t = rawTC{
		Index:  int(int32(binary.NativeEndian.Uint32(b[4:]))),
		Handle: binary.NativeEndian.Uint32(b[8:]),
		Parent: binary.NativeEndian.Uint32(b[12:]),
		Info:   binary.NativeEndian.Uint32(b[16:]),
	}
	a := scan(b[tcmsgSize:])
	for a.next() {
		if a.typ == unix.TCA_KIND {
			t.Kind = a.text()
		}
	}
	return t, a.err
}
