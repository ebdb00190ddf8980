package kernel

import (
	"encoding/binary"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
)

// Attributes and flags of a bridge's VLAN filter
// (include/uapi/linux/if_bridge.h).
const (
	bridgeAttrFlags    = 0 // IFLA_BRIDGE_FLAGS
	bridgeAttrVLANInfo = 2 // IFLA_BRIDGE_VLAN_INFO
	bridgeFlagSelf     = 2 // BRIDGE_FLAGS_SELF

	vlanInfoPVID       = 1 << 1
	vlanInfoUntagged   = 1 << 2
	vlanInfoRangeBegin = 1 << 3
	vlanInfoRangeEnd   = 1 << 4
)

// encodeVLANs changes the filter table of a port, or of the bridge itself:
// first what goes, then what comes, so that an entry that only changes its
// flags may stand in both.
func encodeVLANs(s *plan.Step, t *linkTable) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	var tasks []task
	if len(s.VLANsRemoved) > 0 {
		tasks = append(tasks, send("remove VLANs", filterMessage(unix.RTM_DELLINK, l, s.VLANsRemoved)))
	}
	if len(s.VLANsAdded) > 0 {
		tasks = append(tasks, send("add VLANs", filterMessage(unix.RTM_SETLINK, l, s.VLANsAdded)))
	}
	if len(tasks) == 0 {
		return nil, nil
	}
	return wave(tasks...), nil
}

// filterMessage makes one message of all entries. RTM_SETLINK adds, RTM_DELLINK
// removes (PF_BRIDGE, rtnl_bridge_setlink in net/core/rtnetlink.c).
func filterMessage(typ uint16, l *link, entries []plan.VLANEntry) netlink.Message {
	e := ifHeader{family: unix.AF_BRIDGE, index: l.index}.encode()
	e.nest(unix.IFLA_AF_SPEC, func(e *encoder) {
		if l.kind == kindBridge {
			e.u16(bridgeAttrFlags, bridgeFlagSelf)
		}
		for _, v := range entries {
			putVLANEntry(e, v)
		}
	})
	return e.message(typ, 0)
}

// putVLANEntry appends one struct bridge_vlan_info, or two for a range.
func putVLANEntry(e *encoder, v plan.VLANEntry) {
	flags := vlanInfoPVID*bit[uint16](v.PVID) | vlanInfoUntagged*bit[uint16](v.Untagged)
	if v.Last <= v.First {
		putVLANInfo(e, flags, v.First)
		return
	}
	flags &^= vlanInfoPVID
	putVLANInfo(e, flags|vlanInfoRangeBegin, v.First)
	putVLANInfo(e, flags|vlanInfoRangeEnd, v.Last)
}

func putVLANInfo(e *encoder, flags, id uint16) {
	b := binary.NativeEndian.AppendUint16(nil, flags)
	e.attr(bridgeAttrVLANInfo, binary.NativeEndian.AppendUint16(b, id))
}
