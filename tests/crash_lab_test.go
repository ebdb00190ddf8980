package tests

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/engine/kernel"
	"holdfast/lab"
)

// crashSample is how many moments are passed over between two that a process is
// killed at; HOLDFAST_CRASHES=1 kills at every single one, on every way.
const crashSample = 17

func TestCrashBuild(t *testing.T)     { toBuild().crashes(t, applies, 0) }
func TestCrashTearDown(t *testing.T)  { toTearDown().crashes(t, fails, 3) }
func TestCrashRearrange(t *testing.T) { toRearrange().crashes(t, confirms, 6) }
func TestCrashGuests(t *testing.T)    { toGuests().crashes(t, applies, 10) }
func TestCrashRecreate(t *testing.T)  { toRecreate().crashes(t, fails, 13) }

// crashes is a host on which a change is killed again and again.
type crashes struct {
	*testing.T
	rehearsal
	log *slog.Logger
	// before and after are the host without and with the change, and etc what
	// lies in /etc.
	before, after lab.HostPicture
	etc           []string
	// way back.
	engine *kernel.Engine
	back   []byte
	// first is the sequel that the first death has.
	first int
	// n counts deaths, by what became of the host.
	n        int
	outcomes map[string]int
}

// crashes kills the change at one moment after the other; a sample begins
// behind the first ones, and with another sequel.
func (r rehearsal) crashes(t *testing.T, way string, first int) {
	t.Helper()
	faultHost(t, r.host...)
	c := &crashes{
		T: t, first: first, rehearsal: r, before: settled(t), outcomes: map[string]int{}, etc: names(t, "/etc"),
		log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	crowded(t, c.before)
	c.rehearse()
	every := max(1, int(number("HOLDFAST_CRASHES", crashSample)))
	ways := []string{way}
	if every == 1 {
		ways = []string{applies, fails, confirms}
	}
	for _, way := range ways {
		start := time.Now()
		before := c.n
		for at, died := 1+first%every, true; died; at += every {
			died = c.crash(way, at)
		}
		t.Logf("a change that %s: %d deaths, %.0f s; so far %v", way, c.n-before, time.Since(start).Seconds(), c.outcomes)
	}
}

// rehearse makes the change without a crash, and takes it back.
func (c *crashes) rehearse() {
	e, err := kernel.Open(kernel.Options{RunDir: c.TempDir(), Logger: c.log})
	if err != nil {
		c.Fatal(err)
	}
	c.Cleanup(func() { _ = e.Close() })
	host, err := holdfast.Open(holdfast.Options{Carrier: e, StateDir: c.TempDir(), RunDir: c.TempDir()})
	if err != nil {
		c.Fatal(err)
	}
	draft, err := host.Plan(c.Context(), parse(c.T, c.document), holdfast.PlanOptions{Force: true})
	if err != nil {
		c.Fatal(err)
	}
	if len(draft.Plan.Steps) < large {
		c.Errorf("the plan has %d steps only", len(draft.Plan.Steps))
	}
	checkpoint, err := e.Checkpoint(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	checkpoint.Applied(draft.Plan)
	if c.back, err = checkpoint.Store(); err != nil {
		c.Fatal(err)
	}
	c.engine = e
	v := &victim{Dir: c.TempDir(), Way: applies, Guardian: watches}
	if where := c.run(v); where != "" {
		c.Fatalf("died without a bomb %s", where)
	}
	c.after = settled(c.T)
	c.clean(v)
	c.goBack()
}

// crash kills a process at a moment, and sees what becomes of the host; false
// when there is no such moment.
func (c *crashes) crash(way string, at int) bool {
	c.Helper()
	next := sequels[(at+c.n)%len(sequels)]
	if number("HOLDFAST_CRASHES", crashSample) != 1 {
		next = sequels[(c.n+c.first)%len(sequels)]
	}
	start := time.Now()
	v := &victim{Dir: c.TempDir(), Way: way, At: at, Guardian: next.guardian, GuardianAt: 1 + 7*c.n%20}
	where := c.run(v)
	if where == "" && next.guardian != alone {
		c.look(v)
		return false
	}
	c.n++
	what := fmt.Sprintf("moment %d of a change that %s, %s, and %s", at, way, where, next.name)
	crashed := time.Since(start)
	next.then(c, v)
	outcome := c.look(v)
	if c.Failed() {
		c.Fatalf("%s: the host is %s, and that is wrong", what, outcome)
	}
	c.outcomes[outcome]++
	c.Logf("%s: %s; %.1f s, %.1f s in all", what, outcome, crashed.Seconds(), time.Since(start).Seconds())
	if outcome == isNew {
		c.goBack()
	}
	return where != ""
}

// run runs a victim to its end, and tells where it died; empty if it did not.
func (c *crashes) run(v *victim) (where string) {
	c.Helper()
	if err := os.WriteFile(v.file("document"), []byte(c.document), 0o600); err != nil {
		c.Fatal(err)
	}
	role, err := json.Marshal(v)
	if err != nil {
		c.Fatal(err)
	}
	p := startProgram(c.T, func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), crashRole+"="+string(role)) })
	select {
	case <-p.ended:
	case <-time.After(hang):
		c.Fatalf("the victim does not end: %s", &p.err)
	}
	_, rest, hit := strings.Cut(p.err.String(), died)
	where, _, _ = strings.Cut(rest, "\n")
	status := p.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case hit && v.Guardian == alone && status.ExitStatus() == 0:
	case hit && status.Signaled() && status.Signal() == unix.SIGKILL:
	case !hit && status.ExitStatus() == 0:
	default:
		c.Fatalf("the victim ended with %v:\n%s", p.ProcessState, &p.err)
	}
	return where
}

// goBack brings the old host back.
func (c *crashes) goBack() {
	c.Helper()
	checkpoint, err := c.engine.Reopen(c.Context(), c.back)
	if err == nil {
		err = checkpoint.Rollback(c.Context())
	}
	if err != nil {
		c.Fatalf("back to the old host: %v", err)
	}
	c.before.Same(c.T, patience)
}
