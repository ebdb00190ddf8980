package kernel

import (
	"encoding/binary"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Attributes that tc(8) objects are only told with: statistics and offload
// (TCA_STATS, TCA_XSTATS, TCA_FCNT, TCA_STATS2, TCA_STAB is kept,
// TCA_HW_OFFLOAD; include/uapi/linux/rtnetlink.h).
var tcTold = []uint16{3, 4, 6, 7, 9, 12}

// control puts back traffic control of links that were made anew: qdiscs,
// then classes, then filters.
func (r *restorer) control() []extra {
	var list []extra
	for _, part := range []struct {
		what     string
		typ      uint16
		was, now []rawTC
	}{
		{"qdisc", unix.RTM_NEWQDISC, r.was.Qdiscs, r.now.Qdiscs},
		{"class", unix.RTM_NEWTCLASS, r.was.Classes, r.now.Classes},
		{"filter", unix.RTM_NEWTFILTER, r.was.Filters, r.now.Filters},
	} {
		have := map[string]bool{}
		for _, t := range part.now {
			have[r.now.tcKey(t)] = true
		}
		for _, t := range part.was {
			now := r.pairOf(t.Index)
			if now == nil || have[r.was.tcKey(t)] {
				continue
			}
			msg, ok := r.replay(t.Body, tcmsgSize, 4, nil, tcTold, part.typ)
			if ok {
				withoutHardware(t.Kind, msg.Data)
				msg.Header.Flags = netlink.Create
				list = append(list, extra{op: "restore " + part.what + " " + t.Kind, object: now.Name, msg: msg, fine: []unix.Errno{unix.EEXIST}})
			}
		}
	}
	return list
}

// tcKey tells objects of traffic control apart.
func (s *snapshot) tcKey(t rawTC) string {
	number := func(n uint32) string { return " " + strconv.FormatUint(uint64(n), 16) }
	return s.name(t.Index) + " " + t.Kind + number(t.Handle) + number(t.Parent) + number(t.Info)
}

// filterFlags are the attributes of a filter's options that hold its flags, by
// kind (TCA_*_FLAGS, include/uapi/linux/pkt_cls.h).
var filterFlags = map[string]uint16{"u32": 11, "flower": 22, "matchall": 3, "bpf": 9}

// withoutHardware clears in a filter what the kernel only tells: whether the
// hardware took it (TCA_CLS_FLAGS_IN_HW and _NOT_IN_HW), which it refuses to be
// told. The message is changed in place.
func withoutHardware(kind string, body []byte) {
	const optionsAttr, told = 2, 4 | 8
	attr, known := filterFlags[kind]
	if !known {
		return
	}
	for a := scan(body[tcmsgSize:]); a.next(); {
		if a.typ != optionsAttr {
			continue
		}
		for o := scan(a.val); o.next(); {
			if o.typ == attr && len(o.val) >= 4 {
				binary.NativeEndian.PutUint32(o.val, binary.NativeEndian.Uint32(o.val)&^uint32(told))
			}
		}
	}
}
