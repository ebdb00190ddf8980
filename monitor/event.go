// Package monitor tells what happens on a host, as it happens: links, addresses
// and routes that come, go and change, transactions and what became of them,
// and drift, which is the host being otherwise than holdfast answers for.
//
// An engine only notices that something changed. The monitor lets a burst of
// such notices settle, shows the host once, and tells in what that differs from
// the time before: what came and went within one burst is not told. So nothing
// is missed for good when the kernel drops notices, or when it changes something
// without any: the next look finds it.
package monitor

import (
	"time"

	"holdfast/state"
	"holdfast/store"
)

// Kind is what an event is about.
type Kind string

// The kinds of events.
const (
	// Ready begins what a subscriber gets: from here on nothing is missed.
	Ready Kind = "ready"
	// Resync says that notices of the kernel were lost (ENOBUFS), or events that
	// this subscriber did not take in time: what differs from what was told
	// before follows it.
	Resync Kind = "resync"
	// Lost says how many events this subscriber did not take in time; a Resync
	// follows it.
	Lost Kind = "lost"
	// Link is about an interface, Carrier about its carrier.
	Link    Kind = "link"
	Carrier Kind = "carrier"
	// Address, Route and Rule are about one of these.
	Address Kind = "address"
	Route   Kind = "route"
	Rule    Kind = "rule"
	// DNS and Hostname are about the resolver and the host's name.
	DNS      Kind = "dns"
	Hostname Kind = "hostname"
	// Transaction is about a change that holdfast makes.
	Transaction Kind = "transaction"
	// Drift is about the host being otherwise than holdfast answers for.
	Drift Kind = "drift"
)

// What happened. For a Transaction it is a phase of store.Phase, or one of the
// outcomes of store.Outcome, or Step.
type What string

// What happened to links, addresses, routes, rules and so on.
const (
	Appeared What = "appeared"
	Vanished What = "vanished"
	Renamed  What = "renamed"
	Changed  What = "changed"
	Up       What = "up"
	Down     What = "down"
	Added    What = "added"
	Removed  What = "removed"
	Began    What = "began"
	Ended    What = "ended"
	// Step is one step of a transaction that this process carries out.
	Step What = "step"
)

// Event is one thing that happened. Members that say nothing are left out of
// its JSON, which is part of the contract (docs/cli-json.md).
type Event struct {
	// Number rises by one from event to event, and is the same for every
	// subscriber. Those that only one of them gets (Ready, Lost, and what
	// follows a Resync that it alone needed) bear the number of the event
	// before.
	Number uint64 `json:"number"`
	// Time is when it was noticed.
	Time time.Time `json:"time"`
	Kind Kind      `json:"event"`
	What What      `json:"what,omitempty"`
	// Object is the interface, or the route or rule in ip(8)'s words, or the
	// host's section, or the transaction.
	Object string `json:"object,omitempty"`
	// Type is that of an interface that appeared or vanished.
	Type string `json:"type,omitempty"`
	// Key is the schema's key path that changed.
	Key string `json:"key,omitempty"`
	// Address is the address with its prefix length.
	Address string `json:"address,omitempty"`
	// From and To are the values before and after.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Family is that of a route or a rule, "ipv4" or "ipv6": "default" is the same
	// word in both.
	Family state.Family `json:"family,omitempty"`
	// Protocol names who made a route or a rule: "static", "dhcp", "bgp".
	Protocol string `json:"protocol,omitempty"`
	// Generation is what the host is compared with in Drift and in force in
	// Ready, and the number of a Transaction.
	Generation int `json:"generation,omitempty"`
	// Differences are all in which the host drifted.
	Differences []Difference `json:"differences,omitempty"`
	// Who asked for a transaction, and what for.
	Who     *store.Who `json:"who,omitempty"`
	Purpose string     `json:"purpose,omitempty"`
	// Summary is what a transaction changed, one line each.
	Summary []string `json:"summary,omitempty"`
	// Error is why a transaction failed, or why transactions and drift cannot be
	// told (Ready).
	Error string `json:"error,omitempty"`
	// Done and Total count the steps of a transaction.
	Done  int `json:"done,omitempty"`
	Total int `json:"total,omitempty"`
	// Count is how many events were lost.
	Count int `json:"count,omitempty"`
}

// Difference is one thing in which the host is not what holdfast answers for.
type Difference struct {
	Object string `json:"object"`
	Key    string `json:"key,omitempty"`
	Want   string `json:"want"`
	Have   string `json:"have"`
	// Routes are those to the same destination in the same table that are there
	// instead, or as well, and who made them.
	Routes []Maker `json:"routes,omitempty"`

	// route is the one that is missing or too many, nil for other things.
	route *state.Route
}

// Maker is a route and who made it, as far as the kernel tells.
type Maker struct {
	Route    string `json:"route"`
	Protocol string `json:"protocol"`
}
