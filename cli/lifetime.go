package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/state"
)

// How long an interface lasts that holdfast answers for.
const (
	// permanent comes back at boot as it is.
	permanent = "permanent"
	// temporary is gone after the next boot.
	temporary = "temporary"
	// partly comes back otherwise than it is now.
	partly = "partly"
)

// lifetimes tells by name how long each interface of a generation lasts; nil
// for none.
func lifetimes(g *holdfast.Generation) map[string]string {
	if g == nil {
		return nil
	}
	words := make(map[string]string, len(g.Running.Interfaces))
	later := make(map[string]*state.Interface, len(g.Persistent.Interfaces))
	for _, i := range g.Persistent.Interfaces {
		later[i.Name] = i
	}
	for _, now := range g.Running.Interfaces {
		switch then := later[now.Name]; {
		case then == nil:
			words[now.Name] = temporary
		case written(now) != written(then):
			words[now.Name] = partly
		default:
			words[now.Name] = permanent
		}
	}
	return words
}

// written is an interface as it is stored.
func written(i *state.Interface) string {
	return string(state.EncodeJSON(&state.State{Interfaces: []*state.Interface{i}}, state.ShowSecrets()))
}

// lifetimes tells by name how long what holdfast answers for lasts; nil if that
// is nothing, or not for this user to know.
func (a *app) lifetimes(ctx context.Context, host backend) map[string]string {
	newest, damages, err := host.Newest(ctx)
	if err != nil && !unreadable(err) {
		a.warn([]string{hinted(err)})
	}
	if !a.json {
		a.warnDamage(damages)
	}
	return lifetimes(newest)
}

// completeLifetime offers the interfaces of those lifetimes to the shell.
func (a *app) completeLifetime(words ...string) func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return func(c *cobra.Command, given []string, _ string) ([]string, cobra.ShellCompDirective) {
		host, err := a.open()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer func() { _ = host.Close() }()
		newest, _, _ := host.Newest(c.Context())
		var names []string
		for name, word := range lifetimes(newest) {
			if slices.Contains(words, word) && !slices.Contains(given, name) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
