package kernel

import (
	"context"
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// Flags of a bridge's VLAN entry (BRIDGE_VLAN_INFO_*, include/uapi/linux/if_bridge.h).
const (
	vlanPVID       = 1 << 1
	vlanUntagged   = 1 << 2
	vlanRangeBegin = 1 << 3
	vlanRangeEnd   = 1 << 4
)

// bridgeVLANInfo is IFLA_BRIDGE_VLAN_INFO, inside IFLA_AF_SPEC of a message of
// family AF_BRIDGE.
const bridgeVLANInfo = 2

// rawVLANs is the VLAN filter table of a port, or of a bridge itself.
type rawVLANs struct {
	Index   int       `json:"index"`
	Entries []rawVLAN `json:"entries"`
	// Special is set when there is more than entries: VLAN tunnels.
	Special bool `json:"special,omitempty"`
}

// A rawVLAN is a range of VLANs, both ends included, with the same flags.
type rawVLAN struct {
	First    uint16 `json:"first"`
	Last     uint16 `json:"last"`
	PVID     bool   `json:"pvid,omitempty"`
	Untagged bool   `json:"untagged,omitempty"`
}

// readVLANs dumps the VLAN filters; the dump of all links does not have them.
func readVLANs(ctx context.Context, c *conn, s *snapshot, _ want) (err error) {
	request := make([]byte, unix.SizeofIfInfomsg)
	request[0] = unix.AF_BRIDGE
	request = appendU32(request, unix.IFLA_EXT_MASK, extFilterVLANCompressed)
	s.VLANs, err = dumpAll(ctx, c, unix.RTM_GETLINK, request, func(body []byte) (rawVLANs, bool, error) {
		v, err := decodeVLANs(body)
		return v, len(v.Entries) > 0 || v.Special, err
	})
	return err
}

// decodeVLANs decodes the body of an RTM_NEWLINK message of family AF_BRIDGE.
func decodeVLANs(b []byte) (v rawVLANs, err error) {
	if len(b) < unix.SizeofIfInfomsg {
		return v, short("bridge VLAN", b)
	}
	v.Index = int(int32(binary.NativeEndian.Uint32(b[4:])))
	a := scan(b[unix.SizeofIfInfomsg:])
	for a.next() {
		if a.typ == unix.IFLA_AF_SPEC && b[0] == unix.AF_BRIDGE {
			a.keep(v.decode(scan(a.val)))
		}
	}
	if a.err != nil {
		return v, fmt.Errorf("VLANs of link %d: %w", v.Index, a.err)
	}
	return v, nil
}

// decode takes the entries, joining the two ends of a range.
func (v *rawVLANs) decode(n attrScanner) error {
	var begin uint16
	for n.next() {
		if n.typ != bridgeVLANInfo {
			v.Special = v.Special || n.typ > bridgeVLANInfo
			continue
		}
		if !n.need(4) {
			continue
		}
		flags, id := binary.NativeEndian.Uint16(n.val), binary.NativeEndian.Uint16(n.val[2:])
		if flags&vlanRangeBegin != 0 {
			begin = id
			continue
		}
		e := rawVLAN{First: id, Last: id, PVID: flags&vlanPVID != 0, Untagged: flags&vlanUntagged != 0}
		if flags&vlanRangeEnd != 0 && begin != 0 && begin <= id {
			e.First = begin
		}
		begin = 0
		v.Entries = append(v.Entries, e)
	}
	return n.err
}

// vlansOf gives the VLAN filter table of a link; nil if it has none.
func (s *snapshot) vlansOf(index int) *rawVLANs {
	if s.vlansByIndex == nil {
		s.vlansByIndex = make(map[int]*rawVLANs, len(s.VLANs))
		for i := range s.VLANs {
			s.vlansByIndex[s.VLANs[i].Index] = &s.VLANs[i]
		}
	}
	return s.vlansByIndex[index]
}

// A rawMDB is one permanent entry of a bridge's multicast table.
type rawMDB struct {
	Bridge int `json:"bridge"`
	Port   int `json:"port"`
	// Entry is struct br_mdb_entry with the attributes behind it.
	Entry []byte `json:"entry"`
}

// The nesting of an answer to RTM_GETMDB (include/uapi/linux/if_bridge.h).
const (
	mdbaMDB          = 1
	mdbaMDBEntry     = 1
	mdbaMDBEntryInfo = 1
	mdbPermanent     = 1
	portMessageSize  = 8  // struct br_port_msg
	mdbEntrySize     = 28 // struct br_mdb_entry
)

// readMDB dumps the multicast entries that somebody configured.
func readMDB(ctx context.Context, c *conn, s *snapshot, _ want) error {
	request := make([]byte, portMessageSize)
	request[0] = unix.AF_BRIDGE
	answers, err := dumpAll(ctx, c, unix.RTM_GETMDB, request, func(body []byte) ([]rawMDB, bool, error) {
		entries, err := decodeMDB(body)
		return entries, len(entries) > 0, err
	})
	for _, entries := range answers {
		s.MDB = append(s.MDB, entries...)
	}
	return err
}

// decodeMDB decodes the body of an RTM_NEWMDB message: all entries of a bridge.
func decodeMDB(b []byte) ([]rawMDB, error) {
	if len(b) < portMessageSize {
		return nil, short("multicast", b)
	}
	bridge := int(int32(binary.NativeEndian.Uint32(b[4:])))
	var all []rawMDB
	err := eachNested(b[portMessageSize:], mdbaMDB, func(mdb []byte) error {
		return eachNested(mdb, mdbaMDBEntry, func(entry []byte) error {
			return eachNested(entry, mdbaMDBEntryInfo, func(info []byte) error {
				if len(info) >= mdbEntrySize && info[4] == mdbPermanent {
					all = append(all, rawMDB{
						Bridge: bridge, Entry: append([]byte(nil), info...),
						Port: int(int32(binary.NativeEndian.Uint32(info))),
					})
				}
				return nil
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("multicast entries of link %d: %w", bridge, err)
	}
	return all, nil
}

// eachNested calls do for the value of every attribute of one type.
func eachNested(b []byte, typ uint16, do func([]byte) error) error {
	a := scan(b)
	for a.next() {
		if a.typ == typ {
			a.keep(do(a.val))
		}
	}
	return a.err
}
