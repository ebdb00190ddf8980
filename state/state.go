// Package state is the model of a host's network in nmstate's schema: what is
// (current), what somebody asked for (desired) and what the host should reach
// (target) are all a State.
//
// The package is pure: no files, no sockets, no clock. The struct tags are the
// schema: package internal/schema reads and writes documents by them.
// Everywhere a nil pointer or nil slice means "not mentioned", while an empty
// non-nil slice means "given, and empty".
package state

import "holdfast/internal/document"

// State is a whole or partial description of a host's network.
type State struct {
	// Description is free text of the author; it is never applied.
	Description string `state:"description"`
	// Hostname is the host's name, running and configured.
	Hostname *Hostname `state:"hostname"`
	// DNS is the resolver's configuration.
	DNS *DNS `state:"dns-resolver"`
	// Rules are the policy routing rules.
	Rules *Rules `state:"route-rules"`
	// Routes are the routes of all tables.
	Routes *Routes `state:"routes"`
	// Interfaces are the links with their addresses and ports. A nil slice
	// prints as an empty list.
	Interfaces []*Interface `state:"interfaces"`
	// OVSDB is Open vSwitch's global database row; it is not carried out.
	OVSDB Raw `state:"ovs-db"`
	// OVN is OVN's configuration; it is not carried out.
	OVN Raw `state:"ovn"`
}

// Raw is a section of nmstate's schema that is kept but not carried out: its
// values are string, bool, int64, uint64, float64, nil, []any and
// map[string]any. A nil Raw was not mentioned.
type Raw map[string]any

// Hostname is the host's name. A nil member was not mentioned.
type Hostname struct {
	// Running is the transient name.
	Running *string `state:"running"`
	// Config is the static name; empty lets DHCP or DNS choose.
	Config *string `state:"config"`
	// Origin is where the section stands in its document, nil outside one.
	Origin *document.Origin `state:"-"`
}

// DNS is the resolver's configuration.
type DNS struct {
	// Running is what is in force; it is read only.
	Running *Resolver `state:"running,readonly"`
	// Config is what is configured; an empty one purges it.
	Config *Resolver `state:"config"`
	// Origin is where the section stands in its document, nil outside one.
	Origin *document.Origin `state:"-"`
}

// Resolver is a list of name servers with search domains and options.
// A nil list was not mentioned, an empty one purges.
type Resolver struct {
	// Server lists addresses in order of preference; a link-local one carries
	// its interface after a percent sign.
	Server []string `state:"server"`
	// Search lists search domains in order.
	Search []string `state:"search"`
	// Options lists resolv.conf(5) options such as "rotate" and "ndots:2".
	Options []string `state:"options"`
}

// Find returns the interface of that name, or nil.
func (s *State) Find(name string) *Interface {
	for _, i := range s.Interfaces {
		if i.Name == name {
			return i
		}
	}
	return nil
}
