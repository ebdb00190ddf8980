package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"holdfast"
	"holdfast/api"
	"holdfast/plan"
	"holdfast/state"
	"holdfast/transaction"
)

// remote is the host by the daemon.
type remote struct {
	app    *app
	client *api.Client
	rights api.Right
}

// Close lets go of the daemon.
func (r *remote) Close() error { return r.client.Close() }

// secrets tells whether to ask for secrets: they are hidden when they are
// printed, unless they were asked for.
func (r *remote) secrets() bool { return r.rights == api.Write || r.app.secrets }

// Show reads the host.
func (r *remote) Show(ctx context.Context, options holdfast.ShowOptions) (*state.State, error) {
	shown, err := r.client.Show(ctx, api.ShowQuery{Names: options.Names, Slow: options.Details, Secrets: r.secrets()})
	if err != nil {
		return nil, err
	}
	if shown.Age > 0 && !r.app.json {
		r.app.warn([]string{fmt.Sprintf("the host is being changed; this is as it was %.0f s ago", shown.Age)})
	}
	current, err := state.Parse("the daemon's answer", shown.State)
	if err != nil {
		return nil, err
	}
	for _, i := range current.Interfaces {
		if facts, known := shown.Facts[i.Name]; known {
			recall(i, &facts)
		}
	}
	return current, nil
}

// recall gives an interface the facts that its document has no words for.
func recall(i *state.Interface, facts *api.Facts) {
	i.Facts = &state.Facts{Carrier: facts.Carrier, Foreign: facts.Foreign, BaseElsewhere: facts.BaseElsewhere}
	failed := make(map[string]bool, len(facts.Failed))
	for _, text := range facts.Failed {
		failed[text] = true
	}
	mark := func(list []state.Address) {
		for n := range list {
			if failed[list[n].Prefix().String()] {
				list[n].Facts = &state.AddressFacts{Failed: true}
			}
		}
	}
	if i.IPv4 != nil {
		mark(i.IPv4.Address)
	}
	if i.IPv6 != nil {
		mark(i.IPv6.Address)
	}
}

// desired is what is asked for, as it was read.
func (r *remote) desired(s *state.State) api.Desired {
	if len(r.app.documents) > 0 {
		return api.Desired{Documents: r.app.documents}
	}
	return api.Desired{State: state.EncodeJSON(s, state.ShowSecrets())}
}

// Plan plans.
func (r *remote) Plan(ctx context.Context, desired *state.State, options holdfast.PlanOptions) (*draft, error) {
	text := "plain"
	if r.app.colors(r.app.out) {
		text = "color"
	}
	told, err := r.client.Plan(ctx, &api.PlanRequest{Desired: r.desired(desired), Force: options.Force, Text: text})
	if err != nil {
		return nil, err
	}
	return &draft{told: told, differences: told.Differences}, nil
}

// Apply changes the host.
func (r *remote) Apply(ctx context.Context, desired *state.State, options holdfast.ApplyOptions) (*holdfast.Result, error) {
	request := &api.ApplyRequest{Desired: r.desired(desired), Options: requestOptions(&options)}
	return r.change(ctx, &options, func(ctx context.Context, progress func(*api.Progress)) (*api.Result, error) {
		return r.client.Apply(ctx, request, progress)
	})
}

// ReturnTo returns to an earlier generation.
func (r *remote) ReturnTo(ctx context.Context, number int, options holdfast.ApplyOptions) (*holdfast.Result, error) {
	request := requestOptions(&options)
	return r.change(ctx, &options, func(ctx context.Context, progress func(*api.Progress)) (*api.Result, error) {
		return r.client.Return(ctx, number, &request, progress)
	})
}

func requestOptions(o *holdfast.ApplyOptions) api.Options {
	out := api.Options{
		Force: o.Force, NoVerify: o.NoVerify, Temporary: o.Temporary, Timeout: o.Timeout.Seconds(), Confirm: o.Confirm.Seconds(),
	}
	for _, p := range o.Probes {
		out.Probes = append(out.Probes, p.String())
	}
	return out
}

// goBackLimit is how long the daemon may take to hear that it is to go back.
const goBackLimit = time.Minute

// change has the daemon make a change. When ctx ends the daemon is told to go
// back, and what that came to is waited for.
func (r *remote) change(ctx context.Context, options *holdfast.ApplyOptions, send func(context.Context, func(*api.Progress)) (*api.Result, error)) (*holdfast.Result, error) {
	var named sync.Once
	known, ended := make(chan string, 1), make(chan struct{})
	told := make(chan struct{})
	quiet := context.AfterFunc(ctx, func() {
		defer close(told)
		select {
		case id := <-known:
			back, cancel := context.WithTimeout(context.WithoutCancel(ctx), goBackLimit)
			defer cancel()
			_, _ = r.client.Rollback(back, id) // the stream tells what it came to
		case <-ended:
		}
	})
	result, err := send(context.WithoutCancel(ctx), func(p *api.Progress) {
		if p.Transaction != "" {
			named.Do(func() { known <- p.Transaction })
		}
		if options.Progress != nil {
			options.Progress(progressOf(p))
		}
	})
	close(ended)
	if !quiet() {
		<-told
	}
	out := resultOf(result, err)
	if err == nil && out.Outcome == holdfast.Pending {
		if options.Progress != nil {
			options.Progress(holdfast.Progress{Phase: transaction.Waiting, Left: api.Span(result.Left)})
		}
		if options.Pending != nil {
			options.Pending(out)
		}
	}
	return out, err
}

func progressOf(p *api.Progress) holdfast.Progress {
	out := holdfast.Progress{Phase: p.Phase, Done: p.Done, Total: p.Total, Waiting: p.Waiting, Left: api.Span(p.Left)}
	if p.Verb != "" {
		out.Step = &plan.Step{Verb: plan.Verb(p.Verb), Object: p.Object, Type: p.Type}
	}
	return out
}

// resultOf is what the daemon told in the library's words; it is never nil.
func resultOf(r *api.Result, err error) *holdfast.Result {
	out := &holdfast.Result{Outcome: holdfast.Unchanged}
	if failure, ok := errors.AsType[*api.Error](err); ok {
		out.Outcome = failure.Outcome
		if r == nil {
			r = failure.Result
		}
	}
	if r == nil {
		return out
	}
	out.Outcome, out.Steps, out.Warnings = r.Outcome, r.Steps, r.Warnings
	for _, p := range r.Probes {
		out.Probes = append(out.Probes, transaction.ProbeAnswer{When: p.When, Probe: p.Probe, OK: p.OK, Error: p.Error, Took: api.Span(p.Seconds)})
	}
	if r.Generation != nil {
		out.Generation = *r.Generation
	}
	if r.Transaction != nil {
		out.Transaction = *r.Transaction
	}
	return out
}

// Pending tells which change has not ended.
func (r *remote) Pending(ctx context.Context) (*holdfast.PendingChange, error) {
	p, err := r.client.Pending(ctx)
	if p == nil || err != nil {
		return nil, err
	}
	return &holdfast.PendingChange{
		Transaction: p.Transaction, Generation: p.Generation, Who: p.Who, Time: p.Time, Purpose: p.Purpose,
		Phase: p.Phase, Left: api.Span(p.Left), Attempts: p.Attempts, Owner: p.Owner,
	}, nil
}

// Confirm keeps the pending change. The daemon knows who asks.
func (r *remote) Confirm(ctx context.Context, id string, _ holdfast.Who) (*holdfast.Result, error) {
	result, err := r.client.Confirm(ctx, id)
	return resultOf(result, err), err
}

// Rollback undoes the pending change.
func (r *remote) Rollback(ctx context.Context, id string, _ holdfast.Who) (*holdfast.Result, error) {
	result, err := r.client.Rollback(ctx, id)
	return resultOf(result, err), err
}

// Abandon sets the pending change aside.
func (r *remote) Abandon(ctx context.Context) (path string, err error) {
	answer, err := r.client.Abandon(ctx)
	if err != nil {
		return "", err
	}
	return answer.Journal, nil
}

// History lists what was changed.
func (r *remote) History(ctx context.Context) ([]holdfast.Entry, []holdfast.Damage, error) {
	answer, err := r.client.History(ctx)
	if err != nil {
		return nil, nil, err
	}
	list := make([]holdfast.Entry, len(answer.History))
	for i, e := range answer.History {
		list[i] = holdfast.Entry{Meta: e.Meta, Outcome: e.Outcome, Error: e.Error, Took: api.Span(e.Seconds)}
	}
	return list, damagesOf(answer.Damaged), nil
}

func damagesOf(list []api.Damage) []holdfast.Damage {
	var damages []holdfast.Damage
	for _, d := range list {
		damages = append(damages, holdfast.Damage{Path: d.File, Err: errors.New(d.Error)})
	}
	return damages
}

// Generation gives an earlier configuration.
func (r *remote) Generation(ctx context.Context, number int) (*holdfast.Generation, error) {
	g, _, err := r.generation(ctx, number)
	return g, err
}

// Newest gives the configuration in force, nil for none.
func (r *remote) Newest(ctx context.Context) (*holdfast.Generation, []holdfast.Damage, error) {
	g, damages, err := r.generation(ctx, 0)
	if failure, ok := errors.AsType[*api.Error](err); ok && failure.Kind == "not-found" {
		return nil, nil, nil
	}
	return g, damages, err
}

func (r *remote) generation(ctx context.Context, number int) (*holdfast.Generation, []holdfast.Damage, error) {
	answer, err := r.client.Generation(ctx, number, r.secrets())
	if err != nil {
		return nil, nil, err
	}
	g := &holdfast.Generation{Meta: answer.Meta}
	if g.Running, err = state.Parse("the daemon's answer", answer.Running); err != nil {
		return nil, nil, err
	}
	if g.Persistent, err = state.Parse("the daemon's answer", answer.Persistent); err != nil {
		return nil, nil, err
	}
	return g, damagesOf(answer.Damaged), nil
}

// Drift tells in what the host differs from what was applied.
func (r *remote) Drift(ctx context.Context) (differences []state.Difference, number int, err error) {
	answer, err := r.client.Drift(ctx)
	if err != nil {
		return nil, 0, err
	}
	return answer.Differences, answer.Generation, nil
}

// Persist makes temporary interfaces permanent, all of them for no names.
func (r *remote) Persist(ctx context.Context, names []string, _ holdfast.Who) (*holdfast.Result, error) {
	result, err := r.client.Persist(ctx, api.Names{Names: names, All: len(names) == 0})
	return resultOf(result, err), err
}

// Unpersist makes permanent interfaces temporary.
func (r *remote) Unpersist(ctx context.Context, names []string, _ holdfast.Who) (*holdfast.Result, error) {
	result, err := r.client.Unpersist(ctx, api.Names{Names: names})
	return resultOf(result, err), err
}
