package kernel

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"holdfast/engine"
	"holdfast/internal/hostfile"
	"holdfast/internal/resolver"
	"holdfast/internal/systemd"
	"holdfast/state"
)

// company is what stands beside the kernel on a host: the files and programs
// that hold the resolver, the host name and other managers' links.
type company struct {
	// root is put before every path; empty is the host's own root.
	root string
	// namespace is the network namespace whose company it is; empty is that of
	// the calling thread.
	namespace string
}

// resolver is the host's resolver configuration.
func (c company) resolver() *resolver.Host {
	return &resolver.Host{Root: c.root, Restart: restartUnit}
}

// hostname is the host's name.
func (c company) hostname() *hostfile.Hostname { return &hostfile.Hostname{Root: c.root} }

// restartUnit has systemd restart a unit and waits for it.
func restartUnit(unit string) error {
	ctx := context.Background()
	bus, err := systemd.Connect(ctx)
	if errors.Is(err, systemd.ErrNoBus) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(bus.RestartUnit(ctx, unit), bus.Close())
}

// showDNS reads the resolver's configuration into the schema.
func (c company) showDNS() (*state.DNS, error) {
	config, running, err := c.resolver().Config()
	if err != nil {
		return nil, fileError("read the resolver's configuration", "dns-resolver", err)
	}
	return &state.DNS{Running: toResolver(running), Config: toResolver(config)}, nil
}

// toResolver writes a configuration in the schema's words; what is empty is
// not mentioned.
func toResolver(c resolver.Config) *state.Resolver {
	return &state.Resolver{
		Server:  orNil(c.Servers),
		Search:  orNil(c.Search),
		Options: orNil(c.Options),
	}
}

// orNil is nil for an empty list.
func orNil(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}

// setDNS makes r the whole resolver configuration, through its owner.
func (c company) setDNS(ctx context.Context, r *state.Resolver) error {
	var config resolver.Config
	if r != nil {
		config = resolver.Config{Servers: r.Server, Search: r.Search, Options: r.Options}
	}
	err := c.resolver().Set(ctx, config)
	if err == nil {
		return nil
	}
	fault := fileError("configure the resolver", "dns-resolver", err)
	switch {
	case errors.Is(err, resolver.ErrOwned):
		fault.Kind = engine.Conflict
		fault.Hint = "set dns=none in NetworkManager.conf(5), or leave dns-resolver out of the document"
	case errors.Is(err, resolver.ErrOptions):
		fault.Kind = engine.Unsupported
		fault.Hint = "leave dns-resolver.config.options out of the document"
	}
	return fault
}

// showHostname reads the host's names into the schema.
func (c company) showHostname() (*state.Hostname, error) {
	image, err := c.hostname().Save()
	if err != nil {
		return nil, fileError("read the host name", "hostname", err)
	}
	return &state.Hostname{Running: &image.Running, Config: &image.Static}, nil
}

// setHostname sets the names that are not nil.
func (c company) setHostname(ctx context.Context, h *state.Hostname) error {
	if h.Config != nil {
		if err := c.hostname().SetStatic(ctx, *h.Config); err != nil {
			return fileError("set the static host name", "hostname", err)
		}
	}
	if h.Running != nil {
		if err := c.hostname().SetRunning(ctx, *h.Running); err != nil {
			return fileError("set the host name", "hostname", err)
		}
	}
	return nil
}

// fileError tells what a failed read or write of a file means.
func fileError(op, object string, err error) *engine.Error {
	fault := &engine.Error{Op: op, Object: object, Kind: engine.Internal, Err: err}
	if errors.Is(err, fs.ErrPermission) {
		fault.Kind = engine.Permission
		fault.Hint = "run as root"
	}
	return fault
}
