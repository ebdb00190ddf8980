package kernel

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/monitor"
	"holdfast/state"
)

// TestWatch makes one change of each sort, and waits for its notice. Nothing
// runs any more when the watch has ended.
func TestWatch(t *testing.T) {
	lab.Require(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	e := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var told engine.Change
	ready := make(chan struct{})
	first := sync.OnceFunc(func() { close(ready) })
	ended := make(chan error)
	go func() {
		ended <- e.Watch(ctx, func(c engine.Change) {
			first()
			mu.Lock()
			defer mu.Unlock()
			told.Add(c)
		})
	}()
	<-ready
	for _, c := range []struct {
		line string
		is   func(engine.Change) bool
	}{
		{"link add d0 type dummy", func(c engine.Change) bool { return c.Links }},
		{"link set d0 up", func(c engine.Change) bool { return c.Links }},
		{"address add 192.0.2.1/24 dev d0", func(c engine.Change) bool { return c.Addresses }},
		{"route add 198.51.100.0/24 via 192.0.2.2", func(c engine.Change) bool { return c.Routes }},
		{"-6 route add 2001:db8::/64 dev d0", func(c engine.Change) bool { return c.Routes }},
		{"rule add from 192.0.2.0/24 table 7", func(c engine.Change) bool { return c.Rules }},
		{"link del d0", func(c engine.Change) bool { return c.Links }},
	} {
		mu.Lock()
		told = engine.Change{}
		mu.Unlock()
		lab.IP(t, c.line)
		lab.Await(t, "a notice of: "+c.line, patience, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return c.is(told)
		})
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// told are the events of a monitor of the test's network.
type told struct {
	t      *testing.T
	reader *monitor.Subscription
	seen   []string
}

// watched starts a monitor and waits until it knows the host. Nothing of it may
// be left when the test ends.
func watched(t *testing.T, e *Engine, watch func(context.Context, func(engine.Change)) error) *told {
	t.Helper()
	m := monitor.New(monitor.Options{
		Show:  func(ctx context.Context) (*state.State, error) { return e.Show(ctx, engine.ShowOptions{}) },
		Watch: watch, Routes: e.RoutesTo,
	})
	others := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, others) }) // when the monitor has ended
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	w := &told{t: t, reader: m.Subscribe(100000)}
	w.await("ready")
	return w
}

// await reads events until one reads as text.
func (w *told) await(text string) monitor.Event {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	w.seen = nil
	for {
		e, err := w.reader.Next(ctx)
		if err != nil {
			w.t.Fatalf("waiting for %q: %v, after\n%s", text, err, strings.Join(w.seen, "\n"))
		}
		line := eventText(e)
		w.seen = append(w.seen, line)
		if line == text {
			return e
		}
	}
}

func eventText(e monitor.Event) string {
	words := []string{string(e.Kind), e.Object, e.Address, string(e.What), e.Key, e.From, e.To}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

// TestMonitorOfKernel changes the network as others would, step by step, and
// waits for what is told of it. The last event of each step is waited for: the
// ones named before it must have come before it, in that order.
func TestMonitorOfKernel(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	w := watched(t, e, e.Watch)
	for _, step := range []struct {
		lines string
		want  []string
	}{
		{"link add v0 type veth peer name v1", []string{"link v0 appeared down", "link v1 appeared down"}},
		{"link set v0 up; link set v1 up", []string{"carrier v0 up"}},
		{"address add 192.0.2.1/24 dev v0", []string{"address v0 192.0.2.1/24 added ready"}},
		{"route add 198.51.100.0/24 via 192.0.2.2 proto dhcp", []string{"route 198.51.100.0/24 via 192.0.2.2 dev v0 added"}},
		// The kernel says nothing of this route when its address goes.
		{"address del 192.0.2.1/24 dev v0", []string{"route 198.51.100.0/24 via 192.0.2.2 dev v0 removed", "address v0 192.0.2.1/24 removed ready"}},
		{"link set v1 down", []string{"carrier v0 down"}},
		{"link set v0 down", []string{"link v0 down up down"}},
		{"link set v0 name w0", []string{"link w0 renamed v0 w0"}},
		{"link set w0 mtu 1400", []string{"link w0 changed mtu 1500 1400"}},
		{"link add br0 type bridge; link set w0 master br0", []string{"link br0 appeared down", "link w0 changed controller br0"}},
		{"rule add from 192.0.2.0/24 table 7 priority 99", []string{"rule 99: from 192.0.2.0/24 lookup 7 added"}},
		{"link del w0", []string{"link v1 vanished down", "link w0 vanished down"}},
	} {
		for line := range strings.SplitSeq(step.lines, "; ") {
			lab.IP(t, line)
		}
		w.await(step.want[len(step.want)-1])
		at := -1
		for _, want := range step.want {
			found := slices.Index(w.seen, want)
			if found <= at {
				t.Fatalf("after %q: no %q in its place among\n%s", step.lines, want, strings.Join(w.seen, "\n"))
			}
			at = found
		}
	}
}

// TestMonitorOverflow makes so many links at once, while nobody reads the small
// buffer, that notices are lost: the host is shown anew, and every link is told.
func TestMonitorOverflow(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	const links = 2000
	var holding sync.RWMutex // held while the links are made
	w := watched(t, e, func(ctx context.Context, changed func(engine.Change)) error {
		return e.watch(ctx, 8<<10, func(c engine.Change) {
			holding.RLock()
			defer holding.RUnlock()
			changed(c)
		})
	})
	var batch strings.Builder
	for n := range links {
		fmt.Fprintf(&batch, "link add d%d type dummy\n", n)
	}
	file := filepath.Join(t.TempDir(), "batch")
	if err := os.WriteFile(file, []byte(batch.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	holding.Lock()
	func() {
		defer holding.Unlock()
		lab.IP(t, "-batch", file)
	}()
	w.await("resync")
	seen := slices.Clone(w.seen)
	for n := links; n > 0; {
		n = links
		for _, line := range seen {
			if strings.HasPrefix(line, "link d") && strings.HasSuffix(line, " appeared down") {
				n--
			}
		}
		if n > 0 {
			w.next(&seen)
		}
	}
	lab.IP(t, "link del d1999")
	w.await("link d1999 vanished down")
}

// next reads one event more.
func (w *told) next(seen *[]string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	e, err := w.reader.Next(ctx)
	if err != nil {
		w.t.Fatalf("%v after %d events, the last %q", err, len(*seen), (*seen)[max(0, len(*seen)-5):])
	}
	*seen = append(*seen, eventText(e))
}

// TestWatchedRoutes passes over what Show does not print, and finds it when
// asked for.
func TestWatchedRoutes(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	for _, line := range []string{
		"link add d0 type dummy", "link set d0 up", "address add 192.0.2.1/24 dev d0",
		"route add 198.51.100.0/24 via 192.0.2.2 proto bgp", "route add 203.0.113.0/24 via 192.0.2.3 proto bird",
	} {
		lab.IP(t, line)
	}
	shown, err := e.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range shown.Routes.Running {
		if r.Facts.Protocol == 12 || r.Facts.Protocol == 186 {
			t.Errorf("shown: %v", r)
		}
	}
	routes, err := e.RoutesTo(t.Context(), []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")})
	if err != nil || len(routes) != 1 {
		t.Fatalf("routes %v, error %v", routes, err)
	}
	if got := routes[0].String() + " " + engine.Protocol(routes[0].Facts.Protocol); got != "198.51.100.0/24 via 192.0.2.2 dev d0 bgp" {
		t.Errorf("got %s", got)
	}
}
