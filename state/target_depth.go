package state

import "fmt"

// maxStack is how many interfaces can stand on each other, the lowest counted
// (MAX_NEST_DEV in linux/netdevice.h, __netdev_upper_dev_link in
// net/core/dev.c: the kernel says "too many links" to the next).
const maxStack = 8

// nesting measures how interfaces of a target stand on each other.
type nesting struct {
	lowers, uppers map[string][]string
	down, up       map[string]int
}

// height is how many interfaces the longest way in one direction has, the
// first counted; known holds what was measured before, and ends a loop.
func height(name string, next map[string][]string, known map[string]int) int {
	if n, ok := known[name]; ok {
		return n
	}
	known[name] = 1
	most := 1
	for _, other := range next[name] {
		most = max(most, 1+height(other, next, known))
	}
	known[name] = most
	return most
}

// newNesting ties the interfaces of a target together: VLANs and their like to
// their bases, controllers to their ports.
func newNesting(t *Target) *nesting {
	s := &nesting{lowers: map[string][]string{}, uppers: map[string][]string{}, down: map[string]int{}, up: map[string]int{}}
	tie := func(lower, upper string) {
		s.lowers[upper] = append(s.lowers[upper], lower)
		s.uppers[lower] = append(s.uppers[lower], upper)
	}
	for _, i := range t.State.Interfaces {
		if i.State == Absent {
			continue
		}
		if followsBase[i.Type] {
			for _, base := range bases(i) {
				tie(base, i.Name)
			}
		}
		if c := value(i.Controller, ""); c != "" {
			tie(i.Name, c)
		}
	}
	return s
}

// through is how many interfaces the highest stack has that the interface is
// part of.
func (s *nesting) through(name string) int {
	return height(name, s.lowers, s.down) + height(name, s.uppers, s.up) - 1
}

// depth refuses a stack that the kernel would. It blames the first interface
// of the document's doing that stands too high, or else one in the stack.
func (c *targetCheck) depth() {
	s := newNesting(c.target)
	var blamed *checked
	for _, out := range c.target.State.Interfaces {
		key := linkKey(out.Name, out.Type)
		l := &checked{out: out, cur: c.cur[key], des: c.des[key]}
		if out.State == Absent || !l.placed() || s.through(out.Name) <= maxStack {
			continue
		}
		if blamed == nil || s.down[out.Name] == maxStack+1 {
			blamed = l
		}
	}
	if blamed == nil {
		return
	}
	path := "name"
	if blamed.out.VLAN != nil {
		path = "vlan.base-iface"
	}
	c.fault(blamed, path, "", fmt.Sprintf("a stack of %d interfaces is too high: the kernel allows %d", s.through(blamed.out.Name), maxStack), "leave out an interface in between")
}

// placed tells whether the interface is new, or gets another base or
// controller.
func (l *checked) placed() bool {
	if l.cur == nil || l.changedVLAN() {
		return true
	}
	return value(l.out.Controller, "") != value(l.cur.Controller, "")
}
