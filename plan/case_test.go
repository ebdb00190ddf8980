package plan_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"

	"os"
)

var update = flag.Bool("update", false, "rewrite the expected plans")

// TestCases makes the plan of every case in testdata, compares it with the one
// that is written there, and carries it out on a host in memory: afterwards
// everything is as asked for, and there is nothing left to do.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d cases, error %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(file), "testdata/"), ".txtar")
		t.Run(name, func(t *testing.T) { runCase(t, file) })
	}
}

// planCase is one case: what is there, what is asked for, and what follows.
type planCase struct {
	archive          *txtar.Archive
	current, desired *state.State
	options          plan.Options
	// partial cases are not carried out, or leave something to do.
	partial bool
}

func runCase(t *testing.T, file string) {
	c := readCase(t, file)
	got := c.run(t)
	if *update {
		c.set("plan", got)
		if err := os.WriteFile(file, txtar.Format(c.archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(c.get("plan"), got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func readCase(t *testing.T, file string) *planCase {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &planCase{archive: archive}
	c.current = parse(t, "current.yml", c.get("current.yml"))
	c.desired = parse(t, "desired.yml", c.get("desired.yml"))
	if c.get("before.yml") == "" {
		for line := range strings.Lines(c.get("facts")) {
			setFact(t, c.current, strings.Fields(line))
		}
	}
	for word := range strings.FieldsSeq(c.get("options")) {
		switch word {
		case "force":
			c.options.Force = true
		case "partial":
			c.partial = true
		default:
			t.Fatalf("option %q", word)
		}
	}
	return c
}

func parse(t *testing.T, name, text string) *state.State {
	t.Helper()
	s, err := state.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// setFact sets what a document cannot say: "tap0 foreign" and so on.
func setFact(t *testing.T, s *state.State, words []string) {
	t.Helper()
	if words[0] == "route" || words[0] == "rule" || words[0] == "address" {
		setObjectFact(t, s, words)
		return
	}
	i := s.Find(words[0])
	if i == nil {
		t.Fatalf("facts: no interface %s", words[0])
	}
	if i.Facts == nil {
		i.Facts = &state.Facts{Physical: i.Type == state.TypeEthernet, AdminUp: i.State != state.Down, Carrier: true}
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "foreign":
			i.Facts.Foreign = true
		case "owned":
			i.Facts.Owned = true
		case "session":
			i.Facts.Session = true
		case "manager":
			i.Facts.Manager = value
		case "pinned":
			i.Facts.MACPinned = true
		case "quiet":
			zero := int32(0)
			i.Facts.NoAddrGen, i.Facts.AcceptRA = true, &zero
		default:
			t.Fatalf("fact %q", word)
		}
	}
}

// setObjectFact makes an address, route or rule foreign: "route 10.0.0.0/8
// 186" with its protocol, "address 192.0.2.5 foreign", "rule 100 4".
func setObjectFact(t *testing.T, s *state.State, words []string) {
	t.Helper()
	found := false
	var protocol uint8
	_, _ = fmt.Sscan(words[2], &protocol)
	switch words[0] {
	case "route":
		for _, r := range slices.Concat(s.Routes.Config, s.Routes.Running) {
			if r.Destination.String() == words[1] {
				r.Facts, found = &state.RouteFacts{Protocol: protocol, Foreign: true}, true
			}
		}
	case "rule":
		for _, r := range s.Rules.Config {
			if r.Priority != nil && fmt.Sprint(*r.Priority) == words[1] {
				r.Facts, found = &state.RuleFacts{Protocol: protocol, Foreign: true}, true
			}
		}
	case "address":
		for _, i := range s.Interfaces {
			for _, ip := range []*state.IP{ip4(i), ip6(i)} {
				for n := range ip.Address {
					if ip.Address[n].IP.String() == words[1] {
						ip.Address[n].Facts, found = &state.AddressFacts{Foreign: true}, true
					}
				}
			}
		}
	}
	if !found {
		t.Fatalf("facts: no %s %s", words[0], words[1])
	}
}

func ip4(i *state.Interface) *state.IP {
	if i.IPv4 == nil {
		return &state.IP{}
	}
	return &i.IPv4.IP
}

func ip6(i *state.Interface) *state.IP {
	if i.IPv6 == nil {
		return &state.IP{}
	}
	return &i.IPv6.IP
}

func (c *planCase) get(name string) string {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (c *planCase) set(name, text string) {
	for n := range c.archive.Files {
		if c.archive.Files[n].Name == name {
			c.archive.Files[n].Data = []byte(text)
			return
		}
	}
	c.archive.Files = append(c.archive.Files, txtar.File{Name: name, Data: []byte(text)})
}

// host is the host of the case: as current.yml says, or, if there is a
// before.yml, made of that by a plan to current.yml.
func (c *planCase) host(t *testing.T) *enginetest.Memory {
	t.Helper()
	before := c.get("before.yml")
	if before == "" {
		return enginetest.NewMemory(c.current)
	}
	start := parse(t, "before.yml", before)
	for line := range strings.Lines(c.get("facts")) {
		setFact(t, start, strings.Fields(line))
	}
	memory := enginetest.NewMemory(start)
	p, err := makePlan(t, memory, c.current, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	carryOut(t, memory, p)
	return memory
}

// run makes the plan, checks it in all ways that need no expectation, and
// gives its text.
func (c *planCase) run(t *testing.T) string {
	t.Helper()
	memory := c.host(t)
	p, err := makePlan(t, memory, c.desired, c.options)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	if again := c.shuffled(t); again != planText(t, p)+string(p.JSON()) {
		t.Errorf("another order of the input makes another plan (-first +second):\n%s", cmp.Diff(planText(t, p)+string(p.JSON()), again))
	}
	checkOrder(t, p)
	if !c.partial {
		carryOut(t, memory, p)
		second, err := makePlan(t, memory, c.desired, c.options)
		if err != nil {
			t.Fatal(err)
		}
		if !second.Empty() {
			t.Errorf("the second plan is not empty:\n%s", planText(t, second))
		}
	}
	return planText(t, p)
}

// makePlan plans from what the engine shows.
func makePlan(t *testing.T, e engine.Engine, desired *state.State, options plan.Options) (*plan.Plan, error) {
	t.Helper()
	current, err := e.Show(context.Background(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := desired.Validate(); err != nil {
		return nil, err
	}
	target, err := state.Merge(current, desired)
	if err != nil {
		return nil, err
	}
	if err := state.ValidateTarget(target, current); err != nil {
		return nil, err
	}
	return plan.Make(current, target, options)
}

// carryOut applies the plan and expects that everything is as asked for.
func carryOut(t *testing.T, e engine.Engine, p *plan.Plan) {
	t.Helper()
	if err := e.Apply(context.Background(), p, nil); err != nil {
		step := ""
		if failed, ok := errors.AsType[*engine.StepError](err); ok {
			step = fmt.Sprintf(" (step %d, %s)", failed.Index, failed.Step.Verb)
		}
		t.Fatalf("apply: %v%s\n%s", err, step, planText(t, p))
	}
	result, err := e.Show(context.Background(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range plan.Mismatches(p, result) {
		if !m.Minor {
			t.Errorf("afterwards: %s\n%s", m, planText(t, p))
		}
	}
}

// checkOrder checks that levels never fall and that needs come before.
func checkOrder(t *testing.T, p *plan.Plan) {
	t.Helper()
	for n, s := range p.Steps {
		if n > 0 && s.Level < p.Steps[n-1].Level {
			t.Errorf("step %d: level %d after %d", n, s.Level, p.Steps[n-1].Level)
		}
		for _, need := range s.Needs {
			if need < 0 || need >= n || p.Steps[need].Level >= s.Level {
				t.Errorf("step %d of level %d needs step %d", n, s.Level, need)
			}
		}
		if s.Why == "" || s.Impact == "" || s.Object == "" {
			t.Errorf("step %d says too little: %+v", n, s)
		}
	}
}

// shuffled is the plan's text when both inputs come in another order.
func (c *planCase) shuffled(t *testing.T) string {
	t.Helper()
	random := rand.New(rand.NewSource(1))
	desired := c.desired.Clone()
	memory := c.host(t)
	show, err := memory.Show(context.Background(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	random.Shuffle(len(show.Interfaces), func(i, j int) {
		show.Interfaces[i], show.Interfaces[j] = show.Interfaces[j], show.Interfaces[i]
	})
	slices.Reverse(show.Routes.Config)
	slices.Reverse(show.Rules.Config)
	target, err := state.Merge(show, desired)
	if err != nil {
		t.Fatal(err)
	}
	if err := state.ValidateTarget(target, show); err != nil {
		t.Fatal(err)
	}
	p, err := plan.Make(show, target, c.options)
	if err != nil {
		t.Fatal(err)
	}
	return planText(t, p) + string(p.JSON())
}

// planText is the plan for people, and the order of its steps below.
func planText(t *testing.T, p *plan.Plan) string {
	t.Helper()
	var out bytes.Buffer
	if err := plan.Render(&out, p, plan.RenderOptions{}); err != nil {
		t.Fatal(err)
	}
	if p.Empty() {
		return out.String()
	}
	level := -1
	for _, s := range p.Steps {
		if s.Level != level {
			level = s.Level
			fmt.Fprintf(&out, "\n%d:", level)
		}
		fmt.Fprintf(&out, " [%s %s]", s.Verb, s.Object)
	}
	out.WriteString("\n")
	return out.String()
}
