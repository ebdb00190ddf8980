package kernel

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// namedLosses is how many lost routes are named one by one; a routing daemon
// may have very many.
const namedLosses = 10

// endangered are the routes of others over the links named that may be gone
// after the plan: those whose links all stay up. With a link its routes go, as
// everybody expects.
func (s *snapshot) endangered(names map[string]bool, k *keeper) []*rawRoute {
	var list []*rawRoute
	for _, r := range s.Routes {
		if r.Protocol == unix.RTPROT_KERNEL || r.Expires || !k.keepsRoute(r) {
			continue
		}
		hit, stays := false, len(r.Hops) > 0
		for _, hop := range r.Hops {
			name := s.name(hop.Index)
			hit, stays = hit || names[name], stays && k.staysUp(name)
		}
		if hit && stays {
			list = append(list, r)
		}
	}
	return list
}

// staysUp tells whether a link is meant to be there and up.
func (k *keeper) staysUp(name string) bool {
	i := k.byName[name]
	return i != nil && i.State != state.Absent && i.State != state.Down
}

// lostRoutes tells which routes of others could not be kept, a sentence each:
// the document took the address away, or moved it, that their next hop was
// reached by, and only who made them knows what is to become of them.
func (s *savedExtras) lostRoutes(ctx context.Context) ([]string, error) {
	if s == nil || len(s.routes) == 0 {
		return nil, nil
	}
	now, err := takeSnapshot(ctx, s.e.conn, wantLinks|wantRoutes|wantAllRoutes)
	if err != nil {
		return nil, err
	}
	have := make(map[string]bool, len(now.Routes))
	for _, r := range now.Routes {
		have[now.routeKey(r)] = true
	}
	var lost []string
	more := 0
	for _, r := range s.routes {
		switch {
		case have[s.was.routeKey(r)]:
		case len(lost) == namedLosses:
			more++
		default:
			lost = append(lost, fmt.Sprintf("the route %s is gone with the address that reached its next hop: who made it has to make it again", s.was.routeText(r)))
		}
	}
	if more > 0 {
		lost = append(lost, fmt.Sprintf("%d more routes are gone with the addresses that reached their next hops", more))
	}
	return lost, nil
}

// routeText is a route in ip(8)'s words.
func (s *snapshot) routeText(r *rawRoute) string {
	var b strings.Builder
	if r.Destination.Bits() == 0 {
		b.WriteString("default")
	} else {
		b.WriteString(r.Destination.String())
	}
	for _, hop := range r.Hops {
		if hop.Gateway.IsValid() {
			b.WriteString(" via " + hop.Gateway.String())
		}
		b.WriteString(" dev " + s.name(hop.Index))
	}
	if r.Table != mainTable {
		fmt.Fprintf(&b, " table %d", r.Table)
	}
	if r.Metric != 0 {
		fmt.Fprintf(&b, " metric %d", r.Metric)
	}
	b.WriteString(" proto " + engine.Protocol(r.Protocol))
	return b.String()
}

// disrupted are all links over which a plan may lose routes.
func disrupted(p *plan.Plan) map[string]bool {
	names := disrupts(p)
	for name := range dries(p) {
		names[name] = true
	}
	return names
}
