// Package live asks probes for real: it joins package probe, which is pure, to
// package reach, which knows only the network.
package live

import (
	"context"

	"holdfast/internal/reach"
	"holdfast/probe"
)

// Options say where probes find things.
type Options struct {
	// ResolvConf names the name servers; empty is /etc/resolv.conf.
	ResolvConf string
	// Folder has the programs of exec probes.
	Folder string
	// Client answers client probes. nil is for callers that nobody asked over
	// a connection: those probes fail then. Before a change the one who asks
	// has just been heard, and the function returns nil at once; after it,
	// probe.Heard waits for the new connection.
	Client probe.Ask
}

// Asks is the functions that a probe.Runner asks with.
func Asks(o Options) map[probe.Kind]probe.Ask {
	asks := map[probe.Kind]probe.Ask{
		probe.Ping: func(ctx context.Context, s probe.Spec) error { return reach.Ping(ctx, o.target(s)) },
		probe.ARP:  func(ctx context.Context, s probe.Spec) error { return reach.Neighbor(ctx, o.target(s)) },
		probe.TCP:  func(ctx context.Context, s probe.Spec) error { return reach.TCP(ctx, o.target(s), s.Port) },
		probe.HTTP: o.http,
		probe.DNS:  o.dns,
		probe.Exec: func(ctx context.Context, s probe.Spec) error {
			return reach.Exec(ctx, reach.Program{Folder: o.Folder, Name: s.Name})
		},
	}
	if o.Client != nil {
		asks[probe.Client] = o.Client
	}
	return asks
}

func (o Options) target(s probe.Spec) reach.Target {
	return reach.Target{Host: s.Host, Interface: s.Interface, ResolvConf: o.ResolvConf}
}

func (o Options) http(ctx context.Context, s probe.Spec) error {
	return reach.HTTP(ctx, reach.Request{
		URL:        s.URL,
		Interface:  s.Interface,
		ResolvConf: o.ResolvConf,
		Status:     s.Status,
		Insecure:   s.Insecure,
	})
}

func (o Options) dns(ctx context.Context, s probe.Spec) error {
	return reach.DNS(ctx, reach.Query{
		Name:       s.Name,
		Type:       s.Type,
		Server:     s.Server,
		Interface:  s.Interface,
		ResolvConf: o.ResolvConf,
	})
}
