package state

import (
	"fmt"
	"slices"

	"holdfast/internal/problem"
)

// ValidateTarget checks what Merge made of a document and a host: options
// against the mode of a bond, MTUs through the stack, next hops, names that
// collide, and what is not carried out yet. Only what the document mentions or
// changes can be at fault; what the host is like already is accepted. The
// error is a *problem.List; what is only doubtful is added to t.Warnings.
func ValidateTarget(t *Target, current *State) error {
	c := newTargetCheck(t, current)
	for _, out := range t.State.Interfaces {
		cur := c.cur[linkKey(out.Name, out.Type)]
		des := c.des[linkKey(out.Name, out.Type)]
		if out.State == Absent || out == cur && des == nil {
			continue
		}
		l := &checked{out: out, cur: cur, des: des}
		for _, check := range targetChecks {
			check(c, l)
		}
		for _, check := range kindChecks[out.Type] {
			check(c, l)
		}
	}
	c.depth()
	c.addresses()
	c.routes()
	c.zones()
	c.globals()
	return c.problems.Err()
}

// targetChecks check one aspect of an interface of the target each;
// kindChecks do so for one kind.
var (
	targetChecks = []func(*targetCheck, *checked){
		(*targetCheck).names,
		(*targetCheck).leases,
		(*targetCheck).unsupportedSections,
		(*targetCheck).mtuLimits,
		(*targetCheck).mtuOfIPv6,
		(*targetCheck).mtuOfBase,
		(*targetCheck).stacks,
	}
	kindChecks = map[Type][]func(*targetCheck, *checked){
		TypeBond:   {(*targetCheck).bondOptions, (*targetCheck).bondMonitoring, (*targetCheck).bondPrimary, (*targetCheck).bondMAC, (*targetCheck).bondPorts},
		TypeVLAN:   {(*targetCheck).vlanNumber, (*targetCheck).vlanTwice},
		TypeBridge: {(*targetCheck).bridgeOptions, (*targetCheck).bridgeSTP, (*targetCheck).bridgeFiltering, (*targetCheck).bridgePorts, (*targetCheck).bridgeMTU},
	}
)

// targetCheck is a check of a target under way.
type targetCheck struct {
	target   *Target
	current  *State
	problems problem.List
	// out, cur and des find an interface of the target, of the host and of the
	// document.
	out, cur, des map[string]*Interface
	// altNames finds the interface that has an alternative name.
	altNames map[string]*Interface
	// vlans finds the VLAN of a number on a base.
	vlans map[vlanKey]*Interface
}

type vlanKey struct {
	base     string
	id       uint16
	protocol VLANProtocol
}

// checked is one interface as it becomes, as it is and as the document wants
// it; cur and des may be nil.
type checked struct{ out, cur, des *Interface }

// voice is the interface to blame: the document's where it has one.
func (l *checked) voice() *Interface {
	if l.des != nil {
		return l.des
	}
	return l.out
}

func newTargetCheck(t *Target, current *State) *targetCheck {
	index := func(list []*Interface) map[string]*Interface {
		m := make(map[string]*Interface, len(list))
		for _, i := range list {
			m[linkKey(i.Name, i.Type)] = i
		}
		return m
	}
	c := &targetCheck{
		target: t, current: current,
		out: index(t.State.Interfaces), cur: index(current.Interfaces), des: index(t.Desired.Interfaces),
		altNames: map[string]*Interface{}, vlans: map[vlanKey]*Interface{},
	}
	for _, i := range t.State.Interfaces {
		if i.State == Absent {
			continue
		}
		for _, a := range i.AltNames {
			if c.altNames[a.Name] == nil || c.cur[linkKey(i.Name, i.Type)].hasAltName(a.Name) {
				c.altNames[a.Name] = i
			}
		}
		if i.VLAN != nil && c.vlans[i.vlanKey()] == nil {
			c.vlans[i.vlanKey()] = i
		}
	}
	return c
}

func (c *targetCheck) fault(l *checked, path, val, message, hint string) {
	c.problems.Add(fault(l.voice(), path, val, message, hint))
}

func (c *targetCheck) unsupported(l *checked, path, val, message, hint string) {
	c.problems.Add(unsupported(l.voice(), path, val, message, hint))
}

func (c *targetCheck) warn(format string, args ...any) {
	c.target.Warnings = append(c.target.Warnings, fmt.Sprintf(format, args...))
}

// hasAltName tells whether the interface, which may be nil, has the alternative
// name.
func (i *Interface) hasAltName(name string) bool {
	return i != nil && slices.ContainsFunc(i.AltNames, func(a AltName) bool { return a.Name == name })
}

// names checks new names and new alternative names against all others.
func (c *targetCheck) names(l *checked) {
	if l.cur == nil {
		if other := c.altNames[l.out.Name]; other != nil {
			c.fault(l, "name", l.out.Name, "is an alternative name of "+other.Name, "choose another name, or describe "+other.Name)
		}
	}
	if l.des == nil {
		return
	}
	for n, a := range l.des.AltNames {
		path := "alt-names[" + itoa(n) + "].name"
		if a.State == Absent {
			continue
		}
		if c.out[a.Name] != nil && c.out[a.Name].State != Absent {
			c.fault(l, path, a.Name, "is the name of another interface", "choose another alternative name")
		} else if other := c.altNames[a.Name]; other != nil && other != l.out {
			c.fault(l, path, a.Name, "is an alternative name of "+other.Name, "take it from "+other.Name+" first, in a change of its own, with state: absent")
		}
	}
}

// stacks checks what needs a stack that the document leaves off.
func (c *targetCheck) stacks(l *checked) {
	if l.des == nil {
		return
	}
	if w := string(l.des.WaitIP); l.cur == nil || l.out != l.cur {
		if (w == "ipv4" || w == "ipv4+ipv6") && !l.out.on4() {
			c.fault(l, "wait-ip", w, "waits for ipv4, which is off", "turn ipv4 on, or leave wait-ip out")
		}
		if (w == "ipv6" || w == "ipv4+ipv6") && !l.out.on6() {
			c.fault(l, "wait-ip", w, "waits for ipv6, which is off", "turn ipv6 on, or leave wait-ip out")
		}
	}
	if ip := l.des.IPv6; ip != nil && !noToken(ip.Token) && l.out.IPv6 != nil && !is(l.out.IPv6.Autoconf) {
		c.fault(l, "ipv6.token", *ip.Token, "needs autoconf: true", "add autoconf: true, or leave token out")
	}
}

// globals checks sections beside the interfaces that are not carried out.
func (c *targetCheck) globals() {
	for _, s := range []struct {
		key      string
		des, cur Raw
	}{{"ovs-db", c.target.Desired.OVSDB, c.current.OVSDB}, {"ovn", c.target.Desired.OVN, c.current.OVN}} {
		if at, wish, differs := rawDifference(s.cur, s.des); differs {
			c.problems.Add(&problem.Problem{Key: s.key + "." + at, Value: fmt.Sprint(wish), Message: "changing this is not supported yet", Hint: keepHint, Unsupported: true})
		}
	}
}
