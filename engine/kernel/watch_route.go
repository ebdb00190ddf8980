package kernel

import (
	"context"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/state"
)

var _ engine.RouteFinder = (*Engine)(nil)

// RoutesTo reads the routes of every protocol but the kernel's own local ones.
// It reads all of them, which takes seconds where a daemon has very many.
func (e *Engine) RoutesTo(ctx context.Context, destinations []netip.Prefix) ([]*state.Route, error) {
	s, err := takeSnapshot(ctx, e.conn, wantLinks|wantRoutes|wantAllRoutes)
	if err != nil {
		return nil, err
	}
	v := newView(s, nil)
	var list []*state.Route
	for _, r := range s.Routes {
		if slices.Contains(destinations, r.Destination) && r.Table != unix.RT_TABLE_LOCAL && shownRoute(r) {
			list = append(list, v.hops(r)...)
		}
	}
	return list, nil
}
