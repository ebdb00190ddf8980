package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/engine"
	"holdfast/transaction"
)

const confirmLong = `Keep the change that waits to be confirmed (apply --confirm).

It may be any process's, and this one's user any that may change the network.
The answer comes when the change is kept for good. With the name of a transaction
nothing else is confirmed.

  -o text   a line that says what is kept (the default)
  -o json   the outcome, for programs; a failure is one line on standard error

Exit codes: 0 the change is kept; 1 there is nothing to confirm, or it is too
early; 3 it was rolled back meanwhile, the host is as it was; 4 and the rollback
failed.`

const confirmExample = `  holdfast confirm
  holdfast confirm k7w2m5q3xa`

func newConfirm(a *app) *cobra.Command {
	return command(&cobra.Command{
		Use:               "confirm [TRANSACTION]",
		Short:             "Keep the change that waits for it",
		Long:              confirmLong,
		Annotations:       formats("text", "json"),
		Example:           confirmExample,
		Args:              oneTransaction,
		ValidArgsFunction: a.completePending,
		RunE: func(c *cobra.Command, args []string) error {
			return a.answer(c, args, backend.Confirm, "Confirmed:", "the change is kept")
		},
	})
}

// oneTransaction checks that a command got at most one argument.
func oneTransaction(c *cobra.Command, args []string) error {
	if len(args) > 1 {
		return &usageError{message: fmt.Sprintf("%s: unexpected argument %q", c.Name(), args[1]), hint: "holdfast " + c.Use}
	}
	return nil
}

// answerer is Host.Confirm or Host.Rollback.
type answerer func(backend, context.Context, string, holdfast.Who) (*holdfast.Result, error)

// answer answers the pending change, in whichever process it is, and prints what
// it came to: word and text say it.
func (a *app) answer(c *cobra.Command, args []string, answer answerer, word, text string) error {
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
	line := a.newProgress("waiting for the answer")
	defer line.end()
	ctx, stop := a.guard(c.Context(), line, func() bool { return false })
	defer stop()
	id := ""
	if len(args) > 0 {
		id = args[0]
	}
	pending, _ := host.Pending(ctx)
	a.began = pending != nil
	who := a.who()
	who.Command = "" // the user is enough in what others read of it
	result, err := answer(host, ctx, id, who)
	line.end()
	result = completed(result, pending)
	if unreadable(err) && holdfast.KindOf(err) != engine.Permission { // who carries the change was not even asked
		return &engine.Error{Op: c.Name(), Kind: engine.Permission, Hint: "run it as root", Err: os.ErrPermission}
	}
	if err != nil {
		return &outcomeError{outcome: result.Outcome, err: err, result: result}
	}
	if format == "json" {
		a.out.json(newSuccess(result))
		return nil
	}
	a.warn(result.Warnings)
	if result.Outcome == transaction.Unchanged {
		text = "nothing had been changed yet"
	}
	_, _ = fmt.Fprintf(a.out, "%s %s%s.\n", a.painter(a.out)(green, word), text, naming(result))
	return nil
}

// completed is an answer together with what was known of the pending change. An
// answer that was refused changed nothing.
func completed(r *holdfast.Result, p *holdfast.PendingChange) *holdfast.Result {
	if r == nil {
		r = &holdfast.Result{}
	}
	if r.Outcome == "" {
		r.Outcome = transaction.Unchanged
	}
	if p != nil && r.Transaction == p.Transaction {
		r.Generation = p.Generation
	}
	return r
}

// completePending offers the pending transaction to the shell.
func (a *app) completePending(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	host, err := a.open()
	if err != nil || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer func() { _ = host.Close() }()
	p, err := host.Pending(c.Context())
	if p == nil || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{p.Transaction}, cobra.ShellCompDirectiveNoFileComp
}
