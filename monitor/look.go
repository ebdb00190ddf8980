package monitor

import (
	"context"
	"net/netip"
	"time"

	"holdfast/state"
)

// begin takes the store as it is for known. A store that cannot be read is told
// of by Ready, and the host is watched without it.
func (m *Monitor) begin() {
	if m.ledger == nil {
		return
	}
	if err := m.ledger.begin(); err != nil {
		m.limit(err)
	}
}

// limit goes on without the store.
func (m *Monitor) limit(err error) {
	if !hidden(err) {
		m.log.Warn("transactions and drift are not told of", "err", err)
	}
	m.ledger = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limited = "transactions and drift are not told of: " + err.Error()
}

// look shows the host, if a notice says that it may have changed, and tells in
// what it differs from before. Phases of transactions were told already (peek),
// so that they stand before what they did to the host; outcomes stand after it.
func (m *Monitor) look(ctx context.Context, n notice) error {
	if !n.host && m.current != nil {
		return nil
	}
	current, settled, err := m.show(ctx)
	if err != nil {
		return err
	}
	var events []Event
	if n.lost {
		events = append(events, Event{Kind: Resync})
	}
	if m.current != nil {
		events = append(events, Diff(m.current, current)...)
	}
	events = append(events, m.outcomes...)
	m.outcomes = nil
	if settled {
		events = append(events, m.compare(ctx, current)...)
	} else {
		m.notices.host(false)
	}
	m.publish(events, current)
	return nil
}

// settleTries is how often the host is shown anew because the store changed
// while it was shown.
const settleTries = 3

// show shows the host, and again when the store changed meanwhile: a host that
// was shown in the midst of a transaction that is over by now is not to be taken
// for drift. So the store is read without waiting for a notice, which may be late.
// settled is false when it never came to rest.
func (m *Monitor) show(ctx context.Context) (current *state.State, settled bool, err error) {
	for try := 1; ; try++ {
		start := time.Now()
		current, err = m.options.Show(ctx)
		m.shown = time.Now()
		m.took = m.shown.Sub(start)
		if err != nil {
			return nil, false, err
		}
		m.notices.takeStore()
		news := m.readStore()
		if !news || try == settleTries {
			return current, !news, nil
		}
	}
}

// peek looks into the store, if it may have changed.
func (m *Monitor) peek() {
	if m.options.Notice == nil || m.notices.takeStore() {
		m.readStore()
	}
}

// readStore looks into the store, and tells of phases at once: they are short.
// What else is new waits for the next look at the host. It tells whether there
// was anything.
func (m *Monitor) readStore() bool {
	if m.ledger == nil {
		return false
	}
	changing := m.ledger.changing()
	n, err := m.ledger.look()
	switch {
	case err == nil:
	case hidden(err):
		m.limit(err)
	default: // it is read again with the next notice
		m.log.Warn("the state directory could not be read", "err", err)
	}
	m.outcomes = append(m.outcomes, n.outcomes...)
	if len(n.phases) > 0 {
		m.publish(append(m.earlier(n.phases[0].Generation), n.phases...), nil)
	}
	if len(n.outcomes) > 0 || m.ledger != nil && m.ledger.changing() != changing {
		m.notices.host(false)
	}
	return !n.empty()
}

// earlier takes out the outcomes of the transactions before one: the next one
// begins after them, even if the host was not looked at in between.
func (m *Monitor) earlier(number int) []Event {
	var before, rest []Event
	for _, e := range m.outcomes {
		if e.Generation < number {
			before = append(before, e)
		} else {
			rest = append(rest, e)
		}
	}
	m.outcomes = rest
	return before
}

// compare tells of drift. While a transaction changes the host there is none
// that could be told from its doings.
func (m *Monitor) compare(ctx context.Context, current *state.State) []Event {
	if m.ledger == nil || m.ledger.changing() {
		return nil
	}
	var differences []Difference
	if newest := m.ledger.newest; newest != nil {
		differences = drifted(newest.Running, current)
	}
	return m.drift.next(m.ledger.generation(), differences, func(to []netip.Prefix) []*state.Route {
		if m.options.Routes == nil {
			return nil
		}
		routes, err := m.options.Routes(ctx, to)
		if err != nil {
			m.log.Warn("who made the routes that are there instead is not known", "err", err)
		}
		return routes
	})
}

// publish numbers events and hands them to the subscribers, with the host as it
// is after them; nil is as before.
func (m *Monitor) publish(events []Event, current *state.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.current == nil
	if current != nil {
		m.current = current
	}
	if first && m.current == nil {
		return
	}
	m.standing, m.generation = nil, 0
	if m.ledger != nil {
		m.standing, m.generation = append(m.ledger.present(), m.drift.present()...), m.ledger.generation()
	}
	if first { // whoever waits learns what there is, not what came
		close(m.ready)
		events = nil
	}
	now := m.options.Now()
	for i := range events {
		m.number++
		events[i].Number, events[i].Time = m.number, now.Round(time.Microsecond)
	}
	for _, s := range m.subscriptions {
		s.deliver(events, m.current)
	}
}

// Post tells of something that the monitor cannot see by itself, such as a step
// of a transaction that this process carries out. It keeps the order: what was
// found before was told before.
func (m *Monitor) Post(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.current == nil {
		return
	}
	m.number++
	e.Number, e.Time = m.number, m.options.Now()
	for _, s := range m.subscriptions {
		s.deliver([]Event{e}, m.current)
	}
}

// readyEvent begins a subscription.
func (m *Monitor) readyEvent() Event {
	return Event{Kind: Ready, Generation: m.generation, Error: m.limited}
}

// present is what who comes late is told of.
func (m *Monitor) present() []Event { return m.standing }
