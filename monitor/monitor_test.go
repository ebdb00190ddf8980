package monitor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
	"holdfast/store"
)

// text is an event in a few words.
func text(e Event) string {
	words := []string{}
	for _, w := range []string{string(e.Kind), e.Object, e.Address, string(e.What), e.Key, e.From, e.To} {
		if w != "" && (w != string(Transaction) || e.Kind != Transaction) {
			words = append(words, w)
		}
	}
	line := strings.Join(words, " ")
	if e.Generation != 0 {
		line += fmt.Sprint(" ", e.Generation)
	}
	if e.Count != 0 {
		line += fmt.Sprint(" ", e.Count)
	}
	if e.Error != "" {
		line += ": " + e.Error
	}
	return line
}

// desk is a store in memory that tells of its changes.
type desk struct {
	mu      sync.Mutex
	pending *store.Journal
	entries []store.Entry
	newest  *store.Generation
	err     error
	changed func()
}

func (d *desk) Pending() (*store.Journal, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.pending, d.err
}

func (d *desk) Next() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.entries) + 1, d.err
}

func (d *desk) Since(number int) ([]store.Entry, []store.Damage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.entries[min(number, len(d.entries)):], nil, d.err
}

func (d *desk) Newest() (*store.Generation, []store.Damage, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.newest, nil, d.err
}

func (d *desk) notice(ctx context.Context, changed func()) error {
	d.mu.Lock()
	d.changed = changed
	d.mu.Unlock()
	changed()
	<-ctx.Done()
	return nil
}

// edit changes the store and tells.
func (d *desk) edit(how func()) {
	d.mu.Lock()
	how()
	changed := d.changed
	d.mu.Unlock()
	changed()
}

// stage is a host in memory, watched.
type stage struct {
	t       *testing.T
	memory  *enginetest.Memory
	desk    *desk
	monitor *Monitor
	shows   int
	fail    error
	mu      sync.Mutex // guards shows and fail
}

// play runs a test in a bubble of its own time, with a host that has eth0. What
// prepares the stage does so before the monitor runs.
func play(t *testing.T, do func(t *testing.T, s *stage), prepare ...func(*stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		current, err := state.Parse("host", []byte("interfaces: [{name: eth0, type: ethernet, state: up, ipv6: {enabled: false}}]"))
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{t: t, memory: enginetest.NewMemory(current), desk: &desk{}}
		s.monitor = New(Options{Show: s.show, Watch: s.memory.Watch, Store: s.desk, Notice: s.desk.notice, Period: time.Hour})
		for _, f := range prepare {
			f(s)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.monitor.Run(ctx) }()
		do(t, s)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
		reader := s.monitor.Subscribe(0)
		for err = nil; err == nil; {
			_, err = reader.Next(t.Context())
		}
		if !errors.Is(err, ErrClosed) {
			t.Errorf("a reader after the end gets %v", err)
		}
	})
}

func (s *stage) show(ctx context.Context) (*state.State, error) {
	s.mu.Lock()
	s.shows++
	err := s.fail
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.memory.Show(ctx, engine.ShowOptions{})
}

func (s *stage) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shows
}

// link makes a dummy, or removes it.
func (s *stage) link(name string, there bool) {
	s.t.Helper()
	i := &state.Interface{Name: name, Type: state.TypeDummy}
	step := plan.Step{Verb: plan.CreateLink, Object: name, Link: i}
	if !there {
		step.Verb = plan.RemoveLink
	}
	if err := s.memory.Edit(step); err != nil {
		s.t.Fatal(err)
	}
}

// rest lets time pass until a burst is over and told.
func rest() { time.Sleep(time.Second) }

// drain reads what waits.
func drain(t *testing.T, reader *Subscription) []string {
	t.Helper()
	var lines []string
	for {
		e, ok, err := reader.take()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return lines
		}
		lines = append(lines, text(e))
	}
}

func expect(t *testing.T, reader *Subscription, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, drain(t, reader)); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

// TestBurst shows the host once for changes that follow each other closely, and
// every quarter of a second while they do not end.
func TestBurst(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		rest()
		expect(t, reader, "ready")
		before := s.count()
		for n := range 3 {
			s.link(fmt.Sprint("d", n), true)
			time.Sleep(10 * time.Millisecond)
		}
		s.link("d1", false)
		rest()
		expect(t, reader, "link d0 appeared down", "link d2 appeared down")
		if shows := s.count() - before; shows != 1 {
			t.Errorf("shown %d times for one burst", shows)
		}
		for n := range 100 {
			s.link("flap", n%2 == 0)
			time.Sleep(10 * time.Millisecond)
		}
		rest()
		if shows := s.count() - before - 1; shows < 3 || shows > 6 {
			t.Errorf("shown %d times in a second of changes", shows)
		}
	})
}

// TestOverflow loses notices: the host is shown anew, and what differs is told
// behind a resync.
func TestOverflow(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		rest()
		s.link("d0", true)
		s.memory.Overflow()
		rest()
		expect(t, reader, "ready", "resync", "link d0 appeared down")
		s.memory.Overflow()
		rest()
		expect(t, reader, "resync")
	})
}

// TestSlowReader loses events of one reader only: it is told how many, and gets
// what differs from what it knows.
func TestSlowReader(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		slow, quick := s.monitor.Subscribe(2), s.monitor.Subscribe(0)
		rest()
		expect(t, slow, "ready")
		var want []string
		for n := range 4 {
			s.link(fmt.Sprint("d", n), true)
			rest()
			want = append(want, fmt.Sprint("link d", n, " appeared down"))
		}
		s.link("d3", false)
		rest()
		expect(t, quick, append(append([]string{"ready"}, want...), "link d3 vanished down")...)
		expect(t, slow, "link d0 appeared down", "link d1 appeared down", "lost 3", "resync", "link d2 appeared down")
		s.link("d4", true)
		rest()
		expect(t, slow, "link d4 appeared down")
		// One burst may be larger than the queue.
		for n := range 5 {
			s.link(fmt.Sprint("e", n), true)
		}
		rest()
		if got := drain(t, slow); len(got) != 5 {
			t.Errorf("got %v", got)
		}
		quick.Close()
		quick.Close()
		if _, err := quick.Next(t.Context()); !errors.Is(err, ErrClosed) {
			t.Errorf("a closed reader gets %v", err)
		}
	})
}

// TestNumbers are the same for all readers, and rise by one.
func TestNumbers(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a, b := s.monitor.Subscribe(0), s.monitor.Subscribe(0)
		rest()
		for n := range 3 {
			s.link(fmt.Sprint("d", n), true)
			rest()
		}
		for want := range uint64(4) {
			x, err := a.Next(t.Context())
			y, err2 := b.Next(t.Context())
			if err != nil || err2 != nil || x.Number != want || y.Number != want || x.Time.IsZero() {
				t.Errorf("event %d: %+v %+v %v %v", want, x, y, err, err2)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("waiting for nothing gives %v", err)
		}
	})
}

// TestTransactionOrder tells a phase before what was done in it, and the outcome
// after it. While a transaction is under way nothing is drift.
func TestTransactionOrder(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		rest()
		meta := store.Meta{Number: 1, Transaction: "abc"}
		s.desk.edit(func() { s.desk.pending = &store.Journal{Meta: meta, Phase: store.Applying} })
		s.link("d0", true)
		rest()
		late := s.monitor.Subscribe(0)
		expect(t, late, "ready", "abc applying 1")
		s.link("d1", true)
		want := host(t, "want", "interfaces: [{name: d0, type: dummy, state: up}]")
		s.desk.edit(func() {
			s.desk.pending = nil
			s.desk.entries = append(s.desk.entries, store.Entry{Meta: meta, Outcome: store.Applied})
			s.desk.newest = &store.Generation{Meta: meta, Running: want}
		})
		rest()
		expect(t, reader, "ready", "abc applying 1", "link d0 appeared down", "link d1 appeared down", "abc applied 1", "drift host began 1")
		expect(t, s.monitor.Subscribe(0), "ready 1", "drift host began 1")
		if err := s.memory.Edit(plan.Step{Verb: plan.SetUp, Object: "d0"}); err != nil {
			t.Fatal(err)
		}
		rest()
		expect(t, reader, "link d0 up down up", "carrier d0 up", "address d0 fe80::ff:fe00:3/64 added ready", "drift host ended 1")
	})
}

// TestTransactionsInARow tells the outcome of one before the phase of the next,
// even if there was no time to look at the host in between.
func TestTransactionsInARow(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		rest()
		for n, id := range []string{"a", "b", "c"} {
			meta := store.Meta{Number: n + 1, Transaction: id}
			s.desk.edit(func() { s.desk.pending = &store.Journal{Meta: meta, Phase: store.Prepared} })
			time.Sleep(time.Millisecond)
			s.link(id, true)
			s.desk.edit(func() {
				s.desk.pending = nil
				s.desk.entries = append(s.desk.entries, store.Entry{Meta: meta, Outcome: store.Applied})
			})
			time.Sleep(time.Millisecond)
		}
		rest()
		expect(t, reader, "ready",
			"a prepared 1", "a applied 1", "b prepared 2", "b applied 2", "c prepared 3",
			"link a appeared down", "link b appeared down", "link c appeared down", "c applied 3")
	})
}

// TestHiddenStore watches the host for those who may not read the store.
func TestHiddenStore(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		rest()
		s.link("d0", true)
		rest()
		expect(t, reader, "ready: transactions and drift are not told of: permission denied", "link d0 appeared down")
	}, func(s *stage) { s.desk.err = fs.ErrPermission })
}

// TestShowFails tries again, each time later, and gives up in the end.
func TestShowFails(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		rest()
		s.set(errors.New("out of memory"))
		s.link("d0", true)
		rest()
		s.set(nil)
		time.Sleep(time.Minute)
		expect(t, reader, "ready", "link d0 appeared down")
	})
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no such namespace")
		m := New(Options{Show: func(context.Context) (*state.State, error) { return nil, broken }})
		if err := m.Run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("run ended with %v", err)
		}
		watch := func(context.Context, func(engine.Change)) error { return broken }
		m = New(Options{Show: func(context.Context) (*state.State, error) { return &state.State{}, nil }, Watch: watch})
		if err := m.Run(t.Context()); !errors.Is(err, broken) {
			t.Errorf("run ended with %v", err)
		}
	})
}

func (s *stage) set(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = err
}

// TestPeriodOfBusyStore shows the host now and then also when the store never
// rests, and not more often than that.
func TestPeriodOfBusyStore(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		rest()
		before := s.count()
		for range 10 * 60 * 10 {
			s.desk.edit(func() {})
			time.Sleep(100 * time.Millisecond)
		}
		if shows := s.count() - before; shows < 9 || shows > 11 {
			t.Errorf("shown %d times in ten minutes", shows)
		}
	}, func(s *stage) { s.monitor.options.Period = time.Minute })
}

// TestSlowShow leaves a host alone that takes long to show.
func TestSlowShow(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		reader := s.monitor.Subscribe(0)
		time.Sleep(10 * time.Second)
		before := s.count()
		for n := range 100 {
			s.link(fmt.Sprint("d", n), true)
			time.Sleep(100 * time.Millisecond)
		}
		if shows := s.count() - before; shows < 2 || shows > 6 {
			t.Errorf("shown %d times in ten seconds", shows)
		}
		time.Sleep(10 * time.Second)
		if told := drain(t, reader); len(told) != 101 {
			t.Errorf("told %d events: %q", len(told), told)
		}
	}, func(s *stage) {
		show := s.monitor.options.Show
		s.monitor.options.Show = func(ctx context.Context) (*state.State, error) {
			time.Sleep(time.Second)
			return show(ctx)
		}
	})
}

// TestPeriod finds what brought no notice.
func TestPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := enginetest.NewMemory(&state.State{})
		m := New(Options{Show: func(ctx context.Context) (*state.State, error) { return memory.Show(ctx, engine.ShowOptions{}) }})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- m.Run(ctx) }()
		<-m.Ready()
		reader := m.Subscribe(0)
		s := &stage{t: t, memory: memory}
		s.link("d0", true)
		time.Sleep(3 * time.Second)
		m.Post(Event{Kind: Transaction, What: Step, Object: "abc"})
		expect(t, reader, "ready", "link d0 appeared down", "abc step")
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
