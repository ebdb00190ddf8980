package enginetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// host is the network of one host.
type host struct {
	links map[string]*link
	// next is the index of the next link that nobody chooses one for.
	next   int
	routes []*state.Route
	rules  []*state.Rule
	dns    *state.DNS
	names  *state.Hostname
	// elsewhere are addresses that other hosts on the links have.
	elsewhere map[netip.Addr]bool
}

// link is one link. What a link has of its own is in set, with Facts; what
// follows from others (ports, controller, carrier, the state) is made by show.
type link struct {
	set    *state.Interface
	master string
	// peerMade is set on the second end of a veth until its own step comes.
	peerMade bool
	// unplugged links have no carrier.
	unplugged bool
	// mtuPinned is a bridge whose MTU does not follow its ports.
	mtuPinned bool
	// mtuBefore and macBefore are what a bond's port goes back to.
	mtuBefore uint32
	macBefore state.MAC
	// port holds the options as a port; its Name is not used.
	bridgePort state.BridgePort
	bondPort   state.BondPort
	// vlans is the VLAN filter table as a port of a bridge.
	vlans []plan.VLANEntry
	// self is the VLAN filter table of a bridge itself.
	self []plan.VLANEntry
	// filtering is whether a bridge filters VLANs.
	filtering bool
}

func (l *link) name() string { return l.set.Name }

func (l *link) up() bool { return l.set.Facts.AdminUp }

func (l *link) index() int { return l.set.Facts.Index }

func (l *link) mtu() uint32 { return *l.set.MTU }

// newHost takes the state, which becomes its own.
func newHost(s *state.State) *host {
	h := &host{links: map[string]*link{}, next: 1, dns: s.DNS, names: s.Hostname, elsewhere: map[netip.Addr]bool{}}
	if s.Find("lo") == nil {
		s.Interfaces = append([]*state.Interface{loopback()}, s.Interfaces...)
	}
	for _, i := range s.Interfaces {
		h.adopt(i)
	}
	for _, i := range s.Interfaces {
		h.adoptPorts(i)
	}
	if s.Routes != nil {
		for _, r := range slices.Concat(s.Routes.Running, s.Routes.Config) {
			if !slices.ContainsFunc(h.routes, func(o *state.Route) bool { return sameHop(o, complete(r)) }) {
				h.routes = append(h.routes, complete(r))
			}
		}
	}
	if s.Rules != nil {
		for _, r := range s.Rules.Config {
			h.rules = append(h.rules, completeRule(r))
		}
	}
	h.settle()
	return h
}

func loopback() *state.Interface {
	kernels := &state.AddressFacts{Foreign: true}
	mtu := uint32(65536)
	return &state.Interface{
		Name: "lo", Type: state.TypeLoopback, MTU: &mtu, MAC: "00:00:00:00:00:00",
		IPv4: &state.IPv4{IP: state.IP{Address: []state.Address{{IP: netip.MustParseAddr("127.0.0.1"), PrefixLength: 8, Facts: kernels}}}},
		IPv6: &state.IPv6{IP: state.IP{Enabled: new(true), Address: []state.Address{{IP: netip.IPv6Loopback(), PrefixLength: 128, Facts: kernels}}}},
	}
}

// adopt enters a link of the first state.
func (h *host) adopt(i *state.Interface) {
	l := &link{set: i, unplugged: i.Facts != nil && i.Facts.Physical && i.Facts.AdminUp && !i.Facts.Carrier}
	if i.Facts == nil {
		i.Facts = &state.Facts{Physical: i.Type == state.TypeEthernet, AdminUp: i.State != state.Down, MACPinned: i.Type != state.TypeBridge && i.Type != state.TypeBond}
	}
	h.number(l, i.Facts.Index)
	i.Facts.Physical = i.Facts.Physical || i.Type == state.TypeEthernet
	h.complete(l)
	h.links[i.Name] = l
}

// adoptPorts enters the controller's ports, and the port's controller.
func (h *host) adoptPorts(i *state.Interface) {
	if i.Controller != nil && *i.Controller != "" {
		h.links[i.Name].master = *i.Controller
	}
	if i.Bond != nil {
		for n, name := range i.Bond.Port {
			l := h.links[name]
			if l == nil {
				continue
			}
			l.master, l.macBefore, l.mtuBefore = i.Name, l.set.MAC, l.mtu()
			if n == 0 && !i.Facts.MACPinned {
				i.MAC = l.set.MAC
			}
			l.set.MAC = i.MAC
		}
	}
	if i.Bridge != nil {
		for _, port := range i.Bridge.Port {
			if l := h.links[port.Name]; l != nil {
				l.master, l.bridgePort = i.Name, port
				l.bridgePort.VLAN = nil
			}
		}
	}
}

// number gives the link an index: the wanted one if it is free.
func (h *host) number(l *link, wanted int) {
	for _, other := range h.links {
		if other.index() == wanted {
			wanted = 0
		}
	}
	if wanted <= 0 {
		wanted = h.next
	}
	h.next = max(h.next, wanted+1)
	l.set.Facts.Index = wanted
}

// find gives the link of that name or the kernel's error.
func (h *host) find(name string) (*link, error) {
	if l := h.links[name]; l != nil {
		return l, nil
	}
	return nil, &engine.Error{Object: name, Kind: engine.NotFound, Err: fmt.Errorf("there is no such interface: %w", syscall.ENODEV)}
}

// sorted are the links by name.
func (h *host) sorted() []*link {
	list := make([]*link, 0, len(h.links))
	for _, l := range h.links {
		list = append(list, l)
	}
	slices.SortFunc(list, func(a, b *link) int { return cmp.Compare(a.name(), b.name()) })
	return list
}

// ports are a controller's ports by name.
func (h *host) ports(name string) []*link {
	return slices.DeleteFunc(h.sorted(), func(l *link) bool { return l.master != name })
}

// above are the links that sit on l without being its controller: VLANs and
// their like.
func (h *host) above(l *link) []*link {
	return slices.DeleteFunc(h.sorted(), func(o *link) bool { return base(o.set) != l.name() })
}

// base names the link below, empty for none.
func base(i *state.Interface) string {
	if i.Facts != nil && i.Facts.BaseElsewhere {
		return ""
	}
	if i.VLAN != nil {
		return i.VLAN.BaseIface
	}
	for _, raw := range []state.Raw{i.MACVLAN, i.MACVTAP, i.IPVLAN, i.VXLAN, i.MACsec} {
		if name, ok := raw["base-iface"].(string); ok {
			return name
		}
	}
	return ""
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// kindOf sorts the kernel's error numbers as the kernel engine does.
func kindOf(err error) engine.Kind {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return engine.Timeout
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	if !ok {
		return engine.Internal
	}
	switch errno {
	case syscall.EPERM, syscall.EACCES:
		return engine.Permission
	case syscall.ENODEV, syscall.ENOENT, syscall.ESRCH, syscall.EADDRNOTAVAIL:
		return engine.NotFound
	case syscall.EEXIST:
		return engine.Conflict
	case syscall.EBUSY:
		return engine.Busy
	case syscall.EOPNOTSUPP:
		return engine.Unsupported
	case syscall.EINVAL, syscall.ERANGE, syscall.ELOOP:
		return engine.Invalid
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN:
		return engine.Unreachable
	}
	return engine.Internal
}
