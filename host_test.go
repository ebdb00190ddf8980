package holdfast_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"holdfast"
	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
	"holdfast/transaction"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(examples)
		os.Exit(code)
	}))
}

const before = `
interfaces:
- name: eth0
  type: ethernet
  ipv4: {enabled: true, address: [{ip: 192.0.2.10, prefix-length: 24}]}
- name: eth1
  type: ethernet
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.1, next-hop-interface: eth0}
`

// move takes the address and the route of eth0 to a bridge over a bond.
const move = `
interfaces:
- name: bond0
  type: bond
  link-aggregation: {mode: active-backup, options: {miimon: 100}, port: [eth0, eth1]}
- name: br0
  type: linux-bridge
  bridge: {port: [{name: bond0}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.10, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8::10", prefix-length: 64}]}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-interface: eth0, state: absent}
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.1, next-hop-interface: br0}
`

func parse(t *testing.T, text string) *state.State {
	t.Helper()
	s, err := state.Parse("host.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bench is a host in memory that looks like before.
type bench struct {
	*holdfast.Host
	memory *enginetest.Memory
	was    string
}

func open(t *testing.T) *bench {
	t.Helper()
	memory := enginetest.NewMemory(parse(t, before))
	host, err := holdfast.Open(holdfast.Options{Carrier: memory, StateDir: t.TempDir(), RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &bench{Host: host, memory: memory}
	b.was = b.text(t)
	return b
}

func (b *bench) text(t *testing.T) string {
	t.Helper()
	s, err := b.Show(t.Context(), holdfast.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return string(state.EncodeYAML(s))
}

// unchanged fails when the host is not as it was.
func (b *bench) unchanged(t *testing.T) {
	t.Helper()
	if diff := cmp.Diff(b.was, b.text(t)); diff != "" {
		t.Errorf("the host changed (-before +now):\n%s", diff)
	}
}

func expect(t *testing.T, result *holdfast.Result, err error, outcome holdfast.Outcome, kind holdfast.Kind) {
	t.Helper()
	if result == nil || result.Outcome != outcome || holdfast.KindOf(err) != kind {
		t.Fatalf("result %+v, error %v (%s), want %s and kind %q", result, err, holdfast.KindOf(err), outcome, kind)
	}
}

func TestApply(t *testing.T) {
	b := open(t)
	var phases []transaction.Phase
	result, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{Progress: func(p holdfast.Progress) {
		if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
			phases = append(phases, p.Phase)
		}
	}})
	expect(t, result, err, holdfast.Applied, "")
	if result.Transaction == "" || result.Steps != len(result.Plan.Steps) || result.Steps == 0 || len(result.Warnings) > 0 {
		t.Errorf("result %+v", result)
	}
	want := []transaction.Phase{transaction.Preparing, transaction.Applying, transaction.Verifying, transaction.Committing, transaction.Done}
	if diff := cmp.Diff(want, phases); diff != "" {
		t.Errorf("phases (-want +got):\n%s", diff)
	}
	s, _ := b.Show(t.Context(), holdfast.ShowOptions{})
	if differences := state.Compare(parse(t, move), s); len(differences) > 0 {
		t.Errorf("the host differs: %v", differences)
	}

	writes := b.memory.Writes()
	again, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, again, err, holdfast.Unchanged, "")
	if again.Steps != 0 || again.Transaction != "" || b.memory.Writes() != writes {
		t.Errorf("applied again: %+v, %d writes", again, b.memory.Writes()-writes)
	}
}

func TestPlanChangesNothing(t *testing.T) {
	b := open(t)
	draft, err := b.Plan(t.Context(), parse(t, move), holdfast.PlanOptions{})
	if err != nil || draft.Plan.Empty() || draft.Target.State.Find("br0") == nil {
		t.Fatalf("draft %+v, error %v", draft, err)
	}
	b.unchanged(t)
	if b.memory.Writes() != 0 {
		t.Errorf("%d writes", b.memory.Writes())
	}
}

// TestEveryStepFails makes the engine fail at each step in turn.
func TestEveryStepFails(t *testing.T) {
	draft, err := open(t).Plan(t.Context(), parse(t, move), holdfast.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range draft.Plan.Steps {
		b := open(t)
		b.memory.Fail(n, syscall.EBUSY)
		result, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
		expect(t, result, err, holdfast.RolledBack, engine.Busy)
		if failed, ok := errors.AsType[*engine.StepError](err); !ok || failed.Index != n || result.Steps != n {
			t.Errorf("step %d: result %+v, error %v", n, result, err)
		}
		b.unchanged(t)
	}
}

func TestDuplicateAddressIsRolledBack(t *testing.T) {
	b := open(t)
	b.memory.Occupy(netip.MustParseAddr("2001:db8::10"))
	result, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.RolledBack, engine.Verification)
	if !strings.Contains(err.Error(), "br0: another host on the link has the address 2001:db8::10") {
		t.Errorf("error %q", err)
	}
	b.unchanged(t)
}

func TestFailedRollbackListsWhatIsLeft(t *testing.T) {
	b := open(t)
	draft, err := b.Plan(t.Context(), parse(t, move), holdfast.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	b.memory.Fail(len(draft.Plan.Steps)-1, syscall.EBUSY)
	result, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{Progress: func(p holdfast.Progress) {
		if p.Phase == transaction.RollingBack {
			b.memory.Fail(1, syscall.ENOMEM)
		}
	}})
	expect(t, result, err, holdfast.RollbackFailed, engine.Busy)
	rollback, ok := errors.AsType[*engine.RollbackError](err)
	if !ok || len(rollback.Differences) == 0 || !errors.Is(err, syscall.EBUSY) || !errors.Is(err, syscall.ENOMEM) {
		t.Errorf("error %v", err)
	}
}

func TestDriftIsRepaired(t *testing.T) {
	b := open(t)
	mtu := uint32(1400)
	result, err := b.Apply(t.Context(), parse(t, "interfaces: [{name: eth1, type: ethernet, mtu: 9000}]"), holdfast.ApplyOptions{Progress: func(p holdfast.Progress) {
		if p.Phase == transaction.Verifying && p.Step == nil {
			if err := b.memory.Edit(plan.Step{Verb: plan.ChangeLink, Object: "eth1", Keys: []string{plan.KeyMTU}, Link: &state.Interface{MTU: &mtu}}); err != nil {
				t.Error(err)
			}
		}
	}})
	expect(t, result, err, holdfast.Applied, "")
	if result.Steps != 2 {
		t.Errorf("steps %d", result.Steps)
	}
}

func TestMissingCarrierIsAWarning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := open(t)
		b.memory.Unplug("eth1", true)
		text := "interfaces: [{name: eth1, type: ethernet, state: down}]"
		result, err := b.Apply(t.Context(), parse(t, text), holdfast.ApplyOptions{})
		expect(t, result, err, holdfast.Applied, "")
		result, err = b.Apply(t.Context(), parse(t, strings.ReplaceAll(text, "down", "up")), holdfast.ApplyOptions{})
		expect(t, result, err, holdfast.Applied, "")
		if diff := cmp.Diff([]string{"eth1 has no carrier"}, result.Warnings); diff != "" {
			t.Errorf("warnings (-want +got):\n%s", diff)
		}
	})
}

func TestOneAtATime(t *testing.T) {
	b := open(t)
	release, err := b.memory.Lock(t.Context(), "apply other.yml")
	if err != nil {
		t.Fatal(err)
	}
	result, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Unchanged, engine.Busy)
	if !strings.Contains(err.Error(), "apply other.yml") {
		t.Errorf("error %q does not tell who", err)
	}
	if _, err := b.Plan(t.Context(), parse(t, move), holdfast.PlanOptions{}); err != nil {
		t.Errorf("plan while somebody applies: %v", err)
	}
	b.unchanged(t)
	if err := release(); err != nil {
		t.Fatal(err)
	}
	result, err = b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Applied, "")
}

func TestInvalidIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"document": "interfaces:\n- {name: eth0, type: ethernet, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 192.0.2.1, prefix-length: 24}]}}\n- {name: eth0, type: ethernet, mtu: 1400}\n",
		"target":   "interfaces:\n- {name: v, type: vlan, vlan: {base-iface: nowhere, id: 5}}\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			result, err := b.Apply(t.Context(), parse(t, text), holdfast.ApplyOptions{})
			expect(t, result, err, holdfast.Unchanged, engine.Invalid)
			if problems := holdfast.Problems(err); len(problems) == 0 || problems[0].File != "host.yml" || problems[0].Line == 0 {
				t.Errorf("problems %+v", problems)
			}
			b.unchanged(t)
		})
	}
}

func TestManagedLinkNeedsForce(t *testing.T) {
	s := parse(t, "interfaces: [{name: eth0, type: ethernet}]")
	s.Interfaces[0].Facts = &state.Facts{Physical: true, AdminUp: true, Carrier: true, Manager: "NetworkManager"}
	host, err := holdfast.Open(holdfast.Options{Carrier: enginetest.NewMemory(s), StateDir: t.TempDir(), RunDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	desired := "interfaces: [{name: eth0, type: ethernet, mtu: 9000}]"
	if _, err = host.Plan(t.Context(), parse(t, desired), holdfast.PlanOptions{}); holdfast.KindOf(err) != engine.Conflict || !strings.Contains(err.Error(), "NetworkManager") {
		t.Errorf("plan: %v", err)
	}
	result, err := host.Apply(t.Context(), parse(t, desired), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Unchanged, engine.Conflict)
	result, err = host.Apply(t.Context(), parse(t, desired), holdfast.ApplyOptions{Force: true})
	expect(t, result, err, holdfast.Applied, "")
}

func TestEndOfTheContext(t *testing.T) {
	t.Run("before", func(t *testing.T) {
		b := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		result, err := b.Apply(ctx, parse(t, move), holdfast.ApplyOptions{})
		expect(t, result, err, holdfast.Unchanged, engine.Timeout)
		b.unchanged(t)
	})
	t.Run("while applying", func(t *testing.T) {
		b := open(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		result, err := b.Apply(ctx, parse(t, move), holdfast.ApplyOptions{Progress: func(p holdfast.Progress) {
			if p.Phase == transaction.Applying && p.Done == 3 {
				cancel(&transaction.Signal{Signal: syscall.SIGTERM})
			}
		}})
		expect(t, result, err, holdfast.RolledBack, engine.Timeout)
		if !strings.Contains(err.Error(), "terminated") {
			t.Errorf("error %q does not tell the signal", err)
		}
		b.unchanged(t)
	})
}

func TestNoVerify(t *testing.T) {
	b := open(t)
	b.memory.Occupy(netip.MustParseAddr("2001:db8::10"))
	result, err := b.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{NoVerify: true})
	expect(t, result, err, holdfast.Applied, "")
}

func TestEngines(t *testing.T) {
	for name, want := range map[string]holdfast.Kind{"nm": engine.Unsupported, "windows": engine.Invalid, "kernel": "", "auto": "", "": ""} {
		var log bytes.Buffer
		host, err := holdfast.Open(holdfast.Options{Engine: name, StateDir: t.TempDir(), RunDir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if holdfast.KindOf(err) != want {
			t.Errorf("engine %q: %v, want kind %q", name, err, want)
		}
		if err != nil {
			continue
		}
		if host.Engine() != holdfast.EngineKernel {
			t.Errorf("engine %q is %s", name, host.Engine())
		}
		if told := strings.Contains(log.String(), "auto is the kernel engine"); told != (name != "kernel") {
			t.Errorf("engine %q says %q", name, log.String())
		}
		_ = host.Close()
	}
}
