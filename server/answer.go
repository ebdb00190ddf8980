package server

import (
	"context"
	"fmt"
	"slices"
	"time"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/transaction"
)

// quick does what changes something and is not streamed; it goes on when the
// client goes away.
func (s *Server) quick(c *call, run func(context.Context) (*holdfast.Result, error)) (any, error) {
	done, ok := s.begin()
	if !ok {
		return nil, ending503()
	}
	defer done()
	result, err := run(context.WithoutCancel(c.r.Context()))
	if result == nil {
		result = &holdfast.Result{Outcome: transaction.Unchanged}
	}
	if err != nil {
		return nil, &outcomeError{result, s.named(err)}
	}
	return newResult(result), nil
}

func confirm(s *Server, c *call) (any, error) { return s.reply(c, s.host.Confirm) }

func rollback(s *Server, c *call) (any, error) { return s.reply(c, s.host.Rollback) }

// reply answers the pending change.
func (s *Server) reply(c *call, answer func(context.Context, string, holdfast.Who) (*holdfast.Result, error)) (any, error) {
	var request api.Reply
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	who := c.who()
	who.Command = "" // the user is enough in what others read of it
	return s.quick(c, func(ctx context.Context) (*holdfast.Result, error) { return answer(ctx, request.Transaction, who) })
}

func abandon(s *Server, c *call) (any, error) {
	path, err := s.host.Abandon(c.r.Context())
	if err != nil {
		return nil, s.named(err)
	}
	return api.Abandoned{Outcome: transaction.Unchanged, Journal: path}, nil
}

func heard(s *Server, c *call) (any, error) {
	came := time.Time{}
	if c.guest != nil {
		came = c.guest.since
	}
	s.heard.hear(c.peer.identity(), came)
	return nil, nil
}

func persist(s *Server, c *call) (any, error) {
	names, err := c.names(true)
	if err != nil {
		return nil, err
	}
	return s.quick(c, func(ctx context.Context) (*holdfast.Result, error) { return s.host.Persist(ctx, names, c.who()) })
}

func unpersist(s *Server, c *call) (any, error) {
	names, err := c.names(false)
	if err != nil {
		return nil, err
	}
	return s.quick(c, func(ctx context.Context) (*holdfast.Result, error) { return s.host.Unpersist(ctx, names, c.who()) })
}

// names reads a list of interfaces, sorted; nil is all of them, where that may be.
func (c *call) names(all bool) ([]string, error) {
	var request api.Names
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	if request.All != (len(request.Names) == 0) || request.All && !all {
		return nil, &engine.Error{Object: "names", Kind: engine.Invalid, Err: fmt.Errorf("%d names and all=%t do not go together", len(request.Names), request.All)}
	}
	for _, name := range request.Names {
		if err := interfaceName(name); err != nil {
			return nil, err
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(request.Names))), nil
}
