package plan_test

import (
	"testing"

	"holdfast/plan"
	"holdfast/state"
)

// TestGuestLeavesBond takes a host back to before a bond: the bond gives a
// foreign port another MTU and sets it down when it goes, so what the port had
// is set after that.
func TestGuestLeavesBond(t *testing.T) {
	current := parse(t, "current", `
interfaces:
- {name: bond, type: bond, mtu: 2000, link-aggregation: {mode: balance-xor, port: [guest]}}
- {name: guest, type: veth, mtu: 2000, veth: {peer: far}}
- {name: far, type: veth, veth: {peer: guest}}
`)
	goal := parse(t, "goal", `
interfaces:
- {name: bond, type: bond, state: absent}
- {name: guest, type: veth, state: up, mtu: 1500, controller: '', veth: {peer: far}}
- {name: far, type: veth, veth: {peer: guest}}
`)
	for _, s := range []*state.State{current, goal} {
		for _, i := range s.Interfaces {
			i.Facts = &state.Facts{Foreign: i.Type == state.TypeVeth}
			if i.State == "" {
				i.State = state.Up
			}
		}
	}
	current.Find("guest").Controller = &current.Find("bond").Name
	p, err := plan.Make(current, &state.Target{State: goal}, plan.Options{Force: true})
	if err != nil {
		t.Fatal(err)
	}
	level := map[plan.Verb]int{}
	for _, s := range p.Steps {
		if s.Object == "guest" || s.Verb == plan.RemoveLink {
			level[s.Verb] = s.Level
		}
		if s.Verb == plan.Detach {
			t.Errorf("a step takes the guest out: %+v", s)
		}
	}
	gone, removed := level[plan.RemoveLink]
	mtu, changed := level[plan.ChangeLink]
	if !removed || !changed || mtu <= gone {
		t.Errorf("the bond goes in level %d (%t), the guest has its MTU in level %d (%t)", gone, removed, mtu, changed)
	}
}
