package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"holdfast/state"
)

const historyShowLong = `Print the configuration that holdfast answered for in a generation, the newest
if no number is given: what it was told about, and not what else was on the host.

  -o yaml   nmstate's schema, under a comment that names the generation (the
            default)
  -o json   the same as JSON`

const historyShowExample = `  holdfast history show 12
  holdfast history show --persistent -o json`

func newHistoryShow(a *app) *cobra.Command {
	var persistent, secrets bool
	c := command(&cobra.Command{
		Use:               "show [N]",
		Short:             "Print an earlier configuration",
		Long:              historyShowLong,
		Annotations:       formats("yaml", "json"),
		Example:           historyShowExample,
		Args:              atMost(1),
		ValidArgsFunction: a.completeGenerations,
		RunE: func(c *cobra.Command, args []string) error {
			return a.historyShow(c, args, persistent, showFlags{secrets: secrets})
		},
	})
	c.Flags().BoolVar(&persistent, "persistent", false, "print what comes back at boot instead of what was in force")
	c.Flags().BoolVar(&secrets, "show-secrets", false, "print passwords and keys instead of a placeholder")
	return c
}

// atMost checks that a command got no more arguments than that.
func atMost(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) > n {
			return &usageError{message: fmt.Sprintf("%s: unexpected argument %q", c.Name(), args[n]), hint: "see " + c.CommandPath() + " --help"}
		}
		return nil
	}
}

func (a *app) historyShow(c *cobra.Command, args []string, persistent bool, flags showFlags) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	a.secrets = flags.secrets
	word := ""
	if len(args) > 0 {
		word = args[0]
	}
	return a.reading(c, func(ctx context.Context, host backend) error {
		g, err := generation(ctx, host, word)
		a.tellPending(ctx, host, err)
		if err != nil {
			return err
		}
		shown := setOf(g, persistent)
		if format == "json" {
			_, _ = a.out.Write(state.EncodeJSON(shown, flags.encoding()...))
			return nil
		}
		what := "in force"
		if persistent {
			what = "persistent"
		}
		_, _ = fmt.Fprintf(a.out, "# generation %d, %s: %s, transaction %s\n",
			g.Number, what, g.Time.Local().Format(time.DateTime), g.Transaction)
		_, _ = a.out.Write(state.EncodeYAML(shown, flags.encoding()...))
		return nil
	})
}
