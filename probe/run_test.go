package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/state"
)

// script is a host in the words of time: from when on (since the test began)
// it answers, and what it says until then. Without words it says nothing at
// all, and a try lasts until its limit.
type script struct {
	from time.Duration
	says error
}

// permanentError is one that no other try helps against.
type permanentError struct{ error }

func (permanentError) Permanent() bool { return true }

const never = time.Hour

// run runs probes of the scripted hosts, in the bubble's time, and gives the
// answers as lines, with the time that the whole took.
func run(t *testing.T, hosts map[string]script, limit, patience time.Duration, texts ...string) string {
	t.Helper()
	start := time.Now()
	ask := func(ctx context.Context, target Spec) error {
		host := hosts[target.Host]
		wait := host.from - time.Since(start)
		if wait <= 0 {
			return nil
		}
		if host.says != nil {
			return host.says
		}
		select {
		case <-time.After(wait):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var specs []Spec
	for _, text := range texts {
		specs = append(specs, parse(t, text))
	}
	reported := 0
	runner := Runner{
		Asks:     map[Kind]Ask{Ping: ask, ARP: ask, TCP: ask},
		Now:      time.Now,
		Patience: patience,
		Report:   func(Answer) { reported++ },
	}
	var b strings.Builder
	for _, a := range runner.Run(t.Context(), specs, nil, limit) {
		fmt.Fprintln(&b, a)
	}
	if n := strings.Count(b.String(), "\n"); n != reported {
		t.Errorf("%d answers, %d reported", n, reported)
	}
	fmt.Fprintf(&b, "after %v\n", time.Since(start))
	return b.String()
}

func TestRun(t *testing.T) {
	refused := errors.New("connection refused")
	for _, tt := range []struct {
		name            string
		hosts           map[string]script
		limit, patience time.Duration
		probes          []string
		want            string
	}{
		{"all at once", map[string]script{"b": {from: 2 * time.Second}}, 0, 0, []string{"ping:a", "ping:b", "tcp:b:22"}, `
ping:a: ok (0s)
ping:b: ok (2s)
tcp:b:22: ok (2s)
after 2s`},
		{"retries", map[string]script{"a": {from: never}, "b": {never, refused}, "c": {from: 7 * time.Second}}, 0, 0,
			[]string{"ping:a,timeout=2s,retries=1", "ping:b", "ping:c,retries=1"}, `
ping:a: no answer within 2s (5s, 2 tries)
ping:b: connection refused (2s, 3 tries)
ping:c: ok (7s, 2 tries)
after 7s`},
		{"a limit for all", map[string]script{"a": {from: never}, "b": {never, refused}}, 3500 * time.Millisecond, 0,
			[]string{"ping:a", "ping:b,retries=50", "ping:c"}, `
ping:a: the time for all probes is over (3.5s)
ping:b: connection refused (3s, 4 tries)
ping:c: ok (0s)
after 3.5s`},
		{"patience", map[string]script{"a": {33 * time.Second, refused}, "b": {never, refused}}, 0, 40 * time.Second,
			[]string{"ping:a", "ping:b,retries=0"}, `
ping:a: ok (33s, 34 tries)
ping:b: connection refused (40s, 41 tries)
after 40s`},
		{"permanent", map[string]script{"a": {never, fmt.Errorf("wrapped: %w", permanentError{refused})}}, 0, time.Minute,
			[]string{"ping:a"}, `
ping:a: wrapped: connection refused (0s)
after 0s`},
		{"late words", map[string]script{"a": {never, fmt.Errorf("192.0.2.53 gives no answer%w", quiet{})}}, 0, 0,
			[]string{"ping:a,retries=0"}, `
ping:a: 192.0.2.53 gives no answer within 5s (0s)
after 0s`},
		{"what nobody asks", nil, 0, 0, []string{"gateway", "client", "http:a"}, `
gateway: there is no default gateway (0s)
client: there is no connection of the one who asked to wait for (0s)
http:http://a: probes of this kind cannot be asked here (0s)
after 0s`},
		{"nothing", nil, 0, 0, nil, "\nafter 0s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := run(t, tt.hosts, tt.limit, tt.patience, tt.probes...)
				if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n")+"\n", got); diff != "" {
					t.Errorf("answers (-want +got)\n%s", diff)
				}
			})
		})
	}
}

// quiet is a deadline that was exceeded, without words of its own.
type quiet struct{}

func (quiet) Error() string        { return "" }
func (quiet) Is(target error) bool { return target == context.DeadlineExceeded }

func TestRunInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		runner := Runner{Asks: map[Kind]Ask{Client: Heard(nil)}, Now: time.Now}
		time.AfterFunc(2*time.Second, cancel)
		got := runner.Run(ctx, []Spec{parse(t, "client")}, nil, 0)
		if want := "client: interrupted (2s)"; got[0].String() != want {
			t.Errorf("%s, want %s", got[0], want)
		}
	})
}

func TestHeard(t *testing.T) {
	connections := make(chan struct{}, 1)
	runner := Runner{Asks: map[Kind]Ask{Client: Heard(connections)}, Now: time.Now}
	connections <- struct{}{}
	if got := runner.Run(t.Context(), []Spec{parse(t, "client")}, nil, 0); !got[0].OK {
		t.Error(got[0])
	}
}

func TestRunGateways(t *testing.T) {
	on, err := state.Parse("current", []byte(`
routes:
  running:
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.1, next-hop-interface: br0}
  - {destination: "::/0", next-hop-address: "fe80::1", next-hop-interface: br0}
`))
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan string, 2)
	runner := Runner{Now: time.Now, Asks: map[Kind]Ask{ARP: func(_ context.Context, target Spec) error {
		asked <- target.String()
		return nil
	}}}
	answers := runner.Run(t.Context(), []Spec{parse(t, "gateway")}, on, 0)
	close(asked)
	var got []string
	for target := range asked {
		got = append(got, target)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"arp:192.0.2.1%br0", "arp:fe80::1%br0"}, got); diff != "" || len(answers) != 2 {
		t.Errorf("%d answers, asked (-want +got)\n%s", len(answers), diff)
	}
}

// TestRunAfter holds that what failed before costs no time after.
func TestRunAfter(t *testing.T) {
	var asked atomic.Int32
	ask := func(context.Context, Spec) error { asked.Add(1); return nil }
	before := answers(t, "ok ping:a\nfail ping:b?\nok gateway -> arp:192.0.2.1%eth0\nfail gateway -> arp:fe80::1%eth0")
	on := &state.State{Routes: &state.Routes{Running: []*state.Route{
		defaultRoute("0.0.0.0/0", "192.0.2.1"), defaultRoute("::/0", "fe80::1"), defaultRoute("::/0", "fe80::2"),
	}}}
	runner := Runner{Asks: map[Kind]Ask{Ping: ask, ARP: ask}, Now: time.Now, Before: before}
	var got []string
	for _, a := range runner.Run(t.Context(), []Spec{before[0].Spec, before[1].Spec, before[2].Spec, parse(t, "ping:new")}, on, 0) {
		got = append(got, a.Label())
	}
	want := []string{"ping:a", "gateway 192.0.2.1%br0", "gateway fe80::2%br0"}
	if diff := cmp.Diff(want, got); diff != "" || int(asked.Load()) != len(want) {
		t.Errorf("%d asked (-want +got)\n%s", asked.Load(), diff)
	}
}

func defaultRoute(destination, gateway string) *state.Route {
	hop, link := netip.MustParseAddr(gateway), "br0"
	return &state.Route{Destination: netip.MustParsePrefix(destination), NextHopAddress: &hop, NextHopInterface: &link}
}

func TestBudget(t *testing.T) {
	specs := []Spec{parse(t, "ping:a,timeout=4s,retries=0"), parse(t, "tcp:a:1,timeout=1s,retries=3"), parse(t, "gateway")}
	if got, want := Budget(specs), 11*time.Second; got != want {
		t.Errorf("budget %v, want %v", got, want)
	}
	if got := Budget(nil); got != 0 {
		t.Errorf("budget of nothing %v", got)
	}
}

func TestJoin(t *testing.T) {
	explicit := []Spec{parse(t, "ping:a?"), parse(t, "ping:a"), parse(t, "gateway")}
	defaults := []Spec{parse(t, "gateway,timeout=1s"), parse(t, "ping:b")}
	var got []string
	for _, s := range Join(explicit, defaults) {
		got = append(got, fmt.Sprintf("%s %v", s, s.Default))
	}
	if diff := cmp.Diff([]string{"ping:a? false", "gateway false", "ping:b true"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSpecAsJSON(t *testing.T) {
	want := []Spec{parse(t, "tcp:[fe80::1%br0]:22,timeout=1m?"), parse(t, "gateway")}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(text), `["tcp:[fe80::1%br0]:22,timeout=1m?","gateway"]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	var got []Spec
	if err := json.Unmarshal(text, &got); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, want %v, error %v", got, want, err)
	}
	if err := json.Unmarshal([]byte(`["nothing"]`), &got); err == nil {
		t.Error("no error for a probe that is none")
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"no answer":                 "no answer",
		"exit code 3: a\x1b[31m\nb": "exit code 3: a [31m b",
		"bad \xff byte":             "bad ? byte",
		strings.Repeat("ü", 400):    strings.Repeat("ü", 300) + "…",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTimesForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0s",
		123456:                  "123µs",
		1234567:                 "1.23ms",
		1500 * time.Millisecond: "1.5s",
		12345678901:             "12.3s",
		1234 * time.Second:      "20m34s",
	} {
		if got := round(d).String(); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}
