package kernel

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// The order of a link's addresses decides which one the kernel sends from. An
// IPv4 address that is added comes behind the others (inet_insert_ifa,
// net/ipv4/devinet.c), an IPv6 address before those of its scope
// (ipv6_link_dev_addr, net/ipv6/addrconf.c): so one that was away for a moment
// has another place, and gets its own back only when those that have to come
// after it are added again.

// inOrder are the addresses of a link that somebody configured, in the kernel's
// order: of IPv4 those that are no secondaries, whose order means nothing.
func (s *snapshot) inOrder(index int, family uint8) []*rawAddress {
	var list []*rawAddress
	for _, a := range s.Addresses {
		secondary := family == unix.AF_INET && a.Flags&unix.IFA_F_SECONDARY != 0
		if a.Index == index && a.Family == family && a.permanent() && !a.madeByKernel() && !secondary {
			list = append(list, a)
		}
	}
	return list
}

// A disorder is the addresses of one family of a link in another order than
// they were. It holds those that were there and are.
type disorder struct {
	link    *rawLink // as it is
	family  uint8
	was, is []*rawAddress
}

// disorders compares the links in scope with how they were.
func (s *snapshot) disorders(now *snapshot, scope map[string]bool) []disorder {
	byName := make(map[string]*rawLink, len(scope))
	for _, l := range now.Links {
		if scope[l.Name] {
			byName[l.Name] = l
		}
	}
	var list []disorder
	for _, before := range s.Links {
		l := byName[before.Name]
		if l == nil {
			continue
		}
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			was, is := s.inOrder(before.Index, family), now.inOrder(l.Index, family)
			d := disorder{l, family, among(was, is), among(is, was)}
			if !slices.EqualFunc(d.was, d.is, samePlace) {
				list = append(list, d)
			}
		}
	}
	return list
}

func samePlace(a, b *rawAddress) bool { return a.Prefix == b.Prefix }

// among keeps those of a list that are in another, too. A list of one has no
// order.
func among(list, other []*rawAddress) []*rawAddress {
	if len(list) < 2 || len(other) < 2 {
		return nil
	}
	have := make(map[netip.Prefix]bool, len(other))
	for _, a := range other {
		have[a.Prefix] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(a *rawAddress) bool { return !have[a.Prefix] })
}

// String tells the disorder in a line.
func (d disorder) String() string {
	text := func(list []*rawAddress) string {
		words := make([]string, len(list))
		for i, a := range list {
			words[i] = a.Prefix.String()
		}
		return fmt.Sprint(words)
	}
	return fmt.Sprintf("%s: the addresses come in the order %s, was %s", d.link.Name, text(d.is), text(d.was))
}

// toMove are the addresses to take away and to add again in this order, so that
// the others keep their place.
func (d disorder) toMove() []*rawAddress {
	was, is := slices.Clone(d.was), slices.Clone(d.is)
	if d.family == unix.AF_INET6 { // what is added comes first
		slices.Reverse(was)
		slices.Reverse(is)
	}
	place := make(map[netip.Prefix]int, len(is))
	for n, a := range is {
		place[a.Prefix] = n
	}
	kept := 1
	for kept < len(was) && place[was[kept-1].Prefix] < place[was[kept].Prefix] {
		kept++
	}
	var move []*rawAddress
	for _, a := range was[kept:] {
		move = append(move, is[place[a.Prefix]])
	}
	return move
}

// dependents are the secondaries of IPv4 addresses: they go with them.
func (s *snapshot) dependents(list []*rawAddress) []*rawAddress {
	var all []*rawAddress
	for _, p := range list {
		for _, a := range s.Addresses {
			if a.Index == p.Index && a.Family == unix.AF_INET && a.Flags&unix.IFA_F_SECONDARY != 0 && a.Prefix.Masked() == p.Prefix.Masked() {
				all = append(all, a)
			}
		}
	}
	return all
}

// reorder brings addresses into the order in which they were, and tells whether
// it did anything: then routes through them may have to be put back.
func (c *checkpoint) reorder(ctx context.Context, scope map[string]bool) (bool, error) {
	now, err := takeSnapshot(ctx, c.e.conn, wantLinks|wantAddresses|wantRaw)
	if err != nil {
		return false, err
	}
	list := c.Network.disorders(now, scope)
	if len(list) == 0 {
		return false, nil
	}
	r := &restorer{keeper: everything, e: c.e, was: now, now: now, nowByName: map[string]*rawLink{}}
	for _, l := range now.Links {
		r.nowByName[l.Name] = l
	}
	var away, back []extra
	for _, d := range list {
		move := d.toMove()
		rest := now.dependents(move)
		for _, a := range slices.Concat(rest, move) {
			away = append(away, extra{
				op: "move address " + a.Prefix.String(), object: d.link.Name,
				msg:  netlink.Message{Header: netlink.Header{Type: unix.RTM_DELADDR}, Data: a.Body},
				fine: []unix.Errno{unix.EADDRNOTAVAIL},
			})
		}
		for _, a := range slices.Concat(move, rest) {
			if msg, ok := r.replay(a.Body, unix.SizeofIfAddrmsg, 4, nil, nil, unix.RTM_NEWADDR); ok {
				r.shorten(msg.Data)
				back = append(back, extra{op: "move address " + a.Prefix.String(), object: d.link.Name, msg: msg})
			}
		}
	}
	return true, errors.Join(r.send(ctx, away), r.send(ctx, back))
}
