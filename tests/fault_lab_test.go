package tests

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"holdfast"
	"holdfast/engine"
	"holdfast/engine/kernel"
	"holdfast/lab"
	"holdfast/plan"
)

// errInjected is what a step fails with that the test lets fail.
var errInjected = errors.New("let fail by the test")

// injected is the verb of a step that no engine can do.
const injected plan.Verb = "injected"

// A faulty engine carries a plan out up to one step and fails there, as the
// kernel engine does when the kernel refuses something: what comes after the
// last step is not done.
type faulty struct {
	*kernel.Engine
	failAt int
	// level carries out all others of the step's level, also those behind it:
	// their messages are sent together, and the kernel refuses one of them.
	level bool
	// crash has the checkpoint stored, and given back by another engine, before
	// the rollback.
	crash  bool
	runDir string
	log    *slog.Logger
	// total is how many steps the plan had; 0 until Apply was called.
	total int
}

// Apply fails at the step, the first time only: repairs may go through.
func (f *faulty) Apply(ctx context.Context, p *plan.Plan, progress func(engine.Progress)) error {
	first := f.total == 0
	f.total = len(p.Steps)
	if !first || f.failAt >= f.total {
		return f.Engine.Apply(ctx, p, progress)
	}
	cut := *p
	cut.Steps = f.cut(p.Steps)
	err := f.Engine.Apply(ctx, &cut, progress)
	var failed *engine.StepError
	if !errors.As(err, &failed) || failed.Step.Verb != injected {
		return fmt.Errorf("before the injected fault: %w", err)
	}
	return &engine.StepError{Index: f.failAt, Step: &p.Steps[f.failAt], Err: &engine.Error{Op: "test", Kind: engine.Internal, Err: errInjected}}
}

// cut gives the steps that are carried out, and the one that cannot be in a
// level of its own behind them.
func (f *faulty) cut(steps []plan.Step) []plan.Step {
	level := steps[f.failAt].Level
	list := slices.Clone(steps[:f.failAt])
	for _, s := range steps[f.failAt+1:] {
		if f.level && s.Level == level {
			list = append(list, s)
		}
	}
	return append(list, plan.Step{Verb: injected, Level: level + 1})
}

// Checkpoint gives one that survives a crash.
func (f *faulty) Checkpoint(ctx context.Context) (engine.Checkpoint, error) {
	c, err := f.Engine.Checkpoint(ctx)
	if err != nil || !f.crash {
		return c, err
	}
	return &crashing{Checkpoint: c, options: kernel.Options{RunDir: f.runDir, Logger: f.log}}, nil
}

// way tells how the step fails.
func (f *faulty) way() string {
	words := "the steps before it done"
	if f.level {
		words = "the others of its level done"
	}
	if f.crash {
		words += ", rolled back by another engine"
	}
	return words
}

// crashing is a checkpoint that goes through its stored form.
type crashing struct {
	engine.Checkpoint
	options kernel.Options
}

// Rollback is done by an engine that knows nothing but what was stored.
func (c *crashing) Rollback(ctx context.Context) error {
	stored, err := c.Store()
	if err != nil {
		return err
	}
	other, err := kernel.Open(c.options)
	if err != nil {
		return err
	}
	again, err := other.Reopen(ctx, stored)
	if err == nil {
		err = again.Rollback(ctx)
	}
	return errors.Join(err, other.Close())
}

// sample is how many steps are passed over between two that are let fail;
// HOLDFAST_FAULTS=1 lets every single one fail.
const sample = 6

// large is how many steps a plan must have here.
const large = 20

// patience is how long a host may take to be as before: the spanning tree,
// bonds and duplicate detection take their time.
const patience = 2 * time.Minute

// faults lets a document fail at one step after the other, and looks each time
// whether the host is as it was: by what ip, bridge and tc tell, but for what
// lab.Volatile lists.
func (r rehearsal) faults(t *testing.T) {
	t.Helper()
	faultHost(t, r.host...)
	runDir := t.TempDir()
	before := settled(t)
	crowded(t, before)
	log := slog.New(slog.NewTextHandler(testWriter{t}, nil))
	every := max(1, int(number("HOLDFAST_FAULTS", sample)))
	for at, n := 0, 0; ; at, n = at+every, n+1 {
		e, err := kernel.Open(kernel.Options{RunDir: runDir, Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		f := &faulty{Engine: e, failAt: at, level: n/2%2 == 1, crash: n%2 == 1, runDir: runDir, log: log}
		done := fault(t, f, r.document, before)
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if done {
			if f.total < large {
				t.Errorf("the plan has %d steps only", f.total)
			}
			t.Logf("the host was as before after %d faults in a plan of %d steps", n, f.total)
			return
		}
	}
}

// settled waits until nothing on the host is under way any more, and pictures
// it: until every link that can have a carrier has it, duplicate detection is
// over, and two pictures in a row are the same.
func settled(t *testing.T) lab.HostPicture {
	t.Helper()
	lab.Await(t, "carrier on all links but guests' taps", patience, func() bool {
		for line := range strings.Lines(lab.IP(t, "-o link show up")) {
			if strings.Contains(line, "NO-CARRIER") && !strings.Contains(line, "tap") {
				return false
			}
		}
		return true
	})
	lab.Await(t, "the end of duplicate detection", patience, func() bool { return lab.IP(t, "-6 address show tentative") == "" })
	last := lab.Picture(t)
	lab.Await(t, "two pictures in a row that are the same", patience, func() bool {
		next := lab.Picture(t)
		same := lab.Diff(last, next) == ""
		last = next
		return same
	})
	return last
}

// crowded makes sure that there is on the host what a rollback must bring back
// although the schema does not know it.
func crowded(t *testing.T, before lab.HostPicture) {
	t.Helper()
	text := fmt.Sprint(before)
	for _, word := range []string{"type:tap", "isolated:true", "learning:false", "02:00:00:00:00:99", "htb", "clsact", "protocol:bgp", "protocol:zebra"} {
		if !strings.Contains(text, word) {
			t.Errorf("there is no %s on the host", word)
		}
	}
}

// fault makes one attempt; done is set when there was no step left to fail.
func fault(t *testing.T, f *faulty, document string, before lab.HostPicture) (done bool) {
	t.Helper()
	start := time.Now()
	host, err := holdfast.Open(holdfast.Options{Carrier: f, StateDir: t.TempDir(), RunDir: f.runDir})
	if err != nil {
		t.Fatal(err)
	}
	result, err := host.Apply(t.Context(), parse(t, document), holdfast.ApplyOptions{Force: true})
	took := time.Since(start)
	if f.failAt >= f.total {
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return true
	}
	where := fmt.Sprintf("step %d (%s)", f.failAt, f.way())
	if result != nil && result.Plan != nil {
		s := result.Plan.Steps[f.failAt]
		where = fmt.Sprintf("step %d, %s %s (%s)", f.failAt, s.Verb, s.Object, f.way())
	}
	if !errors.Is(err, errInjected) {
		t.Fatalf("%s: %v", where, err)
	}
	if result.Outcome != holdfast.RolledBack {
		t.Fatalf("%s: outcome %s: %v", where, result.Outcome, err)
	}
	var difference string
	asBefore := func() bool { difference = lab.Diff(before, lab.Picture(t)); return difference == "" }
	if !lab.Eventually(patience, asBefore) {
		t.Fatalf("%s: the host is not as before (-before +after)\n%s", where, difference)
	}
	t.Logf("%s: rolled back after %.1f s, seen to be as before after %.1f s", where, took.Seconds(), time.Since(start).Seconds())
	return false
}

// faultHost wires four NICs and runs ip(8) or another program for each line. The
// switch passes nothing between them: with two of them in one bridge or bond
// frames would go round for ever, and duplicate detection would hear itself.
func faultHost(t *testing.T, lines ...[]string) {
	t.Helper()
	lab.Require(t)
	wires := lab.Wire(t, lab.Wiring{NICs: nics})
	for _, port := range wires.Ports {
		wires.Run(t, "bridge", "link", "set", "dev", port, "isolated", "on")
	}
	for i, nic := range nics {
		lab.IP(t, "link", "set", nic, "address", fmt.Sprintf("02:00:00:00:01:%02x", i+1), "up")
	}
	for _, line := range lines {
		lab.Run(t, line...)
	}
}

// words splits lines.
func words(lines ...string) [][]string {
	var all [][]string
	for _, line := range lines {
		all = append(all, strings.Fields(line))
	}
	return all
}

// MACs of guests' taps: a bridge takes the lowest of its ports', so that one
// of them gives the bridge its own and the other does not.
const (
	leading   = "02:00:00:00:00:10"
	following = "fe:54:00:00:00:10"
)

// guest puts a guest's tap on a bridge, with what a hypervisor sets on it.
func guest(tap, bridge, mac string) [][]string {
	return words(
		"ip tuntap add "+tap+" mode tap",
		"ip link set "+tap+" address "+mac,
		"ip link set "+tap+" alias guest txqueuelen 700 master "+bridge+" up",
		"bridge link set dev "+tap+" isolated on mcast_flood off",
		"bridge fdb add 02:00:00:00:00:55 dev "+tap+" master static",
		"tc qdisc add dev "+tap+" clsact",
		"tc filter add dev "+tap+" ingress protocol all prio 3 matchall action pass",
		"sysctl -qw net.ipv6.conf."+tap+".accept_ra=0",
	)
}

// tuned gives a bridge's port what its administrator may: flags, a static
// forwarding entry, a queueing discipline with a class and a filter, and
// sysctls.
func tuned(port string) [][]string {
	return words(
		"bridge link set dev "+port+" learning off",
		"bridge fdb add 02:00:00:00:00:99 dev "+port+" master static",
		"tc qdisc add dev "+port+" root handle 1: htb default 10",
		"tc class add dev "+port+" parent 1: classid 1:10 htb rate 500mbit",
		"tc filter add dev "+port+" parent 1: protocol ip prio 1 u32 match ip dst 203.0.113.7/32 flowid 1:10",
		"sysctl -qw net.ipv4.conf."+port+".rp_filter=2",
	)
}

// routed gives a link with 192.0.2.1/24 what routing daemons and others put
// there: routes, rules, a next hop object, a permanent neighbour, an address
// that ends some day, and sysctls.
func routed(link string) [][]string {
	return words(
		"ip address add 192.0.2.50/24 dev "+link+" valid_lft 90000 preferred_lft 80000",
		"ip route add 203.0.113.0/24 via 192.0.2.253 proto bgp",
		"ip route add 203.0.114.0/24 via 192.0.2.253 dev "+link+" proto zebra table 88 metric 20",
		"ip nexthop add id 30 via 192.0.2.252 dev "+link+" protocol zebra",
		"ip route add 198.18.30.0/24 nhid 30 proto zebra",
		"ip rule add from 203.0.113.0/24 table 88 priority 900 protocol zebra",
		"ip neighbour add 192.0.2.77 lladdr 02:00:00:00:00:77 dev "+link+" nud permanent",
		"sysctl -qw net.ipv4.conf."+link+".arp_ignore=1 net.ipv6.conf."+link+".hop_limit=33",
	)
}
