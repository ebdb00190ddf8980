package monitor

import (
	"context"
	"errors"
	"slices"

	"holdfast/state"
)

// ErrClosed says that a subscription, or the monitor itself, has ended.
var ErrClosed = errors.New("the monitor has ended")

// DefaultQueue is how many events wait for a subscriber that asks for none.
const DefaultQueue = 1024

// Subscription is one reader of events. A reader that is too slow loses the
// newest events, and is told so: it gets a Lost event with their count, then a
// Resync and what differs from the host as it knows it. Next is for one
// goroutine at a time.
type Subscription struct {
	monitor *Monitor
	limit   int
	wake    chan struct{} // holds one; nobody closes it

	// The monitor's lock guards what follows.
	queue []Event
	ready bool
	// lost counts events that did not find room since the queue was full;
	// known is the host as the queue's events leave it.
	lost  int
	known *state.State
	ended bool
}

// Subscribe adds a reader; limit is how many events may wait for it at most,
// DefaultQueue for 0. A queue that is empty takes any number of events that
// happened at once. The first event is Ready, followed by the transaction that
// is pending and the drift that there is. Close ends it.
func (m *Monitor) Subscribe(limit int) *Subscription {
	if limit <= 0 {
		limit = DefaultQueue
	}
	s := &Subscription{monitor: m, limit: limit, wake: make(chan struct{}, 1)}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscriptions = append(m.subscriptions, s)
	s.ended = m.ended
	s.start()
	return s
}

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() {
	m := s.monitor
	m.mu.Lock()
	defer m.mu.Unlock()
	m.subscriptions = slices.DeleteFunc(m.subscriptions, func(o *Subscription) bool { return o == s })
	s.ended, s.queue, s.lost, s.known = true, nil, 0, nil
	s.poke()
}

// Next waits for the next event. It gives ctx's error when that ends, and
// ErrClosed after Close, or when the monitor has ended and its last events were
// taken.
func (s *Subscription) Next(ctx context.Context) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, err
		}
		if e, ok, err := s.take(); ok || err != nil {
			return e, err
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		}
	}
}

// take takes an event from the queue, if there is one.
func (s *Subscription) take() (e Event, ok bool, err error) {
	s.monitor.mu.Lock()
	defer s.monitor.mu.Unlock()
	if len(s.queue) == 0 && s.lost > 0 {
		s.resync()
	}
	switch {
	case len(s.queue) > 0:
		e, s.queue = s.queue[0], s.queue[1:]
		return e, true, nil
	case s.ended:
		return Event{}, false, ErrClosed
	}
	return Event{}, false, nil
}

// start begins the subscription once the monitor knows the host.
func (s *Subscription) start() {
	m := s.monitor
	if s.ready || m.current == nil {
		return
	}
	s.ready, s.known = true, m.current
	s.put(append([]Event{m.readyEvent()}, m.present()...))
}

// deliver hands a batch of events to the reader, all of them or none: known
// stays what the reader knows.
func (s *Subscription) deliver(events []Event, current *state.State) {
	if !s.ready {
		s.start()
		return
	}
	if s.lost > 0 || len(s.queue) > 0 && len(s.queue)+len(events) > s.limit {
		s.lost += len(events)
		return
	}
	s.known = current
	s.put(events)
}

// put queues events; those without a number get that of the event before.
func (s *Subscription) put(events []Event) {
	for _, e := range events {
		if e.Number == 0 {
			e.Number, e.Time = s.monitor.number, s.monitor.options.Now()
		}
		s.queue = append(s.queue, e)
	}
	if len(events) > 0 {
		s.poke()
	}
}

// resync tells a reader that lost events what it does not know.
func (s *Subscription) resync() {
	m := s.monitor
	events := []Event{{Kind: Lost, Count: s.lost}, {Kind: Resync}}
	events = append(events, Diff(s.known, m.current)...)
	s.lost, s.known = 0, m.current
	s.put(append(events, m.present()...))
}

func (s *Subscription) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
