package kernel

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// An extra is state that the schema does not know but that a re-creation, a
// detach or a down loses: static forwarding entries, flags of ports, VLANs of
// taps, traffic control, sysctls, permanent neighbours, next hop objects, and
// foreign addresses and routes. It is put back as the kernel's own messages.

// A keeper says which of the lost things come back.
type keeper struct {
	// all puts back everything that is missing or different (a rollback).
	all bool
	// remade are links that were removed and made anew.
	remade map[string]bool
	// target is the state that a plan leads to.
	target *state.State
	// filtered are the ports whose VLAN filter the plan changes.
	filtered map[string]bool

	byName map[string]*state.Interface
}

// everything is the keeper of a rollback.
var everything = &keeper{all: true}

// keeperOf is the keeper of a plan that is carried out.
func keeperOf(p *plan.Plan) *keeper {
	k := &keeper{
		target: p.Target, remade: map[string]bool{}, filtered: map[string]bool{},
		byName: make(map[string]*state.Interface, len(p.Target.Interfaces)),
	}
	for _, i := range p.Target.Interfaces {
		k.byName[i.Name] = i
	}
	for n := range p.Steps {
		s := &p.Steps[n]
		switch s.Verb {
		case plan.CreateLink:
			k.remade[s.Object] = s.Was != nil
		case plan.ChangeVLANs:
			k.filtered[s.Object] = true
		}
	}
	return k
}

// stays tells whether a link is meant to be there, and up.
func (k *keeper) stays(name string) bool {
	if k.all {
		return true
	}
	i := k.byName[name]
	return i != nil && i.State != state.Absent
}

// keepsAddress tells whether an address is meant to stay on a link.
func (k *keeper) keepsAddress(name string, a *rawAddress) bool {
	if k.all {
		return true
	}
	i := k.byName[name]
	if i == nil || i.State == state.Absent {
		return false
	}
	list := addresses4(i)
	if a.Family == unix.AF_INET6 {
		list = addresses6(i)
	}
	for _, wanted := range list {
		if wanted.Prefix() == a.Prefix {
			return true
		}
	}
	return false
}

// keepsRoute tells whether a lost route is not the plan's own business.
func (k *keeper) keepsRoute(r *rawRoute) bool {
	return k.all || !configuredProtocol(r.Protocol) || r.Special
}

// disrupts tells whether the plan does something that loses extras, and names
// the links that it does it to.
func disrupts(p *plan.Plan) map[string]bool {
	names := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		switch s.Impact {
		case plan.ImpactDetach, plan.ImpactDown, plan.ImpactRecreate:
			if s.Verb == plan.CreateLink && s.Was == nil {
				continue
			}
			names[s.Object] = true
			for _, name := range s.Affects {
				names[name] = true
			}
		}
	}
	return names
}

// dries names the links that stay and lose an IPv4 address: the kernel takes
// routes away with the address that they stand on (fib_del_ifaddr,
// net/ipv4/fib_frontend.c), and tells nobody.
func dries(p *plan.Plan) map[string]bool {
	names := map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		if s.Verb == plan.RemoveAddress && s.Address.IP.Is4() {
			names[s.Object] = true
		}
	}
	return names
}

// washedAway tells which of the links lose IPv4 routes of others, whose next
// hops are still in reach afterwards. One that goes out of reach is its
// maker's to place anew.
func (s *snapshot) washedAway(names map[string]bool, k *keeper) map[string]bool {
	found := map[string]bool{}
	for _, r := range s.Routes {
		if r.Protocol == unix.RTPROT_KERNEL || !k.keepsRoute(r) || !r.Destination.Addr().Is4() {
			continue
		}
		for _, hop := range r.Hops {
			if name := s.name(hop.Index); names[name] && k.reaches(name, hop.Gateway) {
				found[name] = true
			}
		}
	}
	return found
}

// reaches tells whether a link is meant to have an address from which the
// gateway, if any, is in reach.
func (k *keeper) reaches(name string, gateway netip.Addr) bool {
	i := k.byName[name]
	if i == nil || i.State == state.Absent {
		return false
	}
	return slices.ContainsFunc(addresses4(i), func(a state.Address) bool {
		return !gateway.IsValid() || a.Prefix().Masked().Contains(gateway)
	})
}

// A restorer puts back what was and is no more.
type restorer struct {
	*keeper
	e        *Engine
	was, now *snapshot
	scope    map[string]bool
	// elapsed is how many seconds passed since was was taken.
	elapsed uint32

	nowByName map[string]*rawLink
}

func newRestorer(e *Engine, was, now *snapshot, taken int64, scope map[string]bool, k *keeper) *restorer {
	r := &restorer{
		keeper: k, e: e, was: was, now: now, scope: scope,
		elapsed:   uint32(max(0, bootTime()-taken)),
		nowByName: make(map[string]*rawLink, len(now.Links)),
	}
	for _, l := range now.Links {
		r.nowByName[l.Name] = l
	}
	return r
}

// restoreExtras puts back, of the links in scope, what was there and is
// missing, as far as k says. taken is the boot time at which was was read.
func (e *Engine) restoreExtras(ctx context.Context, was *snapshot, taken int64, scope map[string]bool, k *keeper) error {
	now, err := takeSnapshot(ctx, e.conn, wantAll)
	if err != nil {
		return err
	}
	r := newRestorer(e, was, now, taken, scope, k)
	var failures []error
	for _, part := range []func() []extra{
		r.links, r.ports, r.vlans, r.forwarding, r.multicast, r.addresses, r.neighbours, r.nexthops, r.routes, r.control,
	} {
		failures = append(failures, r.send(ctx, part()))
	}
	return errors.Join(append(failures, r.sysctls(), r.send(ctx, r.tokens()))...)
}

// An extra is one message that puts something back.
type extra struct {
	op, object string
	msg        netlink.Message
	// fine are refusals that mean that it is so already.
	fine []unix.Errno
}

// send sends messages and tells which of them were refused.
func (r *restorer) send(ctx context.Context, extras []extra) error {
	if len(extras) == 0 {
		return nil
	}
	msgs := make([]netlink.Message, len(extras))
	for i := range extras {
		msgs[i] = extras[i].msg
	}
	var failures []error
	for i, err := range r.e.conn.pipeline(ctx, msgs) {
		if err != nil && !isFine(err, &job{task: task{fine: extras[i].fine}}) {
			failures = append(failures, newOpError(extras[i].op, extras[i].object, err))
		}
	}
	return errors.Join(failures...)
}

// pair is a link of the picture with what it is now; nil if it is out of
// scope, gone, or not meant to stay.
func (r *restorer) pair(was *rawLink) (now *rawLink) {
	if was == nil || !r.scope[was.Name] || !r.stays(was.Name) {
		return nil
	}
	now = r.nowByName[was.Name]
	if now == nil || now.Kind != was.Kind {
		return nil
	}
	return now
}

// pairOf is pair by the picture's number.
func (r *restorer) pairOf(index int) *rawLink { return r.pair(r.was.link(index)) }

// newIndex is today's number of a link of the picture; 0 if it is gone.
func (r *restorer) newIndex(index int) int {
	if l := r.was.link(index); l != nil {
		if now := r.nowByName[l.Name]; now != nil {
			return now.Index
		}
	}
	return 0
}

// sameController tells whether a port is where it was.
func (r *restorer) sameController(was, now *rawLink) bool {
	return now.Master != 0 && r.was.name(was.Master) == r.now.name(now.Master)
}

// savedExtras are the extras that a plan's steps are about to lose.
type savedExtras struct {
	e     *Engine
	was   *snapshot
	taken int64
	scope map[string]bool
	// routes are those of others that may not be there afterwards.
	routes []*rawRoute
	*keeper
}

// saveExtras reads what the steps of a plan will lose beyond what the plan
// itself puts back. It is nil, and nothing is read, if they lose nothing.
func (e *Engine) saveExtras(ctx context.Context, p *plan.Plan) (*savedExtras, error) {
	touched, dry := disrupts(p), dries(p)
	if len(touched)+len(dry) == 0 || p.Target == nil {
		return nil, nil
	}
	was, err := takeSnapshot(ctx, e.conn, wantAll)
	if err != nil {
		return nil, err
	}
	k := keeperOf(p)
	saved := &savedExtras{e: e, was: was, taken: bootTime(), routes: was.endangered(disrupted(p), k), keeper: k}
	maps.Copy(touched, was.washedAway(dry, k))
	if len(touched) > 0 {
		saved.scope = was.stack(touched)
	}
	return saved, nil
}

// restore puts them back, after the last step. nil does nothing.
func (s *savedExtras) restore(ctx context.Context) error {
	if s == nil || len(s.scope) == 0 {
		return nil
	}
	return s.e.restoreExtras(ctx, s.was, s.taken, s.scope, s.keeper)
}
