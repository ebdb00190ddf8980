package kernel

import (
	"cmp"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// routes writes the routes that nmstate shows: configured ones, and in running
// also those of router advertisements, DHCP and some daemons. A route with
// something that the schema cannot say is in running only: a document made of
// config gives it back otherwise than it is.
func (v *view) routes() *state.Routes {
	out := &state.Routes{Running: []*state.Route{}, Config: []*state.Route{}}
	for _, r := range v.Routes {
		configured := configuredProtocol(r.Protocol)
		if !configured && !runningProtocol(r.Protocol) || !shownRoute(r) {
			continue
		}
		hops := v.hops(r)
		out.Running = append(out.Running, hops...)
		if configured && !r.Special {
			out.Config = append(out.Config, hops...)
		}
	}
	slices.SortStableFunc(out.Running, compareRoutes)
	slices.SortStableFunc(out.Config, compareRoutes)
	return out
}

// shownRoute leaves out what is no route of packets through a link, and scopes
// that are no configuration (host: the kernel's own addresses).
func shownRoute(r *rawRoute) bool {
	switch r.Type {
	case unix.RTN_UNICAST:
		return (r.Scope == unix.RT_SCOPE_UNIVERSE || r.Scope == unix.RT_SCOPE_LINK) && len(r.Hops) > 0
	case unix.RTN_BLACKHOLE, unix.RTN_UNREACHABLE, unix.RTN_PROHIBIT:
		return true
	}
	return false
}

// hops writes a route: one entry per next hop.
func (v *view) hops(r *rawRoute) []*state.Route {
	if r.Type != unix.RTN_UNICAST {
		return []*state.Route{v.route(r)}
	}
	out := make([]*state.Route, 0, len(r.Hops))
	for i := range r.Hops {
		hop := &r.Hops[i]
		s := v.route(r)
		if name := v.name(hop.Index); name != "" {
			s.NextHopInterface = &name
		}
		if hop.Gateway.IsValid() {
			s.NextHopAddress = &hop.Gateway
		}
		if r.Multipath {
			s.Weight = &hop.Weight
		}
		s.Facts.Onlink = hop.Flags&unix.RTNH_F_ONLINK != 0
		out = append(out, s)
	}
	return out
}

// route writes what all next hops of a route share.
func (v *view) route(r *rawRoute) *state.Route {
	s := &state.Route{
		Destination: r.Destination,
		Metric:      new(int64(r.Metric)), TableID: &r.Table,
		Facts: &state.RouteFacts{
			Protocol: r.Protocol,
			Foreign:  !configuredProtocol(r.Protocol) || r.Special,
		},
	}
	switch r.Type {
	case unix.RTN_BLACKHOLE:
		s.Type = state.Blackhole
	case unix.RTN_UNREACHABLE:
		s.Type = state.Unreachable
	case unix.RTN_PROHIBIT:
		s.Type = state.Prohibit
	}
	if r.Source.IsValid() {
		s.Source = &r.Source
	}
	setMetrics(s, r.Metrics)
	return s
}

// setMetrics writes RTAX_* values. RTAX_LOCK is a set of locked ones; only a
// locked congestion window has a word in the schema.
func setMetrics(s *state.Route, metrics map[uint16]uint32) {
	if len(metrics) == 0 {
		return
	}
	locked := metrics[unix.RTAX_LOCK]
	if locked&(1<<unix.RTAX_CWND) != 0 {
		s.CWND = metric(metrics, unix.RTAX_CWND)
	}
	s.InitCWND = metric(metrics, unix.RTAX_INITCWND)
	s.InitRWND = metric(metrics, unix.RTAX_INITRWND)
	s.AdvMSS = metric(metrics, unix.RTAX_ADVMSS)
	if s.MTU = metric(metrics, unix.RTAX_MTU); s.MTU != nil {
		s.LockMTU = new(locked&(1<<unix.RTAX_MTU) != 0)
	}
	if quick := metric(metrics, unix.RTAX_QUICKACK); quick != nil {
		s.QuickACK = new(*quick != 0)
	}
}

func metric(metrics map[uint16]uint32, n uint16) *uint32 {
	v, ok := metrics[n]
	if !ok {
		return nil
	}
	return &v
}

// compareRoutes is the order of printing: family, table, destination, metric.
// The next hops of one route keep theirs.
func compareRoutes(a, b *state.Route) int {
	return cmp.Or(
		cmp.Compare(a.Destination.Addr().BitLen(), b.Destination.Addr().BitLen()),
		cmp.Compare(*a.TableID, *b.TableID),
		comparePrefixes(a.Destination, b.Destination),
		cmp.Compare(*a.Metric, *b.Metric),
		cmp.Compare(a.Type, b.Type),
	)
}

func comparePrefixes(a, b netip.Prefix) int {
	return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
}
