package cli

import (
	"context"
	"errors"
	"log/slog"
	"log/syslog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/engine"
	"holdfast/internal/guardian"
	"holdfast/internal/systemd"
)

const (
	// guardCommand is the hidden command that a guardian runs.
	guardCommand = "guard"
	// guardPatience is how long a guardian tries while others hold the lock: they
	// recover what is pending themselves.
	guardPatience = 10 * time.Minute
	// scopeLimit bounds the wait for systemd.
	scopeLimit = 2 * time.Second
)

// guardian starts a process that rolls the change back should this one be
// killed. It is holdfast.ApplyOptions.Guard. Without a guardian the next command
// that changes the host does that, or the next boot.
func (a *app) guardian(transaction string) (dismiss func()) {
	log := a.logger()
	g, err := guardian.Start(guardCommand, "--run-dir", a.flags.runDir, "--state-dir", a.flags.stateDir, "--engine", a.flags.engine.value)
	if err != nil {
		log.Warn("nobody guards this change", "transaction", transaction, "err", err)
		return func() {}
	}
	if inSession() {
		leaveSession(transaction, g.PID(), log)
	}
	return g.Dismiss
}

// inSession tells whether the process belongs to a user's session, at whose end
// systemd-logind may kill it (logind.conf(5), KillUserProcesses).
func inSession() bool {
	groups, err := os.ReadFile("/proc/self/cgroup")
	return err == nil && strings.Contains(string(groups), "/user.slice/")
}

// leaveSession puts this process and its guardian into a scope of their own.
func leaveSession(transaction string, guard int, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), scopeLimit)
	defer cancel()
	bus, err := systemd.Connect(ctx)
	if err == nil {
		defer func() { _ = bus.Close() }()
		err = bus.MoveToScope(ctx, "holdfast-"+transaction, "holdfast changes the network", []int{os.Getpid(), guard})
	}
	if err != nil {
		log.Warn("the end of this session may end the change", "transaction", transaction, "err", err)
	}
}

func newGuard(a *app) *cobra.Command {
	return command(&cobra.Command{
		Use:    guardCommand,
		Short:  "Roll a change back whose process is killed (started by apply)",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE:   func(*cobra.Command, []string) error { return a.keepGuard() },
	})
}

// keepGuard waits until the process that started it is done. If it was killed
// instead, what it left behind is brought to an end.
func (a *app) keepGuard() error {
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP)
	killed, err := guardian.Watch()
	if err != nil {
		return &usageError{message: err.Error()}
	}
	if !killed {
		return nil
	}
	log := guardLog()
	log.Warn("the process that changed the network was killed")
	host, err := holdfast.Open(holdfast.Options{
		Engine: a.flags.engine.value, RunDir: a.flags.runDir, StateDir: a.flags.stateDir, Logger: log,
	})
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	left, err := a.recover(context.Background(), host)
	switch {
	case err != nil:
		log.Error("what it left behind could not be recovered", "err", err)
	case left != nil:
		log.Warn("recovered", "transaction", left.Transaction, "outcome", string(left.Outcome), "err", left.Err)
	}
	return err
}

// recover waits for the lock and ends what is pending; nil if somebody else did.
func (a *app) recover(ctx context.Context, host *holdfast.Host) (*holdfast.Recovery, error) {
	ctx, cancel := context.WithTimeout(ctx, guardPatience)
	defer cancel()
	for {
		left, err := host.Recover(context.WithoutCancel(ctx), true)
		if holdfast.KindOf(err) != engine.Busy {
			return left, err
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// guardLog writes to the system's log: a guardian has no terminal.
func guardLog() *slog.Logger {
	w, err := syslog.New(syslog.LOG_DAEMON|syslog.LOG_WARNING, "holdfast")
	if err != nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{} // the system's log has its own
		}
		return a
	}}))
}
