package state

import (
	"net/netip"

	"holdfast/internal/document"
)

// Routes are the host's routes.
type Routes struct {
	// Running are the routes in force; read only.
	Running []*Route `state:"running,readonly"`
	// Config are the configured routes; entries add to what is there, those
	// with state absent remove.
	Config []*Route `state:"config"`
}

// Route is one route, or one next hop of several.
type Route struct {
	// State is absent to remove every route that the given keys match, ignore
	// to leave them alone.
	State LinkState `state:"state"`
	// Destination is the prefix; the zero one was not mentioned.
	Destination netip.Prefix `state:"destination"`
	// NextHopInterface names the interface that packets leave by.
	NextHopInterface *string `state:"next-hop-interface"`
	// NextHopAddress is the gateway. The zero address (an empty string in the
	// document) is none, which a wildcard can ask for.
	NextHopAddress *netip.Addr `state:"next-hop-address"`
	// Metric decides between routes; -1 and nil are the kernel's default.
	Metric *int64 `state:"metric,min=-1,max=4294967295"`
	// TableID is the routing table; 0 and nil are main (254).
	TableID *uint32 `state:"table-id"`
	// Weight is the share of this next hop among several.
	Weight *uint16 `state:"weight,min=1,max=256"`
	// Type makes a route that drops instead of forwarding.
	Type RouteType `state:"route-type"`
	// Source is the preferred source address.
	Source *netip.Addr `state:"source"`
	// CWND is the congestion window's clamp in packets, locked.
	CWND *uint32 `state:"cwnd,min=1"`
	// InitCWND is the initial congestion window in packets.
	InitCWND *uint32 `state:"initcwnd"`
	// InitRWND is the initial receive window in packets.
	InitRWND *uint32 `state:"initrwnd"`
	// MTU is the path MTU in bytes.
	MTU *uint32 `state:"mtu"`
	// LockMTU keeps path MTU discovery from changing MTU.
	LockMTU *bool `state:"lock-mtu"`
	// AdvMSS is the advertised maximum segment size in bytes.
	AdvMSS *uint32 `state:"advmss"`
	// QuickACK turns delayed acknowledgements off.
	QuickACK *bool `state:"quickack"`
	// VRFName puts the route in a VRF's table.
	VRFName string `state:"vrf-name"`

	// Facts is what the engine knows of a live route; nil in documents.
	Facts *RouteFacts `state:"-"`
	// Origin is where the route stands in its document, nil outside one.
	Origin *document.Origin `state:"-"`
}

// RouteFacts is what an engine knows of a live route.
type RouteFacts struct {
	// Protocol is the kernel's number of who made the route (rtnetlink(7)).
	Protocol uint8
	// Foreign routes are not ours to change or remove.
	Foreign bool
	// Onlink is set when the next hop need not be reachable by a route.
	Onlink bool
}

// RouteType makes a route that drops instead of forwarding.
type RouteType string

// The route types; empty is a plain one.
const (
	Blackhole   RouteType = "blackhole"
	Unreachable RouteType = "unreachable"
	Prohibit    RouteType = "prohibit"
)

// Values lists what a document may say.
func (RouteType) Values() []string { return []string{"blackhole", "unreachable", "prohibit"} }
