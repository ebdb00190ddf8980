package engine

import (
	"context"
	"fmt"
	"net/netip"

	"holdfast/state"
)

// Watcher is an engine that notices when others, or it itself, change the host.
type Watcher interface {
	// Watch tells what on the host may have changed, until ctx ends; then it
	// returns nil. The first call tells nothing: it says that from now on
	// nothing is missed, so that whoever shows the host after it is up to date.
	// All calls come from one goroutine, in the order of the changes; whoever
	// takes long in one may have others lost, which is told as Change.Lost.
	//
	// A Change is a reason to show the host again, no more: it may stand for
	// something that nobody sees, and one may stand for many. What an engine
	// has no notice of (a file that was edited, a sysctl) is not told.
	Watch(ctx context.Context, changed func(Change)) error
}

// RouteFinder is an engine that knows routes which Show leaves out: those of
// routing daemons.
type RouteFinder interface {
	// RoutesTo gives all routes to the destinations, whoever made them, with
	// their Facts.
	RoutesTo(ctx context.Context, destinations []netip.Prefix) ([]*state.Route, error)
}

// Change is what of a host may have changed.
type Change struct {
	Links, Addresses, Routes, Rules bool
	// Lost says that changes were lost, by an overflow: anything may have
	// changed.
	Lost bool
}

// Add puts another change to this one.
func (c *Change) Add(other Change) {
	c.Links = c.Links || other.Links
	c.Addresses = c.Addresses || other.Addresses
	c.Routes = c.Routes || other.Routes
	c.Rules = c.Rules || other.Rules
	c.Lost = c.Lost || other.Lost
}

// Protocol is the name of who made a route or a rule, as ip(8) writes it
// (RTPROT_* in rtnetlink.h, and 72, which is holdfast's own); its number for
// others.
func Protocol(number uint8) string {
	if name, ok := protocols[number]; ok {
		return name
	}
	return fmt.Sprint(number)
}

var protocols = map[uint8]string{
	1: "redirect", 2: "kernel", 3: "boot", 4: "static", 8: "gated", 9: "ra", 10: "mrt", 11: "zebra", 12: "bird",
	13: "dnrouted", 14: "xorp", 15: "ntk", 16: "dhcp", 17: "mrouted", 18: "keepalived", 42: "babel",
	72: "holdfast", 99: "openr", 186: "bgp", 187: "isis", 188: "ospf", 189: "rip", 192: "eigrp",
}
