package holdfast

import (
	"context"
	"errors"
	"slices"
	"strings"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// maxAttempts bounds how many things of one part may fail.
const maxAttempts = 1000

// restoring is one part on its way.
type restoring struct {
	host *Host
	// left is what is still tried; it shrinks with each thing that fails.
	left *state.State
	// guard names the links that must not be disturbed.
	guard map[string]bool
	done  *Restoration
}

// run brings the part as far as it gets: what fails is left out, with all that
// stands on it, and the rest is tried again.
func (r *restoring) run(ctx context.Context) error {
	for range maxAttempts {
		failure, err := r.attempt(ctx)
		if err != nil || failure == nil {
			return err
		}
		if !r.leaveOut(failure) {
			return nil
		}
	}
	return nil
}

// failure is what could not be done.
type failure struct {
	// step is the one that failed; nil if none did.
	step *plan.Step
	// object is the interface that is at fault, empty if none is known.
	object string
	err    error
}

// attempt carries out what is left. The error is why nothing can go on.
func (r *restoring) attempt(ctx context.Context) (*failure, error) {
	current, err := r.host.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return nil, err
	}
	d, err := draft(current, r.left, plan.Options{Force: true})
	if err != nil {
		return &failure{err: err, object: r.faulty(err)}, nil
	}
	if name := r.disturbed(d.Plan); name != "" {
		return &failure{object: name, err: errors.New("the root file system may be reached by it, and it would have to go down (--force)")}, nil
	}
	checkpoint, err := r.host.engine.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	checkpoint.Applied(d.Plan)
	count := 0
	err = r.host.engine.Apply(ctx, d.Plan, func(p engine.Progress) { count = p.Done })
	r.done.Steps += count
	if ctx.Err() != nil {
		return nil, &engine.Error{Op: "restore", Kind: engine.Timeout, Err: context.Cause(ctx)}
	}
	if stepped, ok := errors.AsType[*engine.StepError](err); ok {
		return &failure{step: stepped.Step, object: stepped.Step.Object, err: err}, nil
	}
	if err != nil {
		return &failure{err: err}, nil
	}
	return nil, checkpoint.Release(ctx)
}

// faulty is the interface of the part that a problem speaks of; empty if none.
func (r *restoring) faulty(err error) string {
	for _, p := range Problems(err) {
		for _, i := range r.left.Interfaces {
			if p.Key == i.Name || len(p.Key) > len(i.Name) && p.Key[:len(i.Name)+1] == i.Name+"." {
				return i.Name
			}
		}
	}
	return ""
}

// disturbed is the first guarded link that a plan would disturb.
func (r *restoring) disturbed(p *plan.Plan) string {
	for _, s := range p.Steps {
		switch s.Impact {
		case plan.ImpactDetach, plan.ImpactDown, plan.ImpactRecreate:
			if r.guard[s.Object] {
				return s.Object
			}
		}
		if r.guard[s.Object] && s.Verb == plan.Attach {
			return s.Object
		}
	}
	return ""
}

// leaveOut takes what failed out of the part and tells about it. It tells
// whether there is anything left to try that was not tried.
func (r *restoring) leaveOut(f *failure) bool {
	text := f.err.Error()
	if f.object != "" && !strings.HasPrefix(text, f.object) {
		text = f.object + ": " + text
	}
	r.done.Missing = append(r.done.Missing, text)
	if f.step != nil && r.dropDetail(f.step) {
		return true
	}
	if r.left.Find(f.object) != nil {
		rest, dropped := r.left.Without([]string{f.object})
		r.left = rest
		for _, name := range dropped {
			r.done.Missing = append(r.done.Missing, name+" cannot be made without what it stands on")
		}
		return true
	}
	left := r.left
	if left.Routes == nil && left.Rules == nil && left.DNS == nil && left.Hostname == nil {
		return false
	}
	left.Routes, left.Rules, left.DNS, left.Hostname = nil, nil, nil, nil
	return len(left.Interfaces) > 0
}

// dropDetail takes out what a step was about where that is less than a link. It
// tells whether there was something.
func (r *restoring) dropDetail(s *plan.Step) bool {
	before := string(state.EncodeJSON(r.left))
	switch s.Verb {
	case plan.AddAddress:
		if i := r.left.Find(s.Object); i != nil {
			same := func(a state.Address) bool { return a.Prefix() == s.Address.Prefix() }
			if i.IPv4 != nil {
				i.IPv4.Address = slices.DeleteFunc(i.IPv4.Address, same)
			}
			if i.IPv6 != nil {
				i.IPv6.Address = slices.DeleteFunc(i.IPv6.Address, same)
			}
		}
	case plan.AddRoute, plan.ReplaceRoute:
		if r.left.Routes != nil {
			r.left.Routes.Config = slices.DeleteFunc(r.left.Routes.Config, func(have *state.Route) bool {
				return slices.ContainsFunc(s.Routes, func(failed *state.Route) bool { return failed.String() == have.String() })
			})
		}
	case plan.AddRule:
		if r.left.Rules != nil {
			r.left.Rules.Config = slices.DeleteFunc(r.left.Rules.Config, func(have *state.Rule) bool { return have.String() == s.Rule.String() })
		}
	case plan.SetDNS:
		r.left.DNS = nil
	case plan.SetHostname:
		r.left.Hostname = nil
	}
	return string(state.EncodeJSON(r.left)) != before
}
