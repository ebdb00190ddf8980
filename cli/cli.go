// Package cli is the command line of holdfast: one file per command, and what
// they share.
//
// Data goes to standard output, messages go to standard error. A command that
// changes the host ends with 0 (done), 1 (refused, nothing was changed), 3
// (failed and rolled back) or 4 (failed, and the rollback failed too); plan and
// diff end with 0 (nothing), 2 (changes) or 1 (error).
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/api"
)

// Main runs the command line of this process and returns its exit code.
func Main() int {
	tuneMemory()
	// Without this a reader that goes away would end the process by a signal:
	// an apply must not end with its reader, and a show ends by itself.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	return Run(context.Background(), os.Args[1:], Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}

// Run runs one command line, args without the program's name, and returns the
// exit code. A panic becomes exit code 1 and "internal error".
func Run(ctx context.Context, args []string, streams Streams) (code int) {
	app := &app{in: streams.In, out: &sink{to: streams.Out}, err: &sink{to: streams.Err}, json: wantsJSON(args)}
	defer func() {
		if r := recover(); r != nil {
			code = app.fail(app.outcomeOfPanic(&panicError{value: r, stack: debug.Stack()}))
		}
	}()
	root := newRoot(app)
	root.SetArgs(args)
	root.SetIn(streams.In)
	root.SetOut(app.out)
	root.SetErr(app.err)
	if err := root.ExecuteContext(ctx); err != nil {
		return app.fail(err)
	}
	return app.finish()
}

// Streams are the three streams of a run. Whether one is a terminal is asked
// of it when it is an *os.File; nothing else is.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is one run of the command line.
type app struct {
	in       io.Reader
	out, err *sink
	flags    globals
	// documents are the files that say what is desired, for the daemon.
	documents []api.Document
	// secrets is set by a command that shows them.
	secrets bool
	// remote is set when a daemon carries the change.
	remote bool
	// json is set when -o json asks for errors in JSON.
	json bool
	// code is the exit code of a run without an error.
	code int
	// changes is set by a command that changes the host: its failures tell
	// what became of the host. began is set when it may have begun to.
	changes, began bool
}

// finish returns the exit code of a run that had no error of its own.
// Output that could not be written is one, unless nobody reads it any more or
// the code already tells what became of the host.
func (a *app) finish() int {
	err := a.out.failure()
	if err == nil {
		return a.code
	}
	writeError(a.err, fmt.Sprintf("write standard output: %v", err))
	if a.changes || a.code != exitDone {
		return a.code
	}
	return exitError
}

// open opens the host as the global flags say: by the daemon, if one answers
// for it, or in this process.
func (a *app) open() (backend, error) {
	b, err := a.daemon()
	if b != nil || err != nil {
		return b, err
	}
	host, err := a.openHere()
	if err != nil {
		return nil, err
	}
	return local{host}, nil
}

// openHere opens the host in this process.
func (a *app) openHere() (*holdfast.Host, error) {
	return holdfast.Open(holdfast.Options{
		Engine: a.flags.engine.value, RunDir: a.flags.runDir, StateDir: a.flags.stateDir, Logger: a.logger(),
	})
}

// logger writes to standard error what the environment variable HOLDFAST_LOG
// asks for, "info" or "debug"; without it nothing is logged.
func (a *app) logger() *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(os.Getenv("HOLDFAST_LOG"))); err != nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// command fills in what all commands have in common.
func command(c *cobra.Command) *cobra.Command {
	c.DisableFlagsInUseLine = true
	c.DisableAutoGenTag = true
	return c
}
