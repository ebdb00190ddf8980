package state

import (
	"fmt"
	"strings"
)

// changedBridge returns the options of the document if they change something.
func (l *checked) changedBridge() *BridgeOptions {
	if l.des == nil || l.des.Bridge == nil || l.cur != nil && l.out.Bridge == l.cur.Bridge {
		return nil
	}
	return l.des.Bridge.Options
}

const bridgePath = "bridge.options."

// bridgeOptions checks values that the kernel refuses
// (net/bridge/br_netlink.c, net/bridge/br_multicast.c).
func (c *targetCheck) bridgeOptions(l *checked) {
	o := l.changedBridge()
	if o == nil {
		return
	}
	if n := value(o.HashMax, 1); n == 0 || n&(n-1) != 0 {
		c.fault(l, bridgePath+"hash-max", fmt.Sprint(n), "is no power of two", "give 512, 1024, 2048 or 4096")
	}
	if mask := value(o.GroupFwdMask, 0); mask&7 != 0 {
		c.fault(l, bridgePath+"group-fwd-mask", fmt.Sprint(mask), "the lowest three bits cannot be forwarded: STP, pause and LACP frames", "give a multiple of 8")
	}
	if g := string(upper(o.GroupAddr)); g != "" && (!strings.HasPrefix(g, "01:80:C2:00:00:0") || strings.ContainsAny(g[16:], "123")) {
		c.fault(l, bridgePath+"group-addr", g, "is no group that a bridge can use", "01:80:C2:00:00:00, or :04 to :0F")
	}
}

// bridgeSTP warns of timers that do not fit together (IEEE 802.1D, 8.10.2).
// The kernel takes them, and a bridge alone lives well with them.
func (c *targetCheck) bridgeSTP(l *checked) {
	o := l.changedBridge()
	if o == nil || o.STP == nil || l.out.Bridge.Options.STP == nil || isNot(l.out.Bridge.Options.STP.Enabled) {
		return
	}
	stp := l.out.Bridge.Options.STP
	if stp.ForwardDelay != nil && stp.MaxAge != nil && 2*(int(*stp.ForwardDelay)-1) < int(*stp.MaxAge) {
		c.warn("%s: STP wants 2 × (forward-delay - 1) ≥ max-age, but they are %d and %d", l.out.Name, *stp.ForwardDelay, *stp.MaxAge)
	}
	if stp.HelloTime != nil && stp.MaxAge != nil && int(*stp.MaxAge) < 2*(int(*stp.HelloTime)+1) {
		c.warn("%s: STP wants max-age ≥ 2 × (hello-time + 1), but they are %d and %d", l.out.Name, *stp.MaxAge, *stp.HelloTime)
	}
}

// bridgeFiltering checks options that need VLAN filtering, which is on when a
// port has a filter.
func (c *targetCheck) bridgeFiltering(l *checked) {
	o := l.changedBridge()
	if o == nil || o.VLANDefaultPVID == nil || *o.VLANDefaultPVID == 1 || l.out.Bridge.filtering() {
		return
	}
	if l.cur != nil && l.cur.Bridge != nil && l.cur.Bridge.Options != nil && value(l.cur.Bridge.Options.VLANDefaultPVID, 1) == *o.VLANDefaultPVID {
		return
	}
	c.fault(l, bridgePath+"vlan-default-pvid", fmt.Sprint(*o.VLANDefaultPVID), "needs VLAN filtering", "give a port a vlan section")
}

// bridgePorts refuses ports that a bridge cannot have.
func (c *targetCheck) bridgePorts(l *checked) {
	c.portKinds(l, "bridge.port", map[Type]string{TypeBridge: "a bridge", TypeLoopback: "the loopback interface"})
}
