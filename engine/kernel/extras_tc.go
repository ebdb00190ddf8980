package kernel

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Attributes that tc(8) objects are only told with: statistics and offload
// (TCA_STATS, TCA_XSTATS, TCA_FCNT, TCA_STATS2, TCA_STAB is kept,
// TCA_HW_OFFLOAD; include/uapi/linux/rtnetlink.h).
var tcTold = []uint16{3, 4, 6, 7, 9, 12}

// A tcObject is a qdisc, class or filter, and how it is put back.
type tcObject struct {
	rawTC
	what string
	typ  uint16 // of the message
}

// control puts back traffic control of links that were made anew: qdiscs and
// classes from the root down, then filters.
func (r *restorer) control() []extra {
	have := map[string]bool{}
	for _, o := range r.now.control() {
		have[r.now.tcKey(o)] = true
	}
	var list []extra
	for _, o := range topDown(r.was.control()) {
		now := r.pairOf(o.Index)
		if now == nil || have[r.was.tcKey(o)] {
			continue
		}
		msg, ok := r.replay(o.Body, tcmsgSize, 4, nil, tcTold, o.typ)
		if ok {
			asAsked(o.rawTC, msg.Data)
			msg.Header.Flags = netlink.Create
			list = append(list, extra{op: "restore " + o.what + " " + o.Kind, object: now.Name, msg: msg, fine: o.fine()})
		}
	}
	return list
}

// control lists everything of traffic control: qdiscs, classes, filters.
func (s *snapshot) control() []tcObject {
	var list []tcObject
	add := func(all []rawTC, what string, typ uint16) {
		for _, t := range all {
			list = append(list, tcObject{t, what, typ})
		}
	}
	add(s.Qdiscs, "qdisc", unix.RTM_NEWQDISC)
	add(s.Classes, "class", unix.RTM_NEWTCLASS)
	add(s.Filters, "filter", unix.RTM_NEWTFILTER)
	return list
}

// A tcPlace is where in a link's traffic control a qdisc or a class is.
type tcPlace struct {
	index  int
	handle uint32
}

// topDown brings each object behind what it hangs in: a qdisc, its classes, the
// qdiscs in these, their classes, and at last all filters. The order is kept
// otherwise.
func topDown(objects []tcObject) []tcObject {
	known, there := map[tcPlace]bool{}, map[tcPlace]bool{}
	var rest, filters, list []tcObject
	for _, o := range objects {
		if o.typ == unix.RTM_NEWTFILTER {
			filters = append(filters, o)
			continue
		}
		rest = append(rest, o)
		known[o.place()] = true
	}
	for found := true; found; {
		found = false
		var waiting []tcObject
		for _, o := range rest {
			if parent := o.hangsIn(known); known[parent] && !there[parent] {
				waiting = append(waiting, o)
				continue
			}
			list, found = append(list, o), true
			there[o.place()] = true
		}
		rest = waiting
	}
	slices.SortStableFunc(filters, func(a, b tcObject) int { return cmp.Compare(a.table(), b.table()) })
	return slices.Concat(list, rest, filters)
}

// table is the place of a hash table of u32 filters among filters: the tables
// come first, in the order of their handles. Each priority's first is made by
// the kernel with the next free handle (u32_init, net/sched/cls_u32.c).
func (o *tcObject) table() uint32 {
	const node = 0xFFFFF // TC_U32_KEY
	if o.typ == unix.RTM_NEWTFILTER && o.Kind == "u32" && o.Handle&node == 0 {
		return o.Handle
	}
	return math.MaxUint32
}

// fine are refusals that mean that the object is there: EINVAL for a table of
// u32 that came by itself, which cannot be changed.
func (o *tcObject) fine() []unix.Errno {
	if o.table() != math.MaxUint32 {
		return []unix.Errno{unix.EEXIST, unix.EINVAL}
	}
	return []unix.Errno{unix.EEXIST}
}

func (o *tcObject) place() tcPlace { return tcPlace{o.Index, o.Handle} }

// hangsIn is the qdisc or class that an object hangs in; a class that came by
// itself with its qdisc is not known, and the qdisc stands for it.
func (o *tcObject) hangsIn(known map[tcPlace]bool) tcPlace {
	const root, major = 0xFFFFFFFF, 0xFFFF0000 // TC_H_ROOT, TC_H_MAJ_MASK
	parent := tcPlace{o.Index, o.Parent}
	switch {
	case o.typ == unix.RTM_NEWTCLASS && o.Parent == root:
		parent.handle = o.Handle & major
	case !known[parent]:
		parent.handle &= major
	}
	return parent
}

// tcKey tells objects of traffic control apart.
func (s *snapshot) tcKey(t tcObject) string {
	number := func(n uint32) string { return " " + strconv.FormatUint(uint64(n), 16) }
	return t.what + " " + s.name(t.Index) + " " + t.Kind + number(t.Handle) + number(t.Parent) + number(t.Info)
}

// filterFlags are the attributes of a filter's options that hold its flags, by
// kind (TCA_*_FLAGS, include/uapi/linux/pkt_cls.h).
var filterFlags = map[string]uint16{"u32": 11, "flower": 22, "matchall": 3, "bpf": 9}

// asAsked makes of what the kernel told of an object what it takes when it is
// asked for one. The body is changed in place.
//
// A filter's flags tell also whether the hardware took it (TCA_CLS_FLAGS_IN_HW
// and _NOT_IN_HW), which nobody may say. The version of an htb qdisc is told
// with a revision in its lower half and taken without one (HTB_VER, htb_dump
// and htb_init, net/sched/sch_htb.c).
func asAsked(t rawTC, body []byte) {
	const optionsAttr, toldFlags, htbInit = 2, 4 | 8, 2
	change := func(attr uint16, value func(uint32) uint32) {
		for a := scan(body[tcmsgSize:]); a.next(); {
			if a.typ != optionsAttr {
				continue
			}
			for o := scan(a.val); o.next(); {
				if o.typ == attr && len(o.val) >= 4 {
					binary.NativeEndian.PutUint32(o.val, value(binary.NativeEndian.Uint32(o.val)))
				}
			}
		}
	}
	if attr, known := filterFlags[t.Kind]; known {
		change(attr, func(flags uint32) uint32 { return flags &^ toldFlags })
	}
	if t.Kind == "htb" {
		change(htbInit, func(version uint32) uint32 {
			if version > 0xFFFF {
				return version >> 16
			}
			return version
		})
	}
}
