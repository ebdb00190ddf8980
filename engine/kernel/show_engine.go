package kernel

import (
	"context"

	"holdfast/engine"
	"holdfast/state"
)

// Show reads what is on the host now: the kernel's network, and what stands
// beside it (who runs the links, the resolver, the host name). It writes
// nothing and needs no privileges.
func (e *Engine) Show(ctx context.Context, options engine.ShowOptions) (*state.State, error) {
	s, _, err := readState(ctx, e.conn, options)
	if err != nil {
		return nil, err
	}
	e.describe(s)
	if s.DNS, err = e.company.showDNS(); err != nil {
		return nil, err
	}
	s.Hostname, err = e.company.showHostname()
	return s, err
}

// describe fills in what the kernel does not know of its links.
func (e *Engine) describe(s *state.State) {
	owned := e.record()
	names := make(map[int]string, len(s.Interfaces))
	for _, i := range s.Interfaces {
		names[i.Facts.Index] = i.Name
	}
	managers := e.company.managers(names)
	for _, i := range s.Interfaces {
		i.Facts.Owned = owned.owns(i.Name, i.Facts.Index)
		i.Facts.Manager = managers[i.Name]
		e.notes.write(i, owned)
	}
	markSession(s, sessionAddress())
}
