package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/transaction"
)

func request(text string) *api.ApplyRequest {
	return &api.ApplyRequest{Desired: api.Desired{Documents: []api.Document{{Name: "host.yml", Text: text}}}}
}

// made is a host where br0 was made.
func made(t *testing.T) (*bench, *api.Client) {
	t.Helper()
	b := open(t, nil)
	c := b.client(t, "group").As("holdfast apply x\n.yml")
	if _, err := c.Apply(t.Context(), request(bridge), nil); err != nil {
		t.Fatal(err)
	}
	return b, c
}

const bridge = "interfaces: [{name: br0, type: linux-bridge}]"

// outcome checks what a change came to.
func outcome(t *testing.T, want transaction.Outcome, r *api.Result, err error) {
	t.Helper()
	if err != nil || r.Outcome != want {
		t.Fatalf("want %s: %+v, %v", want, r, err)
	}
}

func TestApply(t *testing.T) {
	b := open(t, nil)
	var phases []string
	result, err := b.client(t, "root").Apply(t.Context(), request(bridge), func(p *api.Progress) { phases = append(phases, string(p.Phase)) })
	outcome(t, transaction.Applied, result, err)
	if result.Generation == nil || *result.Generation != 1 || result.Transaction == nil || result.Steps == 0 {
		t.Errorf("%+v", result)
	}
	if text := strings.Join(phases, " "); !strings.Contains(text, "applying") || !strings.Contains(text, "verifying") {
		t.Errorf("progress: %s", text)
	}
}

// TestHistory looks at a change afterwards.
func TestHistory(t *testing.T) {
	b, c := made(t)
	history, err := c.History(t.Context())
	if err != nil || len(history.History) != 1 {
		t.Fatalf("%+v, %v", history, err)
	}
	want := holdfast.Who{UID: 1000, User: history.History[0].Who.User, Command: "holdfast apply x?.yml", Via: "api unix"}
	if diff := cmp.Diff(want, history.History[0].Who); diff != "" {
		t.Errorf("who (-want +got)\n%s", diff)
	}
	if drift, err := c.Drift(t.Context()); err != nil || drift.Generation != 1 || len(drift.Differences) > 0 {
		t.Errorf("%+v, %v", drift, err)
	}
	if g, err := b.client(t, "other").Generation(t.Context(), 0, false); err != nil || g.Number != 1 || !strings.Contains(string(g.Running), `"br0"`) {
		t.Errorf("%+v, %v", g, err)
	}
}

func TestPlan(t *testing.T) {
	b, _ := made(t)
	planned, err := b.client(t, "other").Plan(t.Context(), &api.PlanRequest{
		Desired: api.Desired{State: json.RawMessage(`{"interfaces":[{"name":"br0","mtu":1400}]}`)}, Text: "plain",
	})
	if err != nil || planned.Plan.Empty || len(planned.Differences) != 1 || !strings.Contains(planned.Text, "br0") {
		t.Errorf("%+v, %v", planned, err)
	}
}

// TestLifetimes makes things temporary and permanent, and returns to before.
func TestLifetimes(t *testing.T) {
	_, c := made(t)
	if result, err := c.Unpersist(t.Context(), api.Names{Names: []string{"br0"}}); err != nil || *result.Generation != 2 {
		t.Errorf("%+v, %v", result, err)
	}
	if result, err := c.Persist(t.Context(), api.Names{All: true}); err != nil || *result.Generation != 3 {
		t.Errorf("%+v, %v", result, err)
	}
	result, err := c.Return(t.Context(), 1, &api.Options{}, nil)
	outcome(t, transaction.Unchanged, result, err)
}

// TestProblems wants what is wrong with a document to come with its place.
func TestProblems(t *testing.T) {
	b := open(t, nil)
	_, err := b.client(t, "root").Apply(t.Context(), request("interfaces:\n- name: eth0\n  mtuu: 1\n"), nil)
	list, ok := errors.AsType[*problem.List](err)
	if !ok || holdfast.KindOf(err) != engine.Invalid {
		t.Fatal(err)
	}
	if p := list.All()[0]; p.Line != 3 || p.File != "host.yml" || p.Hint == "" {
		t.Errorf("%+v", p)
	}
}

// TestFailure wants an error to come over as it was.
func TestFailure(t *testing.T) {
	b := open(t, nil)
	cause := &engine.Error{Op: "make it", Object: "br0", Kind: engine.Conflict, Hint: "do not", Err: errors.New("no")}
	b.memory.Fail(0, cause)
	result, err := b.client(t, "root").Apply(t.Context(), request(bridge), nil)
	if result == nil || result.Outcome != transaction.RolledBack || err.Error() != cause.Error() {
		t.Errorf("%+v: %v", result, err)
	}
	fault, ok := errors.AsType[*engine.Error](err)
	if !ok || fault.Kind != cause.Kind || fault.Object != cause.Object || fault.Hint != cause.Hint {
		t.Errorf("%+v", fault)
	}
}

// TestRollbackFailed wants a failed rollback to come over as it was.
func TestRollbackFailed(t *testing.T) {
	broken := &engine.RollbackError{Differences: []string{"eth0: mtu"}, Err: errors.New("cut off")}
	told := describe(&outcomeError{&holdfast.Result{Outcome: transaction.RollbackFailed}, errors.Join(errors.New("why"), broken)})
	back, ok := errors.AsType[*engine.RollbackError](told)
	if !ok || back.Error() != broken.Error() || told.Message != "why" || told.Outcome != transaction.RollbackFailed {
		t.Errorf("%+v: %v", told, back)
	}
}

// TestNothing asks about what is not there.
func TestNothing(t *testing.T) {
	b := open(t, nil)
	c := b.client(t, "root")
	if _, err := c.Confirm(t.Context(), ""); holdfast.KindOf(err) != engine.NotFound {
		t.Errorf("nothing to confirm: %v", err)
	}
	if _, err := c.Abandon(t.Context()); holdfast.KindOf(err) != engine.NotFound {
		t.Errorf("nothing to abandon: %v", err)
	}
	if p, err := c.Pending(t.Context()); p != nil || err != nil {
		t.Errorf("pending: %+v, %v", p, err)
	}
	if _, err := api.Unix(b.path("nobody.sock")).Hello(t.Context()); holdfast.KindOf(err) != engine.Unreachable {
		t.Errorf("no daemon: %v", err)
	}
}

// TestConfirm keeps a change over another connection.
func TestConfirm(t *testing.T) {
	b := open(t, nil)
	wanted := request(bridge)
	wanted.Confirm, wanted.Probes = 60, []string{"client"}
	result, err := b.client(t, "root").Apply(t.Context(), wanted, nil)
	outcome(t, transaction.Pending, result, err)
	if result.Left < 1 || result.Left > 60 || len(result.Probes) == 0 {
		t.Errorf("%+v", result)
	}
	p, err := b.client(t, "other").Pending(t.Context())
	if err != nil || p == nil || p.Transaction != *result.Transaction || p.Left <= 0 {
		t.Fatalf("%+v, %v", p, err)
	}
	_, err = b.client(t, "group").Apply(t.Context(), request("interfaces: [{name: eth1, mtu: 1400}]"), nil)
	if holdfast.KindOf(err) != engine.Busy || !strings.Contains(err.Error(), "asked for by root") {
		t.Errorf("another change: %v", err)
	}
	answer, err := b.client(t, "writer").Confirm(t.Context(), p.Transaction)
	outcome(t, transaction.Applied, answer, err)
}

// TestRollback undoes a change over another connection.
func TestRollback(t *testing.T) {
	b, c := made(t)
	wanted := request("interfaces: [{name: br0, state: absent}]")
	wanted.Confirm = 60
	result, err := c.Apply(t.Context(), wanted, nil)
	outcome(t, transaction.Pending, result, err)
	answer, err := b.client(t, "root").Rollback(t.Context(), "")
	outcome(t, transaction.RolledBack, answer, err)
}

// idle waits until no change is under way.
func (b *bench) idle(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for b.Busy() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("a change does not end")
		}
	}
}

// TestClientGoes lets the client go away in the midst of a change.
func TestClientGoes(t *testing.T) {
	b := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := b.client(t, "root").Apply(ctx, request("interfaces: [{name: br0, type: linux-bridge}]"), func(*api.Progress) { cancel() })
	if err != nil && holdfast.KindOf(err) != engine.Timeout {
		t.Errorf("%v", err)
	}
	b.idle(t)
	shown, err := b.client(t, "other").Show(t.Context(), api.ShowQuery{})
	if err != nil || !strings.Contains(string(shown.State), `"br0"`) {
		t.Errorf("the change went away with its client: %v", err)
	}
}

// TestEnd ends the daemon while a change waits: it stays pending, and is kept by
// the next daemon.
func TestEnd(t *testing.T) {
	b := open(t, nil)
	wanted := request("interfaces: [{name: br0, type: linux-bridge}]")
	wanted.Confirm = 600
	result, err := b.client(t, "root").Apply(t.Context(), wanted, nil)
	if err != nil || result.Outcome != transaction.Pending {
		t.Fatalf("%+v, %v", result, err)
	}
	if err := b.stop(); err != nil {
		t.Fatal(err)
	}
	if _, ok := b.begin(); ok {
		t.Error("a change may begin")
	}
	next, err := holdfast.Open(holdfast.Options{Carrier: b.memory, StateDir: b.path("state"), RunDir: b.path("run")})
	if err != nil {
		t.Fatal(err)
	}
	p, err := next.Pending(t.Context())
	if err != nil || p == nil || p.Transaction != *result.Transaction {
		t.Fatalf("%+v, %v", p, err)
	}
	if answer, err := next.Confirm(t.Context(), "", holdfast.Who{}); err != nil || answer.Outcome != holdfast.Applied {
		t.Errorf("%+v, %v", answer, err)
	}
}

// TestMany lets 50 readers and 10 writers at it for a while.
func TestMany(t *testing.T) {
	b := open(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex
	counts := map[string]int{}
	count := func(what string) { mu.Lock(); defer mu.Unlock(); counts[what]++ }
	for n := range 10 {
		c := b.client(t, []string{"root", "group", "writer"}[n%3])
		all.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				result, err := c.Apply(context.WithoutCancel(ctx), request(fmt.Sprintf("interfaces: [{name: d%d, type: dummy, mtu: %d}]", n, 1400+i%2)), nil)
				switch {
				case err == nil && (result.Outcome == transaction.Applied || result.Outcome == transaction.Unchanged):
					count("done")
				case holdfast.KindOf(err) == engine.Busy && strings.Contains(err.Error(), "being changed"):
					count("busy")
				default:
					t.Errorf("writer %d: %+v, %v", n, result, err)
					return
				}
			}
		})
	}
	for n := range 50 {
		c := b.client(t, []string{"other", "reader"}[n%2])
		all.Go(func() {
			for ctx.Err() == nil {
				start := time.Now()
				if _, err := c.Show(context.WithoutCancel(ctx), api.ShowQuery{}); err != nil {
					t.Errorf("reader: %v", err)
					return
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("a reader waited %v", took)
				}
				count("read")
			}
		})
	}
	all.Wait()
	t.Log(counts)
	if counts["done"] == 0 || counts["read"] < 50 {
		t.Errorf("%v", counts)
	}
}
