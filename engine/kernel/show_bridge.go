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
		stp.Enabled = new(a.u32() != 0)
	case unix.IFLA_BR_FORWARD_DELAY:
		stp.ForwardDelay = seconds(a.u32(), 2, 30)
	case unix.IFLA_BR_HELLO_TIME:
		stp.HelloTime = seconds(a.u32(), 1, 10)
	case unix.IFLA_BR_MAX_AGE:
		stp.MaxAge = seconds(a.u32(), 6, 40)
	case unix.IFLA_BR_PRIORITY:
		stp.Priority = new(a.u16())
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
	return new(uint8(v))
}

// rest takes the options that are neither STP nor multicast.
func (d *bridgeDecoder) rest(a *attrScanner) {
	switch o := d.o; a.typ {
	case unix.IFLA_BR_AGEING_TIME:
		o.MACAgeingTime = new(a.u32() / userHZ)
	case unix.IFLA_BR_GROUP_ADDR:
		o.GroupAddr = state.MAC(a.mac())
	case unix.IFLA_BR_GROUP_FWD_MASK:
		o.GroupForwardMask, o.GroupFwdMask = new(a.u16()), new(a.u16())
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
		o.MulticastSnooping = new(a.flag())
	case unix.IFLA_BR_MCAST_QUERY_USE_IFADDR:
		o.MulticastQueryUseIfaddr = new(a.flag())
	case unix.IFLA_BR_MCAST_QUERIER:
		o.MulticastQuerier = new(a.flag())
	case unix.IFLA_BR_MCAST_HASH_MAX:
		o.HashMax = new(a.u32())
	case unix.IFLA_BR_MCAST_LAST_MEMBER_CNT:
		o.MulticastLastMemberCount = new(a.u32())
	case unix.IFLA_BR_MCAST_STARTUP_QUERY_CNT:
		o.MulticastStartupQueryCount = new(a.u32())
	default:
		return d.multicastInterval(a)
	}
	return true
}

func (d *bridgeDecoder) multicastInterval(a *attrScanner) bool {
	switch o := d.o; a.typ {
	case unix.IFLA_BR_MCAST_LAST_MEMBER_INTVL:
		o.MulticastLastMemberInterval = new(a.u64())
	case unix.IFLA_BR_MCAST_MEMBERSHIP_INTVL:
		o.MulticastMembershipInterval = new(a.u64())
	case unix.IFLA_BR_MCAST_QUERIER_INTVL:
		o.MulticastQuerierInterval = new(a.u64())
	case unix.IFLA_BR_MCAST_QUERY_INTVL:
		o.MulticastQueryInterval = new(a.u64())
	case unix.IFLA_BR_MCAST_QUERY_RESPONSE_INTVL:
		o.MulticastQueryResponseInterval = new(a.u64())
	case unix.IFLA_BR_MCAST_STARTUP_QUERY_INTVL:
		o.MulticastStartupQueryInterval = new(a.u64())
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
			p.Hairpin = new(a.flag())
		case unix.IFLA_BRPORT_COST:
			p.PathCost = new(min(a.u32(), math.MaxUint16))
		case unix.IFLA_BRPORT_PRIORITY:
			p.Priority = new(a.u16())
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
	single := len(entries) == 1 && entries[0].native()
	switch {
	case len(entries) == 0 && defaultPVID == 0, single && entries[0].First == defaultPVID:
		return &state.PortVLAN{}
	case len(entries) == 0:
		return nil
	case single:
		return &state.PortVLAN{Mode: state.Access, Tag: &entries[0].First}
	}
	return trunk(entries)
}

// native tells the VLAN of untagged frames in both directions.
func (e *rawVLAN) native() bool { return e.PVID && e.Untagged && e.First == e.Last }

// trunk writes a table of tagged VLANs with at most one native one.
func trunk(entries []rawVLAN) *state.PortVLAN {
	p := &state.PortVLAN{Mode: state.Trunk, EnableNative: new(false)}
	for i := range entries {
		e := &entries[i]
		switch {
		case e.native():
			p.EnableNative, p.Tag = new(true), &e.First
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
