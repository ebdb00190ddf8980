package cli

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/engine"
)

// changeFlags are the flags of what changes the host as a transaction.
type changeFlags struct {
	noVerify, force  bool
	timeout, confirm time.Duration
	probes           probeFlag
}

func (f *changeFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.DurationVar(&f.confirm, "confirm", 0, "roll back unless somebody confirms within `DURATION`, counted from before the first step")
	flags.Var(&f.probes, "probe", "what must be reachable after the change, for example gateway or tcp:HOST:PORT; may be repeated")
	flags.BoolVar(&f.noVerify, "no-verify", false, "do not read the host back; a step that fails still rolls back")
	flags.DurationVar(&f.timeout, "timeout", 0, "roll back when applying and verifying take longer than `DURATION`; 0 is a limit that grows with the plan")
	flags.BoolVar(&f.force, "force", false, "do also what is refused for safety: take over links that another program runs, remove what guests sit on")
	_ = c.RegisterFlagCompletionFunc("probe", completeProbes)
}

// changeFlagNames are the flags that add makes.
var changeFlagNames = []string{"confirm", "probe", "no-verify", "timeout", "force"}

// check tells what is wrong with the flags.
func (f *changeFlags) check(c *cobra.Command) error {
	if f.timeout < 0 {
		return &usageError{message: fmt.Sprintf("--timeout: %v is negative", f.timeout), hint: durationHint}
	}
	if c.Flags().Changed("confirm") && f.confirm <= 0 {
		return &usageError{message: fmt.Sprintf("--confirm: %v is no time to confirm in", f.confirm), hint: durationHint}
	}
	return nil
}

func (f *changeFlags) options() holdfast.ApplyOptions {
	return holdfast.ApplyOptions{
		Force: f.force, NoVerify: f.noVerify, Timeout: f.timeout, Confirm: f.confirm, Probes: f.probes.specs,
	}
}

// changer is one of the host's methods that make a transaction.
type changer func(context.Context, backend, holdfast.ApplyOptions) (*holdfast.Result, error)

// transact has a change carried out, stays with it until its end, and prints
// what it came to. said ends "Nothing to do: the host is as".
func (a *app) transact(c *cobra.Command, format, said string, options holdfast.ApplyOptions, change changer) error {
	line := a.newProgress("reading the host")
	defer line.end()
	host, err := a.open()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	v := &vigil{app: a, line: line, within: options.Confirm, said: said, start: time.Now()}
	ctx, stop := a.guard(c.Context(), line, v.stays)
	defer stop()
	options.Who, options.Guard = a.who(), a.guardian
	options.Attended = true // v.stays tells whether it is so
	options.Progress, options.Pending = v.progress, v.pending
	a.began = true
	result, err := change(ctx, host, options)
	line.end()
	if err != nil {
		a.tellBusy(c.Context(), host, err)
		return &outcomeError{outcome: result.Outcome, err: err, result: result}
	}
	return a.printResult(result, format, v)
}

// tellBusy tells more about a pending change that another one is refused for.
func (a *app) tellBusy(ctx context.Context, host backend, err error) {
	if holdfast.KindOf(err) == engine.Busy {
		a.tellPending(ctx, host, err)
	}
}

// who is the user and the command line, for history and for others who are
// refused meanwhile.
func (a *app) who() holdfast.Who {
	who := holdfast.Who{UID: os.Getuid(), Command: strings.Join(os.Args, " "), Via: "cli"}
	if u, err := user.LookupId(strconv.Itoa(who.UID)); err == nil {
		who.User = u.Username
	}
	if sudo := os.Getenv("SUDO_USER"); sudo != "" && who.UID == 0 {
		who.Via = "cli, sudo by " + sudo
	}
	return who
}

// commandLine is a command to be typed in another session, with the flags that
// make it find this change.
func (a *app) commandLine(words ...string) string {
	line := []string{"holdfast"}
	if a.flags.runDir != holdfast.DefaultRunDir {
		line = append(line, "--run-dir", a.flags.runDir)
	}
	if a.flags.stateDir != holdfast.DefaultStateDir {
		line = append(line, "--state-dir", a.flags.stateDir)
	}
	if a.flags.socket != "" {
		line = append(line, "--socket", a.flags.socket)
	}
	return strings.Join(append(line, words...), " ")
}
