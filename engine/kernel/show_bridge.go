package kernel

import (
	"math"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// userHZ is the unit of times in the kernel's answers about bridges.
const userHZ = 100

// bridgeFilters tells whether a bridge filters VLANs.
func bridgeFilters(l *rawLink) bool {
	a := scan(l.Info)
	for a.next() {
		if a.typ == unix.IFLA_BR_VLAN_FILTERING {
			return a.flag()
		}
	}
	return false
}

// showBridge decodes IFLA_BR_*. Timers that run (hello, gc) are left out: the
// same host shows the same bytes twice.
func showBridge(v *view, l *rawLink, i *state.Interface) {
	d := bridgeDecoder{o: &state.BridgeOptions{STP: &state.STP{}}}
	for a := scan(l.Info); a.next(); {
		if !d.multicast(&a) && !d.spanningTree(&a) {
			d.rest(&a)
		}
	}
	if !d.filters {
		d.o.VLANDefaultPVID = nil // it takes effect with filtering only
	}
	s := &state.Bridge{Options: d.o, Port: []state.BridgePort{}}
	for _, p := range v.ports[l.Index] {
		port := showBridgePort(p)
		if d.filters {
			port.VLAN = portVLAN(v.vlansOf(p.Index), d.pvid)
		} else {
			port.VLAN = &state.PortVLAN{}
		}
		s.Port = append(s.Port, port)
	}
	i.Bridge = s
}

// A bridgeDecoder fills a bridge's options.
type bridgeDecoder struct {
	o       *state.BridgeOptions
	filters bool
	pvid    uint16
}

// spanningTree takes STP's options; false for others.
func (d *bridgeDecoder) spanningTree(a *attrScanner) bool {
	switch stp := d.o.STP; a.typ {
	case unix.IFLA_BR_STP_STATE:
		stp.Enabled = pointer(a.u32() != 0)
	case unix.IFLA_BR_FORWARD_DELAY:
		stp.ForwardDelay = seconds(a.u32(), 2, 30)
	case unix.IFLA_BR_HELLO_TIME:
		stp.HelloTime = seconds(a.u32(), 1, 10)
	case unix.IFLA_BR_MAX_AGE:
		stp.MaxAge = seconds(a.u32(), 6, 40)
	case unix.IFLA_BR_PRIORITY:
		stp.Priority = pointer(a.u16())
	default:
		return false
	}
	return true
}

// seconds converts a time of STP. Values that the schema does not have (libvirt
// sets a delay of 0 with STP off) are not mentioned.
func seconds(ticks uint32, low, high uint8) *uint8 {
	v := ticks / userHZ
	if v < uint32(low) || v > uint32(high) {
		return nil
	}
	return pointer(uint8(v))
}

// rest takes the options that are neither STP nor multicast.
func (d *bridgeDecoder) rest(a *attrScanner) {
	switch o := d.o; a.typ {
	case unix.IFLA_BR_AGEING_TIME:
		o.MACAgeingTime = pointer(a.u32() / userHZ)
	case unix.IFLA_BR_GROUP_ADDR:
		o.GroupAddr = state.MAC(a.mac())
	case unix.IFLA_BR_GROUP_FWD_MASK:
		o.GroupForwardMask, o.GroupFwdMask = pointer(a.u16()), pointer(a.u16())
	case unix.IFLA_BR_VLAN_FILTERING:
		d.filters = a.flag()
	case unix.IFLA_BR_VLAN_PROTOCOL:
		o.VLANProtocol = vlanProtocol(a.be16())
	case unix.IFLA_BR_VLAN_DEFAULT_PVID:
		d.pvid = a.u16()
		o.VLANDefaultPVID = &d.pvid
	}
}

// multicast takes the options of multicast snooping; false for others.
// Intervals are in USER_HZ here and in the schema.
func (d *bridgeDecoder) multicast(a *attrScanner) bool {
	switch o := d.o; a.typ {
	case unix.IFLA_BR_MCAST_ROUTER:
		o.MulticastRouter = word[state.MulticastRouter]([]string{"disabled", "auto", "enabled"}, int(a.u8()))
	case unix.IFLA_BR_MCAST_SNOOPING:
		o.MulticastSnooping = pointer(a.flag())
	case unix.IFLA_BR_MCAST_QUERY_USE_IFADDR:
		o.MulticastQueryUseIfaddr = pointer(a.flag())
	case unix.IFLA_BR_MCAST_QUERIER:
		o.MulticastQuerier = pointer(a.flag())
	case unix.IFLA_BR_MCAST_HASH_MAX:
		o.HashMax = pointer(a.u32())
	case unix.IFLA_BR_MCAST_LAST_MEMBER_CNT:
		o.MulticastLastMemberCount = pointer(a.u32())
	case unix.IFLA_BR_MCAST_STARTUP_QUERY_CNT:
		o.MulticastStartupQueryCount = pointer(a.u32())
	default:
		return d.multicastInterval(a)
	}
	return true
}

func (d *bridgeDecoder) multicastInterval(a *attrScanner) bool {
	switch o := d.o; a.typ {
	case unix.IFLA_BR_MCAST_LAST_MEMBER_INTVL:
		o.MulticastLastMemberInterval = pointer(a.u64())
	case unix.IFLA_BR_MCAST_MEMBERSHIP_INTVL:
		o.MulticastMembershipInterval = pointer(a.u64())
	case unix.IFLA_BR_MCAST_QUERIER_INTVL:
		o.MulticastQuerierInterval = pointer(a.u64())
	case unix.IFLA_BR_MCAST_QUERY_INTVL:
		o.MulticastQueryInterval = pointer(a.u64())
	case unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL:
		o.MulticastQueryResponseInterval = pointer(a.u64())
	case unix.IFLA_BR_MCAST_STARTUP_QUERY_INTVL:
		o.MulticastStartupQueryInterval = pointer(a.u64())
	default:
		return false
	}
	return true
}

// showBridgePort decodes IFLA_BRPORT_*.
func showBridgePort(l *rawLink) state.BridgePort {
	p := state.BridgePort{Name: l.Name}
	a := scan(l.SlaveInfo)
	for a.next() {
		switch a.typ {
		case unix.IFLA_BRPORT_MODE:
			p.Hairpin = pointer(a.flag())
		case unix.IFLA_BRPORT_COST:
			p.PathCost = pointer(min(a.u32(), math.MaxUint16))
		case unix.IFLA_BRPORT_PRIORITY:
			p.Priority = pointer(a.u16())
		}
	}
	return p
}

// portVLAN writes a port's VLAN table in the schema's words: nothing for the
// table that every port has by default, access for a single untagged VLAN, and
// trunk for tagged ones. A table that the schema cannot say is not mentioned.
func portVLAN(table *rawVLANs, defaultPVID uint16) *state.PortVLAN {
	var entries []rawVLAN
	if table != nil {
		entries = table.Entries
	}
	single := len(entries) == 1 && entries[0].First == entries[0].Last && entries[0].PVID && entries[0].Untagged
	switch {
	case len(entries) == 0 && defaultPVID == 0, single && entries[0].First == defaultPVID:
		return &state.PortVLAN{}
	case len(entries) == 0:
		return nil
	case single:
		return &state.PortVLAN{Mode: state.Access, Tag: &entries[0].First}
	}
	p := &state.PortVLAN{Mode: state.Trunk, EnableNative: pointer(false)}
	for i := range entries {
		e := &entries[i]
		switch {
		case e.PVID && e.Untagged && e.First == e.Last:
			p.EnableNative, p.Tag = pointer(true), &e.First
		case e.PVID || e.Untagged:
			return nil
		case e.First == e.Last:
			p.TrunkTags = append(p.TrunkTags, state.TrunkTag{ID: &e.First})
		default:
			p.TrunkTags = append(p.TrunkTags, state.TrunkTag{Range: &state.VLANRange{Min: e.First, Max: e.Last}})
		}
	}
	return p
}
