package kernel

import (
	"context"

	"holdfast/plan"
)

// encodeDNS makes the resolver's configuration, through its owner.
func encodeDNS(s *plan.Step, _ *linkTable) (work, error) {
	return wave(task{op: "configure the resolver", call: func(ctx context.Context, e *Engine) error {
		e.other.Add(1)
		return e.company.setDNS(ctx, s.Resolver)
	}}), nil
}

// encodeHostname sets the host's names.
func encodeHostname(s *plan.Step, _ *linkTable) (work, error) {
	return wave(task{op: "set the host name", call: func(ctx context.Context, e *Engine) error {
		if s.Hostname == nil {
			return nil
		}
		e.other.Add(1)
		return e.company.setHostname(ctx, s.Hostname)
	}}), nil
}
