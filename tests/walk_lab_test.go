package tests

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/lab"
)

// nics are the host's ends of four cables.
var nics = []string{"p1", "p2", "p3", "p4"}

// jumps is how many random jumps a test makes; HOLDFAST_JUMPS says otherwise.
const jumps = 20

// tries is how often something is done again that must make no event, in case
// the kernel makes one by itself.
const tries = 5

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
// not depend on the way. The three tests have seeds of their own, so that they
// are the same each time; HOLDFAST_SEED takes another way.
func TestWalkJumps(t *testing.T) {
	lab.Require(t)
	jump(t, 1)
}

func TestWalkJumpsFurther(t *testing.T) {
	lab.Require(t)
	jump(t, 2)
}

func TestWalkJumpsOn(t *testing.T) {
	lab.Require(t)
	jump(t, 3)
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
		result, err := host.Apply(t.Context(), c.state, holdfast.ApplyOptions{})
		if err != nil {
			t.Fatalf("%s again: %v", c.name, err)
		}
		if !result.Plan.Empty() {
			t.Fatalf("%s again had something to do:\n%+v", c.name, result.Plan.Steps)
		}
	}
	// A bond that asks ARP targets which do not answer changes its ports'
	// carrier for ever: its events are its own.
	if strings.Contains(c.name, "arp") {
		again()
		return
	}
	// A bridge's port makes an event of its own when its forward delay is over,
	// also without a spanning tree (br_forward_delay_timer_expired).
	lab.Quiet(t, tries, again)
}
