package server

import (
	"slices"
	"sync"
	"time"
)

// ears wait for clients to be heard again over a new connection (the probe
// client).
type ears struct {
	mu   sync.Mutex
	list []*ear
}

// ear waits for one client. Heard is sent to when it listens at that moment:
// what came before does not count.
type ear struct {
	identity string
	since    time.Time
	heard    chan struct{}
}

// listen waits for a client; forget must be called.
func (e *ears) listen(identity string) (heard <-chan struct{}, forget func()) {
	own := &ear{identity, time.Now(), make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.list = append(e.list, own)
	return own.heard, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.list = slices.DeleteFunc(e.list, func(x *ear) bool { return x == own })
	}
}

// hear tells that a client is there, over a connection that came at that time.
func (e *ears) hear(identity string, came time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.list {
		if x.identity == identity && came.After(x.since) {
			select {
			case x.heard <- struct{}{}:
			default:
			}
		}
	}
}
