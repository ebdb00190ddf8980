package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/transaction"
)

const rollbackLong = `Undo the change that is under way or waits to be confirmed, in whichever process
it is, or try a rollback again that failed. The answer comes when the host is as
it was before.

With --to N the host becomes what holdfast answered for in generation N of
holdfast history, as one transaction: what came since is removed, what is not
holdfast's stays. What was temporary then is temporary again.

With --abandon a change is given up that cannot be rolled back: its journal is
set aside, and the host stays as it is.

  -o text   a line that says what was done (the default)
  -o json   the outcome, for programs; a failure is one line on standard error

Exit codes: 0 done; 1 there is nothing to undo, or it is too late, nothing was
changed; 3 (--to) failed and rolled back, the host is as it was; 4 the rollback
failed, the host differs, and the message lists in what.`

const rollbackExample = `  holdfast rollback
  holdfast rollback --to 12 --confirm 60s
  holdfast rollback --abandon`

// rollbackFlags are the flags of rollback.
type rollbackFlags struct {
	changeFlags
	to      int
	abandon bool
}

func newRollback(a *app) *cobra.Command {
	var flags rollbackFlags
	c := command(&cobra.Command{
		Use:               "rollback [TRANSACTION]",
		Short:             "Undo the pending change, or return to an earlier generation",
		Long:              rollbackLong,
		Annotations:       formats("text", "json"),
		Example:           rollbackExample,
		Args:              oneTransaction,
		ValidArgsFunction: a.completePending,
		RunE: func(c *cobra.Command, args []string) error {
			return a.rollback(c, args, flags)
		},
	})
	c.Flags().SortFlags = false
	c.Flags().IntVar(&flags.to, "to", 0, "return to generation `N`; the flags below are for this")
	c.Flags().BoolVar(&flags.abandon, "abandon", false, "set the pending change aside, and leave the host as it is")
	flags.add(c)
	_ = c.RegisterFlagCompletionFunc("to", a.completeGenerations)
	return c
}

func (a *app) rollback(c *cobra.Command, args []string, flags rollbackFlags) error {
	a.changes = true
	returns := c.Flags().Changed("to")
	if err := flags.checkRollback(c, args, returns); err != nil {
		return err
	}
	switch {
	case returns:
		return a.returnTo(c, flags)
	case flags.abandon:
		return a.abandon(c)
	}
	return a.answer(c, args, backend.Rollback, "Rolled back:", "the host is as it was before")
}

// checkRollback tells which flags do not go together.
func (f *rollbackFlags) checkRollback(c *cobra.Command, args []string, returns bool) error {
	switch {
	case returns && f.abandon:
		return &usageError{message: "--to and --abandon exclude each other", hint: "abandon the pending change first"}
	case returns && f.to < 1:
		return &usageError{message: fmt.Sprintf("--to: there is no generation %d", f.to), hint: "holdfast history lists those that are there"}
	case len(args) > 0 && (returns || f.abandon):
		return &usageError{message: fmt.Sprintf("rollback: unexpected argument %q", args[0]), hint: "a transaction is named only to undo the pending change"}
	}
	for _, name := range changeFlagNames {
		if !returns && c.Flags().Changed(name) {
			return &usageError{message: "--" + name + " is for rollback --to", hint: "leave it out: the pending change is undone as it was begun"}
		}
	}
	return f.check(c)
}

func (a *app) returnTo(c *cobra.Command, flags rollbackFlags) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	return a.transact(c, format, fmt.Sprintf("generation %d says", flags.to), flags.options(), func(ctx context.Context, host backend, options holdfast.ApplyOptions) (*holdfast.Result, error) {
		return host.ReturnTo(ctx, flags.to, options)
	})
}

func (a *app) abandon(c *cobra.Command) error {
	format, err := a.format(c)
	if err != nil {
		return err
	}
	host, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	path, err := host.Abandon(c.Context())
	if err != nil {
		return err
	}
	if format == "json" {
		report := newSuccess(&holdfast.Result{Outcome: transaction.Unchanged})
		report.Journal = path
		a.out.json(report)
		return nil
	}
	_, _ = fmt.Fprintf(a.out, "%s the host stays as it is, the journal lies in %s.\n", a.painter(a.out)(yellow, "Abandoned:"), path)
	return nil
}

// completeGenerations offers the numbers of the history to the shell.
func (a *app) completeGenerations(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	host, err := a.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = host.Close() }()
	entries, _, err := host.History(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, e := range entries {
		if string(e.Outcome) == string(transaction.Applied) {
			words = append(words, strconv.Itoa(e.Number)+"\t"+whatChanged(e))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}
