package transaction

import (
	"time"

	"holdfast/plan"
	"holdfast/state"
)

// The budgets of what comes by itself. Those of minor things are for people who
// wait: what is not there by then becomes a warning. The other one is for what
// has to come, and therefore generous: nobody waits longer than it takes.
const (
	// carrierBudget is for autonegotiation and the kernel's link watch, which
	// runs once a second (net/core/link_watch.c).
	carrierBudget = 5 * time.Second
	// partnerBudget is for three LACP frames a second apart (IEEE 802.1AX
	// 6.4.4, fast periodic time) and the wait before aggregating (2 s).
	partnerBudget = 6 * time.Second
	// detectionBudget is for duplicate address detection, which takes 2 s (RFC
	// 4862 5.4) and begins when the link has a carrier.
	detectionBudget = 30 * time.Second
	// defaultForwardDelay is a bridge's forward delay unless set otherwise.
	defaultForwardDelay = 15 * time.Second
)

// budgets knows how long to wait for what is pending.
type budgets struct {
	before, now map[string]*state.Interface
}

func newBudgets(before, now *state.State) *budgets {
	return &budgets{before: byName(before), now: byName(now)}
}

func byName(s *state.State) map[string]*state.Interface {
	names := make(map[string]*state.Interface, len(s.Interfaces))
	for _, i := range s.Interfaces {
		names[i.Name] = i
	}
	return names
}

// of is the time from the first look at the host until the mismatch is taken
// for one that stays.
func (b *budgets) of(m Mismatch) time.Duration {
	on := b.now[m.Object]
	if on == nil {
		return detectionBudget
	}
	if m.Minor && withoutCarrier(b.before[m.Object]) && withoutCarrier(on) {
		return 0 // it had none before, so nobody waits for it
	}
	if m.Key == plan.KeyPartner && withoutPartner(b.before[m.Object]) {
		return 0
	}
	budget := detectionBudget
	switch {
	case m.Key == plan.KeyPartner, m.Minor && on.Type == state.TypeBond:
		budget = partnerBudget
	case m.Minor:
		budget = carrierBudget
	}
	return budget + b.learning(on)
}

func withoutCarrier(i *state.Interface) bool {
	return i != nil && i.Facts != nil && i.Facts.AdminUp && !i.Facts.Carrier
}

func withoutPartner(i *state.Interface) bool {
	return i != nil && i.Facts != nil && i.Facts.AdminUp && i.Facts.Partner != nil && !*i.Facts.Partner
}

// learning is how long the bridge that the interface stands on listens and
// learns before it forwards, with some room: twice its forward delay where the
// spanning tree protocol runs (IEEE 802.1D 8.4).
func (b *budgets) learning(on *state.Interface) time.Duration {
	for range len(b.now) {
		if on == nil {
			return 0
		}
		if delay := forwardDelay(on); delay > 0 {
			return 2*delay + 2*time.Second
		}
		if on.VLAN == nil {
			return 0
		}
		on = b.now[on.VLAN.BaseIface]
	}
	return 0
}

func forwardDelay(i *state.Interface) time.Duration {
	if i.Bridge == nil || i.Bridge.Options == nil {
		return 0
	}
	stp := i.Bridge.Options.STP
	if stp == nil || stp.Enabled == nil || !*stp.Enabled {
		return 0
	}
	if stp.ForwardDelay == nil {
		return defaultForwardDelay
	}
	return time.Duration(*stp.ForwardDelay) * time.Second
}
