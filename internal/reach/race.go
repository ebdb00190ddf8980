package reach

import (
	"context"
	"errors"
	"net/netip"
	"strings"
)

// race asks all addresses at once. It gives the first good answer, drops later
// ones, and waits until all have ended. Without a good one the error tells what
// each said.
func race[T any](ctx context.Context, addrs []netip.Addr, ask func(context.Context, netip.Addr) (T, error), drop func(T)) (T, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		index  int
		answer T
		err    error
	}
	results := make(chan result, len(addrs))
	for i, addr := range addrs {
		go func() {
			answer, err := ask(ctx, addr)
			results <- result{i, answer, err}
		}()
	}
	var first T
	won := false
	errs := make([]error, len(addrs))
	for range addrs {
		r := <-results
		switch {
		case r.err != nil:
			errs[r.index] = r.err
		case won:
			drop(r.answer)
		default:
			first, won = r.answer, true
			cancel()
		}
	}
	if won {
		return first, nil
	}
	return first, together(addrs, errs)
}

// each is race for answers that are nothing but good.
func each(ctx context.Context, addrs []netip.Addr, ask func(context.Context, netip.Addr) error) error {
	_, err := race(ctx, addrs, func(ctx context.Context, addr netip.Addr) (struct{}, error) {
		return struct{}{}, ask(ctx, addr)
	}, func(struct{}) {})
	return err
}

// together is what all addresses said; the address itself stands there only
// when there are several.
func together(addrs []netip.Addr, errs []error) error {
	if len(errs) == 1 {
		return errs[0]
	}
	parts := make([]string, len(errs))
	late := true
	for i, err := range errs {
		parts[i] = addrs[i].String() + ": " + err.Error()
		late = late && errors.Is(err, context.DeadlineExceeded)
	}
	text := strings.Join(parts, "; ")
	if late {
		return silent{text}
	}
	return errors.New(text)
}
