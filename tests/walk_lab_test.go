package tests

import (
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/lab"
	"holdfast/state"
)

// nics are the host's ends of four cables.
var nics = []string{"p1", "p2", "p3", "p4"}

// jumps is how many random jumps a test makes; HOLDFAST_JUMPS says otherwise.
const jumps = 20

// TestWalk takes the host from each state to the next. After each change an
// independent reader must find what the state says, and a second apply must
// have nothing to do and make no event.
func TestWalk(t *testing.T) {
	lab.Require(t)
	lab.Wire(t, lab.Wiring{NICs: nics})
	host := openHost(t)
	for _, s := range loadWalk(t) {
		step(t, host, s)
	}
}

// TestWalkJumps takes the host from state to state at random: the result must
// not depend on the way. The two tests have seeds of their own, so that they
// are the same each time; HOLDFAST_SEED takes another way.
func TestWalkJumps(t *testing.T) {
	lab.Require(t)
	jump(t, 1)
}

func TestWalkJumpsFurther(t *testing.T) {
	lab.Require(t)
	jump(t, 2)
}

// jump goes to states at random, each way decided by the seed.
func jump(t *testing.T, fixed uint64) {
	t.Helper()
	lab.Wire(t, lab.Wiring{NICs: nics})
	walk := loadWalk(t)
	host := openHost(t)
	seed := number("HOLDFAST_SEED", fixed)
	t.Logf("HOLDFAST_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range number("HOLDFAST_JUMPS", jumps) {
		step(t, host, walk[random.IntN(len(walk))])
	}
}

// number is a variable of the environment, or what stands for it.
func number(name string, fallback uint64) uint64 {
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		return fallback
	}
	return n
}

// openHost opens the host under test with a run directory of its own.
func openHost(t *testing.T) *holdfast.Host {
	t.Helper()
	log := slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	host, err := holdfast.Open(holdfast.Options{RunDir: t.TempDir(), StateDir: t.TempDir(), Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return host
}

// testWriter logs what is written to it.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(b)))
	return len(b), nil
}

// A closed state says something of everything that any state of the walk
// mentions: what it does not have is absent, and a NIC that it does not use is
// up and bare.
type closed struct {
	name  string
	state *state.State
}

// loadWalk reads the states and closes them.
func loadWalk(t *testing.T) []closed {
	t.Helper()
	files, err := filepath.Glob("testdata/walk/*.yml")
	if err != nil || len(files) < 25 {
		t.Fatalf("%d states, %v", len(files), err)
	}
	only := os.Getenv("HOLDFAST_STATE")
	var walk []closed
	everything := map[string]state.Type{}
	var routes []*state.Route
	var rules []*state.Rule
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := state.Parse(file, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range s.Interfaces {
			everything[i.Name] = i.Type
		}
		if s.Routes != nil {
			routes = append(routes, s.Routes.Config...)
		}
		if s.Rules != nil {
			rules = append(rules, s.Rules.Config...)
		}
		walk = append(walk, closed{strings.TrimSuffix(filepath.Base(file), ".yml"), s})
	}
	for _, c := range walk {
		closeState(t, c.state, everything)
		closeRoutes(c.state, routes, rules)
	}
	if only != "" {
		walk = slices.DeleteFunc(walk, func(c closed) bool { return !strings.Contains(c.name, only) })
	}
	return walk
}

// closeState adds what the state does not mention.
func closeState(t *testing.T, s *state.State, everything map[string]state.Type) {
	t.Helper()
	ports := portsOf(s)
	var extra strings.Builder
	extra.WriteString("interfaces:\n")
	for _, name := range slices.Sorted(maps.Keys(everything)) {
		if s.Find(name) == nil && !slices.Contains(nics, name) {
			fmt.Fprintf(&extra, "- {name: %s, type: %s, state: absent}\n", name, everything[name])
		}
	}
	for _, nic := range nics {
		switch {
		case ports[nic] || s.Find(nic) != nil:
		default:
			fmt.Fprintf(&extra, "- {name: %s, type: veth, state: up, mtu: 1500, controller: '', ipv4: {enabled: false}, ipv6: {enabled: false}}\n", nic)
		}
	}
	more, err := state.Parse("closure", []byte(extra.String()))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range s.Interfaces {
		closeInterface(i, ports)
	}
	s.Interfaces = append(s.Interfaces, more.Interfaces...)
}

// portsOf names the ports of all controllers of a state.
func portsOf(s *state.State) map[string]bool {
	ports := map[string]bool{}
	for _, i := range s.Interfaces {
		if i.Bond != nil {
			for _, port := range i.Bond.Port {
				ports[port] = true
			}
		}
		if i.Bridge != nil {
			for _, port := range i.Bridge.Port {
				ports[port.Name] = true
			}
		}
	}
	return ports
}

// closeInterface says what a state left to what was there before: a VLAN's
// protocol, and the MTU, the controller and the stacks of what is no port.
func closeInterface(i *state.Interface, ports map[string]bool) {
	if i.VLAN != nil && i.VLAN.Protocol == "" {
		i.VLAN.Protocol = state.Dot1Q
	}
	if ports[i.Name] {
		return
	}
	none, mtu, off := "", uint32(1500), false
	if i.MTU == nil {
		i.MTU = &mtu
	}
	if i.Controller == nil {
		i.Controller = &none
	}
	if i.IPv4 == nil {
		i.IPv4 = &state.IPv4{IP: state.IP{Enabled: &off}}
	}
	if i.IPv6 == nil {
		i.IPv6 = &state.IPv6{IP: state.IP{Enabled: &off}}
	}
}

// closeRoutes removes the other states' routes and rules first; what the state
// has itself comes after and stays.
func closeRoutes(s *state.State, routes []*state.Route, rules []*state.Rule) {
	own := *s
	s.Routes, s.Rules = &state.Routes{}, &state.Rules{}
	for _, r := range routes {
		s.Routes.Config = append(s.Routes.Config, &state.Route{
			State: state.Absent, Destination: r.Destination, NextHopInterface: r.NextHopInterface, TableID: r.TableID,
		})
	}
	for _, r := range rules {
		gone := *r
		gone.State = state.Absent
		s.Rules.Config = append(s.Rules.Config, &gone)
	}
	if own.Routes != nil {
		s.Routes.Config = append(s.Routes.Config, own.Routes.Config...)
	}
	if own.Rules != nil {
		s.Rules.Config = append(s.Rules.Config, own.Rules.Config...)
	}
}

// step applies one state and looks at what became of it.
func step(t *testing.T, host *holdfast.Host, c closed) {
	t.Helper()
	result, err := host.Apply(t.Context(), c.state, holdfast.ApplyOptions{})
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	t.Logf("%s: %d steps", c.name, len(result.Plan.Steps))
	want := expected(c.state)
	if !lab.Eventually(0, func() bool { return cmp.Equal(want, found(t, want)) }) {
		t.Fatalf("%s (-want +found)\n%s", c.name, cmp.Diff(want, found(t, want)))
	}
	again := func() {
		draft, err := host.Plan(t.Context(), c.state, holdfast.PlanOptions{})
		if err != nil {
			t.Fatalf("%s again: %v", c.name, err)
		}
		if !draft.Plan.Empty() {
			t.Fatalf("%s again has something to do:\n%+v", c.name, draft.Plan.Steps)
		}
		if _, err := host.Apply(t.Context(), c.state, holdfast.ApplyOptions{}); err != nil {
			t.Fatalf("%s again: %v", c.name, err)
		}
	}
	// A bond that asks ARP targets which do not answer changes its ports'
	// carrier for ever: its events are its own.
	if strings.Contains(c.name, "arp") {
		again()
		return
	}
	lab.Quiet(t, 3, again)
}
