package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// noPrefixRoute is IFA_F_NOPREFIXROUTE (include/uapi/linux/if_addr.h).
const noPrefixRoute = 0x200

// addressRoutePriority is IFA_RT_PRIORITY (kernel 4.18).
const addressRoutePriority = 9

// encodeAddAddress puts an address on a link, or changes the lifetimes of one
// that is there.
func encodeAddAddress(s *plan.Step, t *linkTable) (work, error) {
	e, err := addressMessage(s, t)
	if err != nil {
		return nil, err
	}
	a := s.Address
	if flags := addressFlags(a); flags != 0 {
		e.u32(unix.IFA_FLAGS, flags)
	}
	if a.ValidLifeTime != "" || a.PreferredLifeTime != "" {
		if err := putLifetimes(e, a); err != nil {
			return nil, err
		}
	}
	if metric := prefixMetric(s); metric != nil {
		e.u32(addressRoutePriority, *metric)
	}
	return wave(send("add address "+a.Prefix().String(), e.message(unix.RTM_NEWADDR, netlink.Create|netlink.Replace))), nil
}

// addressFlags are those that an address has kept from when it was there
// before.
func addressFlags(a *state.Address) uint32 {
	var flags uint32
	if a.Facts != nil && a.Facts.NoPrefixRoute {
		flags |= noPrefixRoute
	}
	if a.Facts != nil && a.Facts.NoDAD {
		flags |= unix.IFA_F_NODAD
	}
	return flags
}

// prefixMetric is the metric of the route that an IPv4 address brings: what the
// link's are to have, or that of the address before; one of others keeps its.
func prefixMetric(s *plan.Step) *uint32 {
	facts := s.Address.Facts
	switch {
	case !s.Address.IP.Is4():
		return nil
	case s.Link != nil && s.Link.IPv4 != nil && s.Link.IPv4.PrefixRouteMetric != nil && (facts == nil || !facts.Foreign):
		return s.Link.IPv4.PrefixRouteMetric
	case facts != nil && facts.Metric != 0:
		return &facts.Metric
	}
	return nil
}

// encodeRemoveAddress takes an address off a link. One that went with its
// primary address or its link is gone as it should.
func encodeRemoveAddress(s *plan.Step, t *linkTable) (work, error) {
	if t.byName[s.Object] == nil {
		return nil, nil
	}
	e, err := addressMessage(s, t)
	if err != nil {
		return nil, err
	}
	return wave(send("remove address "+s.Address.Prefix().String(), e.message(unix.RTM_DELADDR, 0),
		unix.EADDRNOTAVAIL, unix.ENODEV)), nil
}

// addressMessage begins a message about the address of a step: struct
// ifaddrmsg (rtnetlink(7)), and the address. No broadcast address is given, as
// ip(8) gives none: the kernel then answers to the subnet's own.
func addressMessage(s *plan.Step, t *linkTable) (*encoder, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	if s.Address == nil || !s.Address.Prefix().IsValid() {
		return nil, errors.New("internal error: the step has no address")
	}
	ip := s.Address.IP
	b := make([]byte, 8, 64)
	b[0] = familyOf(ip)
	b[1] = s.Address.PrefixLength
	if ip.Is4() && ip.IsLoopback() {
		b[3] = unix.RT_SCOPE_HOST
	}
	binary.NativeEndian.PutUint32(b[4:], uint32(l.index))
	e := &encoder{b}
	e.addr(unix.IFA_LOCAL, ip)
	e.addr(unix.IFA_ADDRESS, ip)
	return e, nil
}

// familyOf is AF_INET or AF_INET6.
func familyOf(ip netip.Addr) uint8 {
	if ip.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// putLifetimes appends struct ifa_cacheinfo.
func putLifetimes(e *encoder, a *state.Address) error {
	valid, err := lifetime(a.ValidLifeTime)
	if err != nil {
		return err
	}
	preferred, err := lifetime(a.PreferredLifeTime)
	if err != nil {
		return err
	}
	b := binary.NativeEndian.AppendUint32(nil, min(preferred, valid))
	b = binary.NativeEndian.AppendUint32(b, valid)
	e.attr(unix.IFA_CACHEINFO, append(b, make([]byte, 8)...))
	return nil
}

// lifetime reads "120sec"; empty and "forever" are for ever.
func lifetime(text string) (uint32, error) {
	if text == "" || text == "forever" {
		return math.MaxUint32, nil
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "sec"), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("lifetime %q", text)
	}
	return uint32(n), nil
}
