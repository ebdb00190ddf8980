package state

import (
	"fmt"
	"reflect"

	"holdfast/internal/problem"
)

// unsupported is a problem of an interface of the document that asks for
// something which is right, but not carried out yet.
func unsupported(i *Interface, path, val, message, hint string) *problem.Problem {
	p := fault(i, path, val, message, hint)
	p.Unsupported = true
	return p
}

func unsupportedRoute(r *Route, path, val, message, hint string) *problem.Problem {
	p := routeFault(r, path, val, message, hint)
	p.Unsupported = true
	return p
}

// leases refuses to turn on what makes addresses by itself, unless the host
// shows it already.
func (c *targetCheck) leases(l *checked) {
	if l.des == nil {
		return
	}
	now := [3]bool{}
	if l.cur != nil {
		now = automatics(l.cur)
	}
	mentioned := [3]bool{l.des.IPv4 != nil, l.des.IPv6 != nil, l.des.IPv6 != nil}
	for n, on := range automatics(l.out) {
		if on && !now[n] && mentioned[n] {
			c.unsupported(l, automaticKeys[n].path, "true", "turning "+automaticKeys[n].name+" on is not supported yet", "static addresses work now; leave the key out to keep what is there")
		}
	}
}

// automaticKeys name what makes addresses by itself.
var automaticKeys = [3]struct{ path, name string }{{"ipv4.dhcp", "DHCP"}, {"ipv6.dhcp", "DHCPv6"}, {"ipv6.autoconf", "autoconf"}}

// automatics tells which of automaticKeys are on.
func automatics(i *Interface) (on [3]bool) {
	if i.IPv4 != nil {
		on[0] = is(i.IPv4.DHCP)
	}
	if i.IPv6 != nil {
		on[1], on[2] = is(i.IPv6.DHCP), is(i.IPv6.Autoconf)
	}
	return on
}

// unsupportedSections refuses changes to what is kept and shown only. Where
// the host's own value is not known the document is taken to describe it, and
// a warning says so.
func (c *targetCheck) unsupportedSections(l *checked) {
	if l.des == nil {
		return
	}
	cur := l.cur
	if cur == nil {
		cur = &Interface{}
	}
	for _, s := range rawSections {
		des := *s.of(l.des)
		if len(des) == 0 {
			continue
		}
		if s.unseen && l.cur != nil && *s.of(cur) == nil {
			c.warn("%s: %s is not compared and not changed: it is not supported yet", l.out.Name, s.key)
			continue
		}
		if at, wish, differs := rawDifference(*s.of(cur), des); differs {
			c.unsupported(l, s.key+"."+at, fmt.Sprint(wish), "changing this is not supported yet", keepHint)
		}
	}
	c.ethernet(l, cur)
}

const keepHint = "leave the key out to keep what is there"

// ethernet refuses changes to the settings of a NIC.
func (c *targetCheck) ethernet(l *checked, cur *Interface) {
	des := l.des.Ethernet
	if des == nil {
		return
	}
	was := Ethernet{}
	if cur.Ethernet != nil {
		was = *cur.Ethernet
	}
	want, have := reflect.ValueOf(*des), reflect.ValueOf(was)
	for _, f := range schemaFields[want.Type()] {
		w, h := want.Field(f.index), have.Field(f.index)
		if w.Kind() == reflect.Map || w.IsZero() || equalValue(w, h) {
			continue
		}
		if h.IsZero() && l.cur != nil {
			c.warn("%s: ethernet.%s is not known, so not compared and not changed", l.out.Name, f.key)
			continue
		}
		c.unsupported(l, "ethernet."+f.key, valueText(reflect.Indirect(w)), "changing this is not supported yet", keepHint)
	}
	if was.SRIOV == nil && l.cur != nil {
		return
	}
	if at, wish, differs := rawDifference(was.SRIOV, des.SRIOV); differs {
		c.unsupported(l, "ethernet.sr-iov."+at, fmt.Sprint(wish), "changing this is not supported yet", keepHint)
	}
}
