package kernel

import (
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// changingBridge is a bridge as the kernel shows it, in seconds.
func changingBridge(index int, stp uint32, changing bool, delay, ageing uint32) *rawLink {
	e := encoder{}
	e.u32(unix.IFLA_BR_FORWARD_DELAY, delay*userHZ)
	e.u32(unix.IFLA_BR_AGEING_TIME, ageing*userHZ)
	e.u32(unix.IFLA_BR_STP_STATE, stp)
	e.flag(unix.IFLA_BR_TOPOLOGY_CHANGE, changing)
	return &rawLink{Name: "br0", Index: index, Kind: kindBridge, Info: e.b}
}

// TestAgeing reads bridges while a topology change hides their ageing time.
func TestAgeing(t *testing.T) {
	shown := func(m *ageingMemory, l *rawLink) uint32 {
		m.correct(l)
		i := &state.Interface{}
		showBridge(newView(&snapshot{}, nil), l, i)
		if i.Bridge.Options.STP.ForwardDelay == nil || i.Bridge.Options.STP.Enabled == nil {
			t.Error("other options were lost")
		}
		if at := i.Bridge.Options.MACAgeingTime; at != nil {
			return *at
		}
		return 0
	}
	check := func(what string, got, want uint32) {
		if t.Helper(); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	m := &ageingMemory{}
	check("unknown", shown(m, changingBridge(5, 1, true, 4, 8)), 0)
	check("not the kernel's", shown(m, changingBridge(5, 1, true, 4, 77)), 77)
	check("settled", shown(m, changingBridge(5, 1, false, 4, 600)), 600)
	check("read before", shown(m, changingBridge(5, 1, true, 4, 8)), 600)
	check("another link", shown(m, changingBridge(6, 1, true, 4, 8)), 0)
	check("without STP", shown(m, changingBridge(5, 0, true, 4, 8)), 8)
	step := &plan.Step{Verb: plan.CreateLink, Object: "br0", Type: state.TypeBridge, Link: &state.Interface{Bridge: &state.Bridge{}}}
	m.expect(step)
	check("new", shown(m, changingBridge(7, 1, true, 4, 8)), 300)
	step.Link.Bridge.Options = &state.BridgeOptions{MACAgeingTime: new(uint32(50))}
	step.Verb, step.Keys = plan.ChangeLink, []string{ageingKey}
	m.expect(step)
	check("changed", shown(m, changingBridge(7, 1, true, 4, 8)), 50)
	other := &ageingMemory{}
	other.recall(record{Ageing: m.among(map[string]int{"br0": 7})})
	check("recorded", shown(other, changingBridge(7, 1, true, 4, 8)), 50)
	check("made anew since", shown(other, changingBridge(8, 1, true, 4, 8)), 0)
}
