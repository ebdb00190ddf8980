package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/state"
)

const showLong = `Print the host's network as it is now.

Without a name everything is printed; with names (alternative ones too) only
those interfaces and the routes that leave by them. The output of -o yaml and
-o json is what apply takes: applying it again changes nothing.

  -o yaml   nmstate's schema (the default)
  -o json   the same as JSON
  -o table  one row for each interface, to read at a glance

The table tells what is permanent and what is temporary, gone after the next boot,
and the tree what is temporary. A change that is pending is told of on standard
error.

No privileges are needed. What only root can read is left out without them.`

const showExample = `  holdfast show
  holdfast show br0 bond0 -o json
  holdfast show -o table
  holdfast show --tree
  holdfast show --running-config > host.yml`

// showFlags are the flags of show.
type showFlags struct {
	tree, runningConfig, secrets bool
}

func newShow(a *app) *cobra.Command {
	var flags showFlags
	c := command(&cobra.Command{
		Use:               "show [NAME...]",
		Short:             "Print the host's network",
		Long:              showLong,
		Annotations:       formats("yaml", "json", "table"),
		Example:           showExample,
		ValidArgsFunction: completeLinks,
		RunE: func(c *cobra.Command, names []string) error {
			return a.show(c, names, flags)
		},
	})
	c.Flags().BoolVar(&flags.tree, "tree", false, "draw who sits on whom: NICs, what is made on them, and so on up")
	c.Flags().BoolVar(&flags.runningConfig, "running-config", false, "leave out what is not configuration: leases, autoconf, daemons' routes")
	c.Flags().BoolVar(&flags.secrets, "show-secrets", false, "print passwords and keys instead of a placeholder")
	return c
}

func (a *app) show(c *cobra.Command, names []string, flags showFlags) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	if flags.tree && a.flags.output != "" && format != "table" {
		return &usageError{message: "--tree and -o " + format + " exclude each other", hint: "leave one of them out"}
	}
	current, lasts, err := a.current(c, names, flags, flags.tree || format == "table")
	if err != nil {
		return err
	}
	switch {
	case flags.tree:
		lastingTree(a.out, a.painter(a.out), a.out.width(), current.Interfaces, lasts)
	case format == "table":
		lastingTable(a.out, a.painter(a.out), a.out.width(), current.Interfaces, lasts)
	case format == "json":
		_, _ = a.out.Write(state.EncodeJSON(current, flags.encoding()...))
	default:
		_, _ = a.out.Write(state.EncodeYAML(current, flags.encoding()...))
	}
	return nil
}

func (f showFlags) encoding() []state.EncodeOption {
	if f.secrets {
		return []state.EncodeOption{state.ShowSecrets()}
	}
	return nil
}

// current reads the host, or only the named interfaces of it, and checks that
// every one is there. With lasts it tells their lifetimes, too.
func (a *app) current(c *cobra.Command, names []string, flags showFlags, lasts bool) (current *state.State, words map[string]string, err error) {
	a.secrets = flags.secrets
	host, err := a.open()
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = host.Close() }()
	line := a.newProgress("reading the host")
	defer line.end()
	current, err = host.Show(c.Context(), holdfast.ShowOptions{Names: names})
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if !slices.ContainsFunc(current.Interfaces, func(i *state.Interface) bool { return called(i, name) }) {
			return nil, nil, a.noSuchInterface(c, host, name)
		}
	}
	if len(names) > 0 {
		current.Hostname, current.DNS = nil, nil
	}
	if flags.runningConfig {
		current = state.RunningConfig(current)
	}
	line.end()
	a.tellPending(c.Context(), host, nil)
	if lasts {
		words = a.lifetimes(c.Context(), host)
	}
	return current, words, nil
}

// called tells whether the name is one of the interface's.
func called(i *state.Interface, name string) bool {
	return i.Name == name || slices.ContainsFunc(i.AltNames, func(n state.AltName) bool { return n.Name == name })
}

// noSuchInterface tells that a name is not there, and which one may be meant.
func (a *app) noSuchInterface(c *cobra.Command, host backend, name string) error {
	hint := "holdfast show -o table lists the interfaces"
	if all, err := host.Show(c.Context(), holdfast.ShowOptions{}); err == nil {
		var known []string
		for _, i := range all.Interfaces {
			known = append(known, i.Name)
		}
		if s := problem.DidYouMean(name, known); s != "" {
			hint = s
		}
	}
	if name == "" {
		name = `""`
	}
	return &engine.Error{Object: name, Kind: engine.NotFound, Hint: hint, Err: fmt.Errorf("no such interface")}
}
