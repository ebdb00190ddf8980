package plan

import (
	"slices"
	"strings"

	"holdfast/state"
)

// last tells the ordering that a step comes after all others.
const last = -1

// resolver plans the resolver's configuration, which comes last.
func (b *builder) resolver() {
	want := b.target.State.DNS
	if want == nil || want.Config == nil {
		return
	}
	was := &state.Resolver{}
	if c := b.current.DNS; c != nil && c.Config != nil {
		was = c.Config
	}
	var changes []Change
	next := state.Resolver{}
	for _, list := range [...]struct {
		key       string
		was, want []string
		next      *[]string
	}{
		{"server", was.Server, want.Config.Server, &next.Server},
		{"search", was.Search, want.Config.Search, &next.Search},
		{"options", was.Options, want.Config.Options, &next.Options},
	} {
		*list.next = list.want
		if list.want == nil {
			*list.next = list.was
			continue
		}
		if !slices.Equal(list.was, list.want) {
			changes = append(changes, Change{Key: list.key, From: strings.Join(list.was, " "), To: strings.Join(list.want, " ")})
		}
	}
	if len(changes) > 0 {
		b.add(Step{Verb: SetDNS, Object: "dns-resolver", Resolver: &next, Changes: changes, Impact: ImpactHot, Why: "as asked for", Level: last}, nil)
	}
}
