package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

// patience bounds one Apply of a test: emulation is slow.
const patience = 3 * time.Minute

// openTest opens an engine for the test's network.
func openTest(t *testing.T) *Engine {
	t.Helper()
	e, err := Open(Options{RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// steps makes a plan with one level for each step.
func steps(list ...plan.Step) *plan.Plan {
	levels := make([][]plan.Step, len(list))
	for i, s := range list {
		levels[i] = []plan.Step{s}
	}
	return levelled(levels...)
}

// levelled makes a plan of levels.
func levelled(levels ...[]plan.Step) *plan.Plan {
	p := &plan.Plan{}
	for n, level := range levels {
		for _, s := range level {
			s.Level = n
			if s.Type == "" && s.Link != nil {
				s.Type = s.Link.Type
			}
			p.Steps = append(p.Steps, s)
		}
	}
	return p
}

// apply applies a plan that must work.
func apply(t *testing.T, e *Engine, p *plan.Plan) {
	t.Helper()
	if err := tryApply(t, e, p); err != nil {
		t.Fatalf("apply: %v", err)
	}
}

func tryApply(t *testing.T, e *Engine, p *plan.Plan) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return e.Apply(ctx, p, nil)
}

// refused applies a plan that must fail at its nth step, and gives the fault.
func refused(t *testing.T, e *Engine, p *plan.Plan, n int) *engine.Error {
	t.Helper()
	err := tryApply(t, e, p)
	var step *engine.StepError
	if !errors.As(err, &step) {
		t.Fatalf("apply: %v, want a *engine.StepError", err)
	}
	if step.Index != n || step.Step != &p.Steps[n] {
		t.Fatalf("apply failed at step %d (%v), want %d", step.Index, err, n)
	}
	var fault *engine.Error
	if !errors.As(err, &fault) {
		t.Fatalf("apply: %v, want an *engine.Error inside", err)
	}
	return fault
}

// ip reads what ip(8) prints as JSON.
func ip(t *testing.T, args ...string) []map[string]any {
	t.Helper()
	out := lab.Run(t, append([]string{"ip", "-j", "-d"}, args...)...)
	var list []map[string]any
	if strings.TrimSpace(out) == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatalf("ip %v: %v\n%s", args, err, out)
	}
	full := list[:0]
	for _, o := range list {
		if len(o) > 0 {
			full = append(full, o)
		}
	}
	return full
}

// look finds a value in what ip(8) prints of one link: "linkinfo.info_data.mode".
func look(t *testing.T, link, path string) any {
	t.Helper()
	list := ip(t, "link", "show", "dev", link)
	if len(list) != 1 {
		t.Fatalf("ip knows %d links %q", len(list), link)
	}
	var v any = list[0]
	for key := range strings.SplitSeq(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// expect compares values that ip(8) prints of a link, by their text.
func expect(t *testing.T, link string, want map[string]any) {
	t.Helper()
	for path, value := range want {
		if got := look(t, link, path); fmt.Sprint(got) != fmt.Sprint(value) {
			t.Errorf("%s: %s is %v, want %v", link, path, got, value)
		}
	}
}

// isThere tells whether the test's network has a link of that name.
func isThere(link string) bool {
	_, err := lab.Try("ip", "link", "show", "dev", link)
	return err == nil
}

func create(i *state.Interface) plan.Step {
	return plan.Step{Verb: plan.CreateLink, Object: i.Name, Link: i}
}

func verb(v plan.Verb, name string) plan.Step { return plan.Step{Verb: v, Object: name} }

func dummyLink(name string) *state.Interface {
	return &state.Interface{Name: name, Type: state.TypeDummy}
}

func TestCreateEachKind(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	vlan := &state.Interface{Name: "b0.100", Type: state.TypeVLAN, MTU: new(uint32(1400)), VLAN: &state.VLAN{
		BaseIface: "b0", ID: new(uint16(100)), Protocol: state.Dot1AD, ReorderHeaders: new(false), LooseBinding: new(true),
		RegistrationProtocol: "gvrp", IngressQoSMap: []state.QoSMap{{From: 1, To: 5}}, EgressQoSMap: []state.QoSMap{{From: 6, To: 2}},
	}}
	apply(t, e, levelled(
		[]plan.Step{
			create(&state.Interface{Name: "d0", Type: state.TypeDummy, MAC: "02:00:00:00:00:01", MTU: new(uint32(9000))}),
			create(&state.Interface{Name: "v0", Type: state.TypeVeth, MAC: "02:00:00:00:00:02", Veth: &state.Veth{Peer: "v1"}}),
			create(&state.Interface{Name: "b0", Type: state.TypeBond, MAC: "02:00:00:00:00:03", Bond: &state.Bond{Mode: state.ActiveBackup}}),
			create(&state.Interface{Name: "br0", Type: state.TypeBridge, MAC: "02:00:00:00:00:04", MTU: new(uint32(1500))}),
		},
		[]plan.Step{
			create(vlan),
			{Verb: plan.CreateLink, Object: "d1", Link: dummyLink("d1"), Controller: "br0"},
			{Verb: plan.CreateLink, Object: "d2", Link: dummyLink("d2"), Controller: "b0"},
		},
	))
	expect(t, "d0", map[string]any{"address": "02:00:00:00:00:01", "mtu": 9000, "linkinfo.info_kind": "dummy"})
	expect(t, "v0", map[string]any{"address": "02:00:00:00:00:02", "link": "v1", "linkinfo.info_kind": "veth"})
	expect(t, "v1", map[string]any{"link": "v0"})
	expect(t, "b0", map[string]any{"address": "02:00:00:00:00:03", "linkinfo.info_data.mode": "active-backup"})
	expect(t, "br0", map[string]any{"address": "02:00:00:00:00:04", "mtu": 1500})
	expect(t, "b0.100", map[string]any{
		"link": "b0", "mtu": 1400, "linkinfo.info_data.id": 100, "linkinfo.info_data.protocol": "802.1ad",
		"linkinfo.info_data.flags":       []string{"GVRP", "LOOSE_BINDING"},
		"linkinfo.info_data.ingress_qos": []any{map[string]any{"from": 1, "to": 5}},
		"linkinfo.info_data.egress_qos":  []any{map[string]any{"from": 6, "to": 2}},
	})
	expect(t, "d1", map[string]any{"master": "br0"})
	expect(t, "d2", map[string]any{"master": "b0"})
	for _, name := range []string{"d0", "v0", "v1", "br0", "b0.100"} {
		if flags := fmt.Sprint(look(t, name, "flags")); strings.Contains(flags, "UP") {
			t.Errorf("%s was created up: %s", name, flags)
		}
		if index := look(t, name, "ifindex").(float64); index < lowestChosen {
			t.Errorf("%s has the number %v, which was not chosen", name, index)
		}
	}
}

func TestBridgeMTUIsPinned(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	apply(t, e, levelled(
		[]plan.Step{create(&state.Interface{Name: "br0", Type: state.TypeBridge, MTU: new(uint32(1500))})},
		[]plan.Step{{Verb: plan.CreateLink, Object: "d0", Link: &state.Interface{Name: "d0", Type: state.TypeDummy, MTU: new(uint32(9000))}, Controller: "br0"}},
	))
	expect(t, "br0", map[string]any{"mtu": 1500})
	lab.IP(t, "link add br1 type bridge")
	i := &state.Interface{Name: "br1", Type: state.TypeBridge, MTU: new(uint32(1500))}
	apply(t, e, steps(plan.Step{Verb: plan.ChangeLink, Object: "br1", Link: i, Was: i, Keys: []string{plan.KeyMTU}}))
	lab.IP(t, "link add d1 mtu 9000 master br1 type dummy")
	expect(t, "br1", map[string]any{"mtu": 1500})
}

func TestUnknownTypeIsRefused(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	fault := refused(t, e, steps(create(dummyLink("d0")), create(&state.Interface{Name: "eth7", Type: state.TypeEthernet})), 1)
	if fault.Kind != engine.Unsupported || fault.Object != "eth7" {
		t.Errorf("fault %+v", fault)
	}
}

func TestEmptyPlanWritesNothing(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.Quiet(t, 3, func() { apply(t, e, &plan.Plan{}) }, "link", "address", "route", "rule")
	if n := e.Writes(); n != 0 {
		t.Errorf("an empty plan made %d writes", n)
	}
}

func TestNumberCollision(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	// The numbers that will be chosen are taken behind the engine's back: after
	// its dump, which is simulated by a table that does not know them.
	e.last.at = lowestChosen + 1000
	for i := range 3 {
		lab.IP(t, fmt.Sprintf("link add taken%d index %d type dummy", i, lowestChosen+1001+i))
	}
	p := levelled([]plan.Step{
		create(&state.Interface{Name: "br0", Type: state.TypeBridge, MTU: new(uint32(1400))}),
		create(&state.Interface{Name: "v0", Type: state.TypeVeth, Veth: &state.Veth{Peer: "v1"}}),
		create(dummyLink("d0")),
	}, []plan.Step{verb(plan.SetUp, "br0"), verb(plan.SetUp, "v1"), verb(plan.SetUp, "d0")})
	r := &run{e: e, plan: p, links: newLinkTable(nil, &e.last)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := r.level(ctx, 0, 3); err != nil {
		t.Fatal(err)
	}
	if err := r.level(ctx, 3, 6); err != nil {
		t.Fatal(err)
	}
	expect(t, "br0", map[string]any{"mtu": 1400})
	for i := range 3 {
		expect(t, fmt.Sprintf("taken%d", i), map[string]any{"mtu": 1500, "promiscuity": 0, "operstate": "DOWN"})
	}
	for _, name := range []string{"br0", "v1", "d0"} {
		if flags := fmt.Sprint(look(t, name, "flags")); !strings.Contains(flags, "UP") {
			t.Errorf("%s is not up: %s", name, flags)
		}
	}
}

func TestNameConflict(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	fault := refused(t, e, steps(create(dummyLink("d0"))), 0)
	if fault.Kind != engine.Conflict || !errors.Is(fault, unix.EEXIST) || fault.Object != "d0" {
		t.Errorf("fault %+v", fault)
	}
}

func TestOldNumberComesBack(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add v0 index 77 type veth peer name v1 index 78")
	v0 := &state.Interface{Name: "v0", Type: state.TypeVeth, Veth: &state.Veth{Peer: "v1"}, Facts: &state.Facts{Index: 77}}
	v1 := &state.Interface{Name: "v1", Type: state.TypeVeth, Veth: &state.Veth{Peer: "v0"}, Facts: &state.Facts{Index: 78}}
	p := steps(verb(plan.RemoveLink, "v0"), create(v0))
	p.Current = &state.State{Interfaces: []*state.Interface{v0, v1}}
	apply(t, e, p)
	expect(t, "v0", map[string]any{"ifindex": 77})
	expect(t, "v1", map[string]any{"ifindex": 78})
	p.Current = nil
	p.Target = &state.State{Interfaces: []*state.Interface{v0, v1}}
	apply(t, e, p)
	expect(t, "v1", map[string]any{"ifindex": 78})
}

func TestPromiscuousAndMAC(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	i := &state.Interface{Name: "d0", Type: state.TypeDummy, MAC: "02:00:00:00:00:77", Promiscuous: new(true), MTU: new(uint32(1600))}
	apply(t, e, steps(create(dummyLink("d0")), plan.Step{
		Verb: plan.ChangeLink, Object: "d0", Link: i, Keys: []string{plan.KeyPromiscuous, plan.KeyMAC, plan.KeyMTU},
	}))
	expect(t, "d0", map[string]any{"address": "02:00:00:00:00:77", "promiscuity": 1, "mtu": 1600})
	i.Promiscuous = new(false)
	apply(t, e, steps(plan.Step{Verb: plan.ChangeLink, Object: "d0", Link: i, Keys: []string{plan.KeyPromiscuous}}))
	expect(t, "d0", map[string]any{"promiscuity": 0})
	i.MTU = new(uint32(70000))
	lab.IP(t, "link add link d0 name d0.1 type vlan id 1")
	fault := refused(t, e, steps(plan.Step{Verb: plan.ChangeLink, Object: "d0.1", Type: state.TypeVLAN, Link: i, Keys: []string{plan.KeyMTU}}), 0)
	if fault.Op != "set mtu 70000" || !strings.HasPrefix(fault.Error(), "d0.1: set mtu 70000: ") {
		t.Errorf("fault %+v", fault)
	}
}

func TestRemoveAsGroup(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add base type dummy")
	lab.IP(t, "link add keep type dummy")
	var removals []plan.Step
	for i := range 20 {
		lab.IP(t, fmt.Sprintf("link add link base name base.%d type vlan id %d", i+1, i+1))
		removals = append(removals, verb(plan.RemoveLink, fmt.Sprintf("base.%d", i+1)))
	}
	removals = append(removals, verb(plan.RemoveLink, "base"))
	before := e.Writes()
	apply(t, e, levelled(removals))
	if list := ip(t, "link", "show", "type", "vlan"); len(list) != 0 {
		t.Errorf("%d VLANs are left", len(list))
	}
	if isThere("base") || !isThere("keep") {
		t.Error("the wrong links were removed")
	}
	if n := e.Writes() - before; n != 22 {
		t.Errorf("%d writes, want one for each of 21 links and one for the group", n)
	}
}

func TestRemovalThatFailsKeepsGroups(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 group 5 type dummy")
	lab.IP(t, "link add d1 type dummy")
	// lo is in the way: it cannot be deleted, so nothing of the group is.
	fault := refused(t, e, levelled([]plan.Step{
		verb(plan.RemoveLink, "lo"), verb(plan.RemoveLink, "d0"), verb(plan.RemoveLink, "d1"),
	}), 0)
	if fault.Object != "lo" || fault.Kind != engine.Unsupported {
		t.Errorf("fault %+v", fault)
	}
	expect(t, "lo", map[string]any{"group": "default"})
}

func TestChildrenGoWithTheirParent(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add base type dummy")
	lab.IP(t, "link add link base name base.1 type vlan id 1")
	lab.IP(t, "link add v0 type veth peer name v1")
	apply(t, e, levelled(
		[]plan.Step{verb(plan.RemoveLink, "base"), verb(plan.RemoveLink, "v0")},
		[]plan.Step{verb(plan.RemoveLink, "base.1"), verb(plan.RemoveLink, "v1")},
	))
	for _, name := range []string{"base", "base.1", "v0", "v1"} {
		if isThere(name) {
			t.Errorf("%s is still there", name)
		}
	}
}

func TestPlanForAnotherLink(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 index 50 type dummy")
	planned := func() *plan.Plan {
		p := steps(verb(plan.SetUp, "d0"))
		i := dummyLink("d0")
		i.Facts = &state.Facts{Index: 50}
		p.Current = &state.State{Interfaces: []*state.Interface{i}}
		return p
	}
	apply(t, e, planned())
	lab.IP(t, "link set d0 down")
	lab.IP(t, "link set d0 name other")
	fault := refused(t, e, planned(), 0)
	if fault.Kind != engine.NotFound || !strings.Contains(fault.Error(), `renamed to "other"`) {
		t.Errorf("fault %v", fault)
	}
	lab.IP(t, "link add d0 index 51 type dummy")
	lab.IP(t, "link del other")
	if fault := refused(t, e, planned(), 0); !strings.Contains(fault.Error(), "replaced") {
		t.Errorf("fault %v", fault)
	}
	lab.IP(t, "link del d0")
	if fault := refused(t, e, planned(), 0); !strings.Contains(fault.Error(), "vanished") {
		t.Errorf("fault %v", fault)
	}
}

func TestLinkVanishesDuringApply(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	lab.IP(t, "link add d1 type dummy")
	p := levelled([]plan.Step{verb(plan.SetUp, "d1")}, []plan.Step{verb(plan.SetUp, "d0")})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := e.Apply(ctx, p, func(progress engine.Progress) {
		if progress.Done == 1 {
			lab.IP(t, "link del d0")
		}
	})
	var fault *engine.Error
	if !errors.As(err, &fault) || fault.Object != "d0" || !strings.Contains(err.Error(), "vanished during the change") {
		t.Fatalf("apply: %v", err)
	}
}

func TestLinkIsRenamedDuringApply(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	for _, s := range []plan.Step{ipStep(nil, plan.KeyQuiet), ipStep(enabled(), plan.KeyIPv6)} {
		lab.IP(t, "link add d0 type dummy")
		p := levelled([]plan.Step{verb(plan.SetUp, "d0")}, []plan.Step{s})
		err := e.Apply(t.Context(), p, func(progress engine.Progress) {
			if progress.Done == 1 {
				lab.IP(t, "link set d0 down")
				lab.IP(t, "link set d0 name other")
			}
		})
		var fault *engine.Error
		if !errors.As(err, &fault) || fault.Object != "d0" || !strings.Contains(err.Error(), `renamed to "other" during the change`) {
			t.Errorf("%v: %v", s.Keys, err)
		}
		lab.IP(t, "link del other")
	}
}

func TestSmallMTUHasNoIPv6(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	i := &state.Interface{Name: "d0", Type: state.TypeDummy, MTU: new(uint32(1000))}
	apply(t, e, steps(create(i), ipStep(nil, plan.KeyIPv6), ipStep(nil, plan.KeyQuiet), ipStep(nil, plan.KeyRestore), ipStep(nil, plan.KeyReset), verb(plan.SetUp, "d0")))
	if fault := refused(t, e, steps(ipStep(enabled(), plan.KeyIPv6)), 0); fault.Object != "d0" {
		t.Errorf("fault %+v", fault)
	}
}

func TestCancelledApply(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	p := steps(create(dummyLink("d0")), create(dummyLink("d1")))
	err := e.Apply(ctx, p, func(progress engine.Progress) {
		if progress.Done == 1 {
			cancel()
		}
	})
	var fault *engine.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &fault) || fault.Kind != engine.Timeout {
		t.Fatalf("apply: %v", err)
	}
	if isThere("d1") {
		t.Error("a cancelled apply went on")
	}
}

// onBareThread runs do on a thread of its own that lacks CAP_NET_ADMIN.
func onBareThread(do func() error) error {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return err
	}
	data[0].Effective &^= 1 << unix.CAP_NET_ADMIN
	if err := unix.Capset(&header, &data[0]); err != nil {
		return err
	}
	return do()
}
