package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"holdfast"
)

const persistLong = `Make temporary interfaces permanent, with the routes through them: they come back
at boot as they are now. With --all that goes for everything that holdfast answers
for, rules, DNS and the host name included. The host is not touched.

What stands on something temporary cannot be permanent: name that, too.

  -o text   a line that says what was done (the default)
  -o json   the outcome, for programs; a failure is one line on standard error`

const persistExample = `  holdfast persist br0 bond0
  holdfast persist --all`

const unpersistLong = `Make permanent interfaces temporary, with the routes through them: they stay as
they are until the next boot, and do not come back. The host is not touched.

  -o text   a line that says what was done (the default)
  -o json   the outcome, for programs; a failure is one line on standard error`

func newPersist(a *app) *cobra.Command {
	var all bool
	c := command(&cobra.Command{
		Use:               "persist NAME...|--all",
		Short:             "Make temporary interfaces permanent",
		Long:              persistLong,
		Annotations:       formats("text", "json"),
		Example:           persistExample,
		ValidArgsFunction: a.completeLifetime(temporary, partly),
		Args: func(c *cobra.Command, names []string) error {
			switch {
			case all && len(names) > 0:
				return &usageError{message: "names and --all exclude each other", hint: "leave one of them out"}
			case !all:
				return namesWanted(c, names)
			}
			return nil
		},
		RunE: func(c *cobra.Command, names []string) error {
			return a.rewrite(c, names, backend.Persist, "permanent")
		},
	})
	c.Flags().BoolVar(&all, "all", false, "everything that holdfast answers for")
	return c
}

func newUnpersist(a *app) *cobra.Command {
	return command(&cobra.Command{
		Use:               "unpersist NAME...",
		Short:             "Make permanent interfaces temporary",
		Long:              unpersistLong,
		Annotations:       formats("text", "json"),
		Example:           "  holdfast unpersist br0",
		ValidArgsFunction: a.completeLifetime(permanent, partly),
		Args:              namesWanted,
		RunE: func(c *cobra.Command, names []string) error {
			return a.rewrite(c, names, backend.Unpersist, "temporary")
		},
	})
}

// namesWanted checks that a command got at least one name.
func namesWanted(c *cobra.Command, names []string) error {
	if len(names) == 0 {
		return &usageError{message: c.Name() + ": no interface given", hint: "holdfast " + c.Use}
	}
	return nil
}

// rewriter is Host.Persist or Host.Unpersist.
type rewriter func(backend, context.Context, []string, holdfast.Who) (*holdfast.Result, error)

// rewrite changes what comes back at boot, and says what it is now.
func (a *app) rewrite(c *cobra.Command, names []string, rewrite rewriter, lifetime string) error {
	a.changes = true
	format, err := a.format(c)
	if err != nil {
		return err
	}
	host, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	result, err := rewrite(host, c.Context(), slices.Compact(slices.Sorted(slices.Values(names))), a.who())
	if err != nil {
		a.tellBusy(c.Context(), host, err)
		return &outcomeError{outcome: result.Outcome, err: err, result: result}
	}
	if format == "json" {
		a.out.json(newSuccess(result))
		return nil
	}
	a.warn(result.Warnings)
	what := strings.Join(names, ", ") + " is"
	switch len(names) {
	case 0:
		what = "everything is"
	case 1:
	default:
		what = strings.Join(names, ", ") + " are"
	}
	if result.Generation == 0 {
		_, _ = fmt.Fprintf(a.out, "Nothing to do: %s %s already.\n", what, lifetime)
		return nil
	}
	_, _ = fmt.Fprintf(a.out, "%s %s %s (generation %d).\n", a.painter(a.out)(green, "Done:"), what, lifetime, result.Generation)
	return nil
}
