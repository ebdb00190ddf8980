package enginetest

import (
	"context"
	"sync"
	"testing"
	"time"

	"holdfast/engine"
)

// watchChanges makes changes while the host is watched: each is told, and when
// the context ends so does the watch. An engine that cannot watch passes.
func watchChanges(t *testing.T, s *suite) {
	watcher, ok := s.engine.(engine.Watcher)
	if !ok {
		return
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var told engine.Change
	calls := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		ended <- watcher.Watch(ctx, func(c engine.Change) {
			mu.Lock()
			told.Add(c)
			mu.Unlock()
			select {
			case calls <- struct{}{}:
			default:
			}
		})
	}()
	late := time.After(patience)
	wait := func(what string, is func(engine.Change) bool) {
		for {
			select {
			case <-calls:
			case <-late:
				t.Fatalf("not told: %s", what)
			}
			mu.Lock()
			done := is(told)
			if done {
				told = engine.Change{}
			}
			mu.Unlock()
			if done {
				return
			}
		}
	}
	wait("that nothing is missed any more", func(engine.Change) bool { return true })
	s.reach(ctx, t, closed(t, Document{Name: "watched", YAML: `
interfaces: [{name: hf-a, type: dummy, state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]
routes: {config: [{destination: 198.51.100.0/24, next-hop-interface: hf-a, next-hop-address: 192.0.2.2}]}
`}))
	wait("a link with an address and a route", func(c engine.Change) bool { return c.Lost || c.Links && c.Addresses && c.Routes })
	s.reach(ctx, t, closed(t, Document{}))
	wait("that the link is gone", func(c engine.Change) bool { return c.Lost || c.Links })
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("watch: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("watch does not end with its context")
	}
}
