package state

import "fmt"

// minIPv6MTU is the smallest MTU of a link that carries IPv6 (RFC 8200, 5).
const minIPv6MTU = 1280

// mtuRange holds the bounds of the kinds that can be made, for links that are
// not there yet (min_mtu and max_mtu in their drivers); 0 is no bound.
var mtuRange = map[Type][2]uint32{
	TypeBond:   {68, 65535},
	TypeVLAN:   {0, 65535},
	TypeBridge: {68, 65535},
	TypeDummy:  {0, 0},
	TypeVeth:   {68, 65535},
}

// changedMTU tells whether the MTU becomes another one.
func (l *checked) changedMTU() bool {
	return l.out.MTU != nil && (l.cur == nil || l.cur.MTU == nil || *l.cur.MTU != *l.out.MTU)
}

// mtuLimits checks an MTU against what the driver takes.
func (c *targetCheck) mtuLimits(l *checked) {
	if !l.changedMTU() {
		return
	}
	bounds := mtuRange[l.out.Type]
	least, most := max(value(l.out.MinMTU, bounds[0]), 1), value(l.out.MaxMTU, bounds[1])
	voice, of := l.voice(), "of "+l.out.Name
	if bond := c.des[value(l.out.Controller, "")]; bond != nil && bond.MTU != nil && (l.des == nil || l.des.MTU == nil) {
		voice, of = bond, "of its port "+l.out.Name
	}
	switch mtu := *l.out.MTU; {
	case mtu < least:
		c.problems.Add(fault(voice, "mtu", fmt.Sprint(mtu), fmt.Sprintf("the MTU is below the smallest %s, %d", of, least), ""))
	case most != 0 && mtu > most:
		c.problems.Add(fault(voice, "mtu", fmt.Sprint(mtu), fmt.Sprintf("the MTU is above the largest %s, %d", of, most), ""))
	}
}

// mtuOfIPv6 checks that a link with IPv6 can carry it.
func (c *targetCheck) mtuOfIPv6(l *checked) {
	if l.out == l.cur || l.out.MTU == nil || *l.out.MTU >= minIPv6MTU || !l.out.on6() {
		return
	}
	if l.cur != nil && !l.changedMTU() && l.cur.on6() {
		return
	}
	c.fault(l, "mtu", fmt.Sprint(*l.out.MTU), fmt.Sprintf("IPv6 needs an MTU of at least %d", minIPv6MTU), "turn IPv6 off with ipv6: {enabled: false}, or raise the MTU")
}

// mtuOfBase checks that a link does not carry more than what it stands on.
func (c *targetCheck) mtuOfBase(l *checked) {
	if !followsBase[l.out.Type] || l.out.MTU == nil {
		return
	}
	for _, name := range bases(l.out) {
		base := c.out[name]
		if base == nil {
			continue
		}
		mtu := c.mtu(base)
		if mtu == nil || *l.out.MTU <= *mtu {
			continue
		}
		if cur := c.cur[name]; !l.changedMTU() && base == cur {
			continue
		}
		c.fault(l, "mtu", fmt.Sprint(*l.out.MTU), fmt.Sprintf("is above the MTU of %s below it, %d", name, *mtu), "raise the MTU of "+name+" too")
	}
}

// mtu is what an interface will have; nil if that is not known.
func (c *targetCheck) mtu(out *Interface) *uint32 {
	if cur := c.cur[out.Name]; out.MTU == nil && cur != nil {
		return cur.MTU
	}
	return out.MTU
}

// bridgeMTU warns of ports that cannot carry the frames of their bridge.
func (c *targetCheck) bridgeMTU(l *checked) {
	if l.des == nil || l.des.MTU == nil || l.out == l.cur {
		return
	}
	for _, name := range portNames(l.out) {
		p := c.out[name]
		if p == nil {
			continue
		}
		if mtu := c.mtu(p); mtu != nil && *mtu < *l.out.MTU {
			c.warn("%s has an MTU of %d, but its port %s one of %d: larger frames are lost there", l.out.Name, *l.out.MTU, name, *mtu)
		}
	}
}
