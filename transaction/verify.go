package transaction

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/state"
)

// Mismatch is one thing in which the host differs from what was asked for.
type Mismatch struct {
	// Object names what differs, an interface for example.
	Object string
	// Key is the schema's key that differs.
	Key string
	// What says it in one line.
	What string
	// Pending is set when it may still come true by waiting.
	Pending bool
	// Minor is set when it is worth a warning only if it does not come true.
	Minor bool
}

// verify reads the host back and sorts the differences into wrong ones and
// ones to wait for.
func (r *Run) verify(ctx context.Context) Event {
	result, err := r.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return Verified{Err: err}
	}
	v := Verified{Elapsed: time.Since(r.since), Left: r.limit.left()}
	for _, address := range r.duplicates(result) {
		v.Final = true
		v.Wrong = append(v.Wrong, address)
	}
	if r.job.Check == nil {
		return v
	}
	var budgets *budgets
	for _, m := range r.job.Check(result) {
		switch {
		case m.Pending:
			if budgets == nil {
				budgets = newBudgets(r.job.Plan.Current, result)
			}
			v.Waiting = append(v.Waiting, Outstanding{What: m.What, Budget: budgets.of(m), Minor: m.Minor})
		case !v.Final:
			v.Wrong = append(v.Wrong, m.What)
		}
	}
	return v
}

// duplicates lists the addresses that this plan put on the host and that
// another host on the link has.
func (r *Run) duplicates(result *state.State) []string {
	type place struct {
		on     string
		prefix netip.Prefix
	}
	failed := map[place]bool{}
	for _, i := range result.Interfaces {
		if i.IPv6 == nil {
			continue
		}
		for _, a := range i.IPv6.Address {
			if a.Facts != nil && a.Facts.Failed {
				failed[place{i.Name, a.Prefix()}] = true
			}
		}
	}
	var lines []string
	for i := range r.job.Plan.Steps {
		step := &r.job.Plan.Steps[i]
		if step.Verb == plan.AddAddress && failed[place{step.Object, step.Address.Prefix()}] {
			lines = append(lines, fmt.Sprintf("%s: another host on the link has the address %s", step.Object, step.Address.IP))
		}
	}
	return lines
}
