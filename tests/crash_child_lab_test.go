package tests

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/cli"
	"holdfast/engine"
	"holdfast/engine/kernel"
	"holdfast/internal/guardian"
	"holdfast/probe"
	"holdfast/state"
)

// crashRole is set in a process that is to die at a given moment; it holds a
// victim in JSON.
const crashRole = "HOLDFAST_TEST_CRASH"

const (
	// died begins the line that tells where a process killed itself.
	died = "died "
	// lived begins the line that tells how many moments there were.
	lived = "lived through "
)

// The ways of a change.
const (
	// applies goes through to its end.
	applies = "applies"
	// fails at its last step, and is rolled back.
	fails = "fails"
	// confirms is confirmed once it waits for that.
	confirms = "confirms"
)

// What becomes of the guardian.
const (
	// watches: it does what it is there for.
	watches = "watches"
	// dies: it is killed in the midst of it.
	dies = "dies"
	// killed: it is killed with the process that it watches.
	killed = "killed"
	// alone: it is killed, and the process that it watches is not.
	alone = "alone"
)

// A victim is a process that changes a host and is killed at a moment of that.
type victim struct {
	// Dir has all its files: the state and the run directory, the document, and
	// the guardian's number.
	Dir string
	// Way is how its change goes.
	Way string
	// At is the moment; 0 is never.
	At int
	// Guardian is what becomes of its guardian, and GuardianAt the moment at
	// which it dies.
	Guardian   string
	GuardianAt int
}

func (v victim) file(name string) string { return filepath.Join(v.Dir, name) }

// flags are those of a command that finds its directories.
func (v victim) flags(command ...string) []string {
	return append([]string{"--run-dir", v.file("run"), "--state-dir", v.file("state")}, command...)
}

// options open the host with a bomb in it.
func (v victim) options(b *bomb) (holdfast.Options, error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	e, err := kernel.Open(kernel.Options{RunDir: v.file("run"), Logger: log})
	return holdfast.Options{
		Carrier: &mined{Engine: e, bomb: b, fails: v.Way == fails}, Files: files{bomb: b},
		StateDir: v.file("state"), RunDir: v.file("run"), Logger: log,
	}, err
}

// crashMain is the main function of a victim, and of its guardian: the real one
// unless that is to die, too.
func crashMain(role string) int {
	var v victim
	if err := json.Unmarshal([]byte(role), &v); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	guards := slices.Contains(os.Args[1:], "guard")
	if guards && v.Guardian != dies {
		return cli.Main()
	}
	err := error(nil)
	if guards {
		err = v.guard()
	} else {
		err = v.change()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// change makes the change.
func (v victim) change() error {
	b := &bomb{at: v.At}
	options, err := v.options(b)
	if err != nil {
		return err
	}
	host, err := holdfast.Open(options)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(v.file("document"))
	if err != nil {
		return err
	}
	desired, err := state.Parse("document", text)
	if err != nil {
		return err
	}
	client, err := probe.Parse("client")
	if err != nil {
		return err
	}
	ctx := context.Background()
	how := holdfast.ApplyOptions{
		Force: true, Guard: v.startGuardian(b), Probes: []probe.Spec{client},
		Client: func(context.Context, probe.Spec) error { b.moment("probe"); return nil },
	}
	confirmed := make(chan error, 1)
	confirmed <- nil
	if v.Way == confirms {
		how.Confirm = time.Hour
		how.Pending = func(*holdfast.Result) {
			b.moment("waits")
			if err := <-confirmed; err != nil {
				panic("internal error: confirmed twice")
			}
			go func() {
				_, err := host.Confirm(ctx, "", holdfast.Who{})
				confirmed <- err
			}()
		}
	}
	_, err = host.Apply(ctx, desired, how)
	if v.Way == fails && errors.Is(err, errInjected) {
		err = nil
	}
	fmt.Fprintf(os.Stderr, "%s%d\n", lived, b.count)
	return errors.Join(err, <-confirmed, host.Close())
}

// startGuardian is holdfast.ApplyOptions.Guard.
func (v victim) startGuardian(b *bomb) func(string) func() {
	return func(string) func() {
		g, err := guardian.Start("guard", "--run-dir", v.file("run"), "--state-dir", v.file("state"))
		if err == nil {
			err = os.WriteFile(v.file("guardian"), strconv.AppendInt(nil, int64(g.PID()), 10), 0o600)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if v.Guardian == killed || v.Guardian == alone {
			b.also, b.instead = g.PID(), v.Guardian == alone
		}
		b.moment("the guardian's start")
		return g.Dismiss
	}
}

// guard is a guardian that is killed in the midst of its work.
func (v victim) guard() error {
	if gone, err := guardian.Watch(); err != nil || !gone {
		return err
	}
	options, err := v.options(&bomb{at: v.GuardianAt})
	if err != nil {
		return err
	}
	host, err := holdfast.Open(options)
	if err != nil {
		return err
	}
	for {
		_, err := host.Recover(context.Background(), true)
		if holdfast.KindOf(err) != engine.Busy {
			return errors.Join(err, host.Close())
		}
		time.Sleep(50 * time.Millisecond) // until the one that was killed is gone
	}
}

// isRunning tells whether a process is there and not dead.
func isRunning(pid int) bool { return unix.Kill(pid, 0) == nil && !isZombie(pid) }

func isZombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	// proc_pid_stat(5): the state comes after the name, which is in brackets.
	return bytes.Contains(text, []byte(") Z "))
}
