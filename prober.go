package holdfast

import (
	"context"
	"slices"
	"time"

	"holdfast/engine"
	"holdfast/plan"
	"holdfast/probe"
	"holdfast/probe/live"
	"holdfast/state"
	"holdfast/transaction"
)

// reachPatience is how long a host may take to be reachable again after a
// change: its switch learns, its neighbours look for it.
const reachPatience = 10 * time.Second

// prober asks the probes of a change.
type prober struct {
	host  *Host
	specs []probe.Spec
	asks  map[probe.Kind]probe.Ask
	// patience is reachPatience and what bridges take until they forward.
	patience time.Duration
	before   []probe.Answer
}

func newProber(h *Host, options ApplyOptions, p *plan.Plan) *prober {
	defaults := h.currentDefaults()
	return &prober{
		host:     h,
		specs:    probe.Join(options.Probes, defaults.Probes),
		asks:     live.Asks(live.Options{Folder: defaults.ProbeDir, Client: options.Client}),
		patience: reachPatience + learning(p),
	}
}

// ask is the transaction's way to the probes; nil if there are none.
func (p *prober) ask() transaction.Prober {
	if len(p.specs) == 0 {
		return nil
	}
	return p.on
}

// budget is the longest time that the probes take on one occasion.
func (p *prober) budget() time.Duration {
	if len(p.specs) == 0 {
		return 0
	}
	return probe.Budget(p.specs) + p.patience
}

// on asks all probes and judges.
func (p *prober) on(ctx context.Context, when transaction.Occasion) (transaction.Reach, error) {
	runner := probe.Runner{Asks: p.asks, Now: time.Now}
	if when != transaction.Before {
		runner.Patience, runner.Before = p.patience, p.before
	}
	current, err := p.host.engine.Show(ctx, engine.ShowOptions{})
	if err != nil {
		return transaction.Reach{}, err
	}
	answers := runner.Run(ctx, p.specs, current, 0)
	var verdict probe.Verdict
	if when == transaction.Before {
		p.before = answers
		verdict = probe.Judge(answers, nil)
	} else {
		verdict = probe.Judge(p.before, answers)
	}
	return transaction.Reach{Wrong: verdict.Wrong(), Warnings: verdict.Warnings(), Answers: probeAnswers(answers)}, nil
}

func probeAnswers(answers []probe.Answer) []transaction.ProbeAnswer {
	list := make([]transaction.ProbeAnswer, len(answers))
	for i, a := range answers {
		list[i] = transaction.ProbeAnswer{Probe: a.Label(), OK: a.OK, Error: a.Error, Took: a.Took}
	}
	return list
}

// learning is the longest time that a bridge of the plan with the spanning tree
// protocol takes until it forwards: twice its forward delay (IEEE 802.1D 8.4).
func learning(p *plan.Plan) time.Duration {
	const delay = 15 * time.Second
	var longest time.Duration
	for _, i := range p.Target.Interfaces {
		if i.Bridge == nil || i.Bridge.Options == nil || i.Bridge.Options.STP == nil {
			continue
		}
		stp := i.Bridge.Options.STP
		if stp.Enabled == nil || !*stp.Enabled || !touches(p, i) {
			continue
		}
		one := delay
		if stp.ForwardDelay != nil {
			one = time.Duration(*stp.ForwardDelay) * time.Second
		}
		longest = max(longest, 2*one)
	}
	return longest
}

// touches tells whether a step of the plan is about the bridge or a port of it.
func touches(p *plan.Plan, bridge *state.Interface) bool {
	return slices.ContainsFunc(p.Steps, func(s plan.Step) bool {
		return s.Object == bridge.Name || s.Controller == bridge.Name
	})
}
