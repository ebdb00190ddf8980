package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Attributes of a kind that the schema does not know and that can be set
// (IFLA_BR_*, IFLA_BOND_*, include/uapi/linux/if_link.h): netfilter's hooks,
// statistics, the versions of IGMP and MLD, further switches of a bridge, and
// the delay between a bond's notifications.
var unknownOptions = map[string][]uint16{
	kindBridge: {36, 37, 38, 41, 42, 43, 44, 46},
	kindBond:   {28},
}

// filterOptions are a bridge's VLAN filtering and its protocol, which a
// rollback must set even where no port's filter says so.
var filterOptions = []uint16{8, 7}

// portFlags are the attributes of a bridge's port that the schema does not
// know and that can be set (IFLA_BRPORT_*): from guard and root block over
// flooding, learning and isolation to the limits of multicast groups.
var portFlags = []uint16{5, 6, 7, 8, 9, 10, 12, 25, 27, 28, 29, 30, 31, 32, 33, 37, 39, 40, 42, 43}

// links puts back what belongs to the links themselves.
func (r *restorer) links() []extra {
	var list []extra
	for _, was := range r.was.Links {
		now := r.pair(was)
		if now == nil || !r.all && !r.remade[was.Name] {
			continue
		}
		if was.Alias != now.Alias || was.TxQueue != now.TxQueue || was.Group != now.Group {
			list = append(list, extra{op: "restore alias, queue length and group", object: was.Name, msg: setLink(now.Index, func(e *encoder) {
				e.attr(unix.IFLA_IFALIAS, []byte(was.Alias))
				e.u32(unix.IFLA_TXQLEN, was.TxQueue)
				e.u32(unix.IFLA_GROUP, was.Group)
			})})
		}
		const flags = unix.IFF_ALLMULTI | unix.IFF_NOARP
		if (was.Flags^now.Flags)&flags != 0 {
			list = append(list, extra{op: "restore flags", object: was.Name, msg: setFlags(now.Index, was.Flags, flags)})
		}
		list = append(list, r.options(was, now)...)
	}
	return list
}

// options puts back options of the link's kind that the schema does not know.
func (r *restorer) options(was, now *rawLink) []extra {
	wanted := unknownOptions[was.Kind]
	if r.all && was.Kind == kindBridge {
		wanted = slices.Concat(wanted, filterOptions)
	}
	var list []extra
	for _, a := range differingAttrs(was.Info, now.Info, wanted) {
		list = append(list, extra{
			op: fmt.Sprintf("restore option %d", a.typ), object: was.Name,
			msg: setInfo(now.Index, was.Kind, func(e *encoder) { e.attr(a.typ, a.value) }),
		})
	}
	return list
}

// ports puts back the flags of ports of bridges.
func (r *restorer) ports() []extra {
	var list []extra
	for _, was := range r.was.Links {
		now := r.pair(was)
		if now == nil || was.SlaveKind != kindBridge || now.SlaveKind != kindBridge || !r.sameController(was, now) {
			continue
		}
		changed := differingAttrs(was.SlaveInfo, now.SlaveInfo, portFlags)
		if len(changed) == 0 {
			continue
		}
		list = append(list, extra{op: "restore the port's flags", object: was.Name, msg: setPort(now.Index, kindBridge, func(e *encoder) {
			for _, a := range changed {
				e.attr(a.typ, a.value)
			}
		})})
	}
	return list
}

// An attribute is one netlink attribute taken out of its message.
type attribute struct {
	typ   uint16
	value []byte
}

// differingAttrs gives the wanted attributes of was that now does not have, or
// has otherwise, in the order of wanted.
func differingAttrs(was, now []byte, wanted []uint16) []attribute {
	then, today := attributes(was), attributes(now)
	var list []attribute
	for _, typ := range wanted {
		value, had := then[typ]
		if has, is := today[typ]; had && (!is || !bytes.Equal(value, has)) {
			list = append(list, attribute{typ, value})
		}
	}
	return list
}

// attributes indexes a list of attributes by type.
func attributes(b []byte) map[uint16][]byte {
	all := map[uint16][]byte{}
	for a := scan(b); a.next(); {
		all[a.typ] = a.val
	}
	return all
}

// vlans puts back the VLAN filters of ports that the plan did not speak of:
// the VLANs of guests' taps, and the absence of the default one.
func (r *restorer) vlans() []extra {
	var list []extra
	for _, was := range r.was.Links {
		now := r.pair(was)
		if now == nil || r.filtered[was.Name] || was.Kind == kindBridge && !r.all {
			continue
		}
		if was.Kind != kindBridge && !r.sameController(was, now) {
			continue
		}
		before, today := r.was.vlansOf(was.Index), r.now.vlansOf(now.Index)
		list = append(list, vlanExtras(was.Name, now, entries(today), entries(before), unix.RTM_DELLINK)...)
		list = append(list, vlanExtras(was.Name, now, entries(before), entries(today), unix.RTM_SETLINK)...)
	}
	return list
}

// entries gives a table's entries; none for nil.
func entries(v *rawVLANs) []rawVLAN {
	if v == nil {
		return nil
	}
	return v.Entries
}

// vlanExtras makes a message for each single VLAN that is in a but not in b.
func vlanExtras(name string, l *rawLink, a, b []rawVLAN, typ uint16) []extra {
	other := vlanTable(b)
	var list []extra
	for _, v := range vlanList(a) {
		if flags, there := other[v.First]; there && (flags == v || typ == unix.RTM_DELLINK) {
			continue
		}
		list = append(list, extra{
			op: "restore VLAN " + strconv.Itoa(int(v.First)), object: name,
			msg: vlanMessage(l, v, typ), fine: []unix.Errno{unix.ENOENT, unix.EEXIST},
		})
	}
	return list
}

// vlanList takes ranges apart.
func vlanList(ranges []rawVLAN) []rawVLAN {
	var list []rawVLAN
	for _, v := range ranges {
		for id := v.First; id <= v.Last; id++ {
			list = append(list, rawVLAN{First: id, Last: id, PVID: v.PVID, Untagged: v.Untagged})
		}
	}
	return list
}

// vlanTable indexes entries by VLAN.
func vlanTable(ranges []rawVLAN) map[uint16]rawVLAN {
	table := map[uint16]rawVLAN{}
	for _, v := range vlanList(ranges) {
		table[v.First] = v
	}
	return table
}

// vlanMessage sets or deletes one VLAN of a port, or of a bridge itself
// (IFLA_BRIDGE_FLAGS with BRIDGE_FLAGS_SELF, include/uapi/linux/if_bridge.h).
func vlanMessage(l *rawLink, v rawVLAN, typ uint16) netlink.Message {
	e := ifHeader{family: unix.AF_BRIDGE, index: l.Index}.encode()
	e.nest(unix.IFLA_AF_SPEC, func(e *encoder) {
		if l.Kind == kindBridge {
			const bridgeFlags, self = 0, 2
			e.u16(bridgeFlags, self)
		}
		var flags uint16
		if v.PVID {
			flags |= vlanPVID
		}
		if v.Untagged {
			flags |= vlanUntagged
		}
		e.attr(bridgeVLANInfo, []byte{byte(flags), byte(flags >> 8), byte(v.First), byte(v.First >> 8)})
	})
	return e.message(typ, 0)
}

// sysctls puts back the links' sysctls: all of them in a rollback, else those
// of links that were made anew and that no step of the plan sets.
func (r *restorer) sysctls() error {
	var failures []error
	for _, was := range r.was.Links {
		now := r.pair(was)
		if now == nil || !r.all && !r.remade[was.Name] {
			continue
		}
		failures = append(failures,
			r.family(was.Name, unix.AF_INET, devconf4, was.INet4.All, now.INet4.All),
			r.family(was.Name, unix.AF_INET6, devconf6, was.INet6.All, now.INet6.All))
	}
	return errors.Join(failures...)
}

// planned are sysctls that the plan's own steps set.
var planned = []string{"disable_ipv6", "accept_ra", "autoconf", "addr_gen_mode", "forwarding"}

// derived are sysctls that follow from others: forwarding sets them, or they
// follow the link.
var derived = []string{"mtu"}

// family puts one family's sysctls back.
func (r *restorer) family(link string, family uint8, names []string, was, now []int32) error {
	var failures []error
	for i, name := range names {
		if name == "" || i >= len(was) || i >= len(now) || was[i] == now[i] || slices.Contains(derived, name) {
			continue
		}
		if !r.all && slices.Contains(planned, name) {
			continue
		}
		if err := r.e.sysctl.set(family, link, name, strconv.Itoa(int(was[i]))); err != nil {
			failures = append(failures, newOpError("restore sysctl "+name, link, err))
		}
	}
	return errors.Join(failures...)
}
