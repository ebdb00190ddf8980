package plan

import "holdfast/state"

// hostname plans the host's names, which come last.
func (b *builder) hostname() {
	want := b.target.State.Hostname
	if want == nil {
		return
	}
	was := b.current.Hostname
	if was == nil {
		was = &state.Hostname{}
	}
	var changes []Change
	next := state.Hostname{}
	if changed(was.Running, want.Running) {
		next.Running = want.Running
		changes = append(changes, change("running", was.Running, want.Running))
	}
	if want.Config != nil && value(was.Config) != *want.Config {
		next.Config = want.Config
		changes = append(changes, change("config", was.Config, want.Config))
	}
	if len(changes) > 0 {
		b.add(Step{Verb: SetHostname, Object: "hostname", Hostname: &next, Changes: changes, Impact: ImpactNone, Why: "as asked for", Level: last}, nil)
	}
}
