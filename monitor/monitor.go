package monitor

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"holdfast/engine"
	"holdfast/state"
)

// Options say what a monitor watches, and how patient it is.
type Options struct {
	// Show reads the host. It must be there.
	Show func(context.Context) (*state.State, error)
	// Watch tells that the host changed (engine.Watcher); nil looks every Period
	// only.
	Watch func(context.Context, func(engine.Change)) error
	// Routes gives the routes to some destinations, also those that Show leaves
	// out, with who made them (engine.RouteFinder); nil knows those of Show only.
	Routes func(context.Context, []netip.Prefix) ([]*state.Route, error)
	// Store is where transactions are read; nil tells nothing of them, and of no
	// drift.
	Store Store
	// Notice calls its argument at once, and whenever the store may have
	// changed, until the context ends; nil looks into it together with the host.
	Notice func(context.Context, func()) error
	// Quiet is how long nothing must change before the host is shown; 50 ms if 0.
	Quiet time.Duration
	// AtMost is how long a burst of changes may last before the host is shown
	// all the same; 250 ms if 0.
	AtMost time.Duration
	// Period is how often the host is shown without any notice, since not
	// everything brings one: 15 s if 0, or longer where showing takes long.
	Period time.Duration
	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// Logger is told what cannot be read; nil is nobody.
	Logger *slog.Logger
}

// Monitor watches one host for any number of subscribers. All that is told is
// found by one goroutine, so that it has one order.
type Monitor struct {
	options Options
	log     *slog.Logger
	ready   chan struct{} // closed by Run when the host is known
	notices notices

	// Run's goroutine has these.
	ledger *ledger
	drift  driftState
	// outcomes are those of transactions that wait to be told behind what they
	// did to the host.
	outcomes []Event
	shown    time.Time     // when the host was shown last
	took     time.Duration // to show it
	fails    int           // looks in a row that failed

	mu            sync.Mutex // guards what follows
	subscriptions []*Subscription
	current       *state.State // nil before the first look
	number        uint64
	standing      []Event // what who comes late is told of transactions and drift
	generation    int
	limited       string // why the store is not told of
	ended         bool
}

// New makes a monitor; Run starts it.
func New(options Options) *Monitor {
	set := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	set(&options.Quiet, 50*time.Millisecond)
	set(&options.AtMost, 250*time.Millisecond)
	if options.Watch == nil {
		set(&options.Period, time.Second)
	}
	set(&options.Period, 15*time.Second)
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Monitor{
		options: options, log: options.Logger,
		ready: make(chan struct{}), notices: notices{wake: make(chan struct{}, 1)},
	}
	if options.Store != nil {
		m.ledger = &ledger{store: options.Store}
	}
	return m
}

// String names the task.
func (m *Monitor) String() string { return "monitor" }

// Ready is closed when the host is known, and changes are not missed any more.
func (m *Monitor) Ready() <-chan struct{} { return m.ready }

// Run watches until ctx ends, and returns nil then. It may be called once.
// Whatever it started has ended when it returns, and so have the
// subscriptions. An error says that the host cannot be watched or shown.
func (m *Monitor) Run(parent context.Context) error {
	defer m.end()
	ctx, cancel := context.WithCancelCause(parent)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel(nil)
	watching := make(chan struct{})
	tasks.Go(func() { m.watch(ctx, cancel, sync.OnceFunc(func() { close(watching) })) })
	tasks.Go(func() { m.notice(ctx) })
	select {
	case <-ctx.Done():
	case <-watching:
		m.follow(ctx, cancel)
	}
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// watch notes what the engine tells; first is called when nothing is missed any
// more.
func (m *Monitor) watch(ctx context.Context, cancel context.CancelCauseFunc, first func()) {
	if m.options.Watch == nil {
		first()
		return
	}
	err := m.options.Watch(ctx, func(c engine.Change) {
		first()
		if c != (engine.Change{}) {
			m.notices.host(c.Lost)
		}
	})
	if err == nil && ctx.Err() == nil {
		err = errors.New("the engine stopped watching")
	}
	cancel(err)
}

// notice notes that the store may have changed.
func (m *Monitor) notice(ctx context.Context) {
	if m.options.Notice == nil || m.options.Store == nil {
		return
	}
	if err := m.options.Notice(ctx, m.notices.store); err != nil {
		m.log.Warn("changes of the state directory are noticed late", "err", err)
	}
}

// end ends the subscriptions.
func (m *Monitor) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	for _, s := range m.subscriptions {
		s.ended = true
		s.poke()
	}
}

// follow looks whenever there is a reason to, until ctx ends.
func (m *Monitor) follow(ctx context.Context, cancel context.CancelCauseFunc) {
	m.begin()
	m.notices.host(false)
	for m.await(ctx) {
		n := m.notices.take()
		err := m.look(ctx, n)
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			m.fails = 0
		case m.fails == maxFails:
			cancel(err)
			return
		default:
			m.fails++
			m.log.Warn("the host could not be shown", "err", err)
			m.notices.again(n)
		}
	}
}

// maxFails is how many looks in a row may fail: each waits longer than the one
// before, half a minute in all.
const maxFails = 6

// await waits until the host is to be shown; false when ctx ended. Phases of
// transactions are told meanwhile.
func (m *Monitor) await(ctx context.Context) bool {
	if m.fails > 0 && !m.sleep(ctx, 250*time.Millisecond<<m.fails, nil) {
		return false
	}
	if m.current == nil {
		return ctx.Err() == nil
	}
	free := m.shown.Add(m.pause())
	due := m.shown.Add(max(m.options.Period, 50*m.took))
	for m.peek(); time.Now().Before(free) || !m.notices.waiting(); m.peek() {
		next := due
		if m.notices.waiting() || due.Before(free) {
			next = free
		}
		if !m.sleep(ctx, time.Until(next), m.notices.wake) {
			return false
		}
		if !time.Now().Before(due) {
			m.notices.host(false)
		}
	}
	return m.settle(ctx)
}

// pause is how long the host is left alone after it was shown. Showing a large
// one takes long: watching is to take half of a processor at most, and a tenth
// while a transaction wants to get on.
func (m *Monitor) pause() time.Duration {
	share := time.Duration(1)
	if m.ledger != nil && m.ledger.changing() {
		share = 9
	}
	return min(share*m.took, 5*time.Second)
}

// settle waits until nothing changes any more, or for too long.
func (m *Monitor) settle(ctx context.Context) bool {
	m.notices.stirred()
	deadline := time.Now().Add(m.options.AtMost)
	for m.sleep(ctx, min(m.options.Quiet, time.Until(deadline)), m.notices.wake) {
		m.peek()
		if !time.Now().Before(deadline) || !m.notices.stirred() {
			return true
		}
	}
	return false
}

// sleep waits until d has passed or somebody wakes it; false when ctx ended.
func (m *Monitor) sleep(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return true
}
