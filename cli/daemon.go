package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/server"
)

const daemonLong = `Run the daemon, in the foreground: systemd starts it as holdfast.service.

First it brings to an end what a process left behind that was killed in the midst
of a change; a change that waits for confirmation goes on waiting. Then it serves
the API at its socket, and over TCP where the configuration says so. root and the
members of the group ` + server.Group + ` may change the network there, everybody else may look.
Every other command asks the daemon where one runs.

SIGHUP reads the configuration again. SIGTERM ends the daemon: a change under way
is finished first, and one that waits for confirmation stays pending for the next
daemon.

Exit codes: 0 ended by a signal; 1 the configuration is wrong, or another daemon
runs.`

func newDaemon(a *app) *cobra.Command {
	d := &daemon{app: a}
	c := command(&cobra.Command{
		Use:     "daemon",
		Short:   "Serve the API, and stay with changes",
		Long:    daemonLong,
		Example: "  holdfast daemon\n  holdfast daemon --config ./holdfast.yaml --run-dir /tmp/run --state-dir /tmp/state",
		Args:    noArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return d.run(c.Context()) },
	})
	c.Flags().StringVar(&d.config, "config", server.DefaultConfig, "`FILE` of the configuration; it may lack")
	_ = c.MarkFlagFilename("config", "yaml", "yml")
	return c
}

// task is a part of the daemon that runs until its context ends.
type task interface {
	Run(ctx context.Context) error
	fmt.Stringer
}

// daemon is a run of it.
type daemon struct {
	app    *app
	config string
	log    *slog.Logger
	host   *holdfast.Host
	server *server.Server
	now    *server.Config
}

func (d *daemon) run(ctx context.Context) error {
	debug.SetGCPercent(100) // a daemon is no short run
	debug.SetMemoryLimit(math.MaxInt64)
	d.log = d.app.daemonLogger()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	host, err := d.app.openHere()
	if err != nil {
		return err
	}
	defer func() { _ = host.Close() }()
	d.host = host
	d.recover(ctx)
	if d.now, err = server.ReadConfig(d.config); err != nil {
		return err
	}
	if err := d.sameEngine(); err != nil {
		return err
	}
	d.configure()
	listeners, err := d.listen()
	if err != nil {
		return &engine.Error{Op: "listen", Kind: engine.Internal, Err: err}
	}
	d.server = server.New(server.Options{
		Host: host, Listeners: listeners, Access: d.now.Access(), Build: d.hello(), Guard: d.guard(), Logger: d.log,
	})
	tasks := []task{d.server, &watchdog{d.app.socket(), d.log}, &reloading{d, hangup}, &readiness{d}, &keeper{daemon: d}}
	return d.all(ctx, tasks)
}

// daemonLogger writes to standard error, which systemd keeps.
func (a *app) daemonLogger() *slog.Logger {
	level := slog.LevelInfo
	_ = level.UnmarshalText([]byte(os.Getenv("HOLDFAST_LOG")))
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: level}))
}

// recover brings to an end what another process left behind, whatever the
// configuration says. A change that waits for confirmation is left to the keeper.
func (d *daemon) recover(ctx context.Context) {
	left, err := d.host.Recover(context.WithoutCancel(ctx), false)
	switch {
	case holdfast.KindOf(err) == engine.Busy:
		d.log.Info("somebody changes the host; nothing is recovered", "err", err)
	case err != nil:
		d.log.Error("what was left behind cannot be recovered", "err", err)
	case left != nil:
		d.log.Warn("a change was left behind", "transaction", left.Transaction, "outcome", string(left.Outcome), "err", left.Err)
	}
}

// sameEngine refuses a configuration that asks for another engine than the
// command line.
func (d *daemon) sameEngine() error {
	asked, configured := d.app.flags.engine.value, d.now.Engine
	if configured == "" || configured == holdfast.EngineAuto || asked == configured || asked == holdfast.EngineAuto && configured == d.host.Engine() {
		return nil
	}
	return &usageError{message: fmt.Sprintf("%s: engine: %s, but --engine says %s", d.config, configured, asked), hint: "leave one of them out"}
}

// configure passes on what may change while the daemon runs.
func (d *daemon) configure() {
	d.host.SetDefaults(holdfast.Defaults{Probes: d.now.Probes, ProbeDir: d.now.ProbeFolder, Keep: d.now.KeepGenerations})
}

// listen opens what the API is served at: systemd's sockets where it gave some.
func (d *daemon) listen() ([]server.Listener, error) {
	var list []server.Listener
	given, err := server.Activated()
	if err != nil {
		return nil, err
	}
	if len(given) == 0 {
		own, err := server.ListenUnix(d.app.socket())
		if err != nil {
			return nil, err
		}
		given = append(given, own)
	}
	closeAll := func() {
		for _, l := range given {
			_ = l.Close()
		}
	}
	var secure *server.TLS
	if t := d.now.TLS; t != nil {
		if secure, err = server.NewTLS(t.Cert, t.Key, t.CA, d.log); err != nil {
			closeAll()
			return nil, err
		}
		if !slices.ContainsFunc(given, isTCP) {
			tcp, err := net.Listen("tcp", t.Listen)
			if err != nil {
				closeAll()
				return nil, err
			}
			given = append(given, tcp)
		}
	}
	for _, l := range given {
		one := server.Listener{Listener: l}
		if isTCP(l) {
			if secure == nil {
				closeAll()
				return nil, errors.New("a TCP socket was given, and the configuration has no tls section")
			}
			one.TLS = secure
		}
		d.log.Info("listening", "at", l.Addr().String(), "tls", one.TLS != nil)
		list = append(list, one)
	}
	return list, nil
}

func isTCP(l net.Listener) bool { return l.Addr().Network() == "tcp" }

// hello is what the daemon says of itself.
func (d *daemon) hello() api.Hello {
	b := readBuild()
	return api.Hello{
		Version: b.Version, Commit: b.Commit, Modified: b.Modified, Go: b.Go, Platform: b.Platform,
		Namespace: networkNamespace(), StateDir: d.app.flags.stateDir, RunDir: d.app.flags.runDir,
	}
}

// guard has changes guarded, unless systemd does: it starts the daemon again,
// which recovers, and would end a guardian together with the daemon.
func (d *daemon) guard() func(string) func() {
	if os.Getenv("NOTIFY_SOCKET") != "" {
		return nil
	}
	return d.app.guardian
}

// readiness is the task that tells systemd when the API is served.
type readiness struct{ *daemon }

// String names the task.
func (r *readiness) String() string { return "readiness" }

// Run tells it, once.
func (r *readiness) Run(ctx context.Context) error {
	select {
	case <-r.server.Ready():
		r.log.Info("ready", "engine", r.host.Engine(), "socket", r.app.socket())
		notify(r.log, "READY=1")
	case <-ctx.Done():
	}
	return nil
}

// all runs the tasks until ctx ends or one of them does, and waits for all.
func (d *daemon) all(ctx context.Context, tasks []task) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stopping := context.AfterFunc(ctx, func() { notify(d.log, "STOPPING=1") })
	defer stopping()
	var running sync.WaitGroup
	failures := make([]error, len(tasks))
	for i, t := range tasks {
		running.Go(func() {
			if err := t.Run(ctx); err != nil {
				d.log.Error("a task failed", "task", t.String(), "err", err)
				failures[i] = fmt.Errorf("%s: %w", t, err)
				cancel()
			}
		})
	}
	running.Wait()
	d.log.Info("ended")
	return errors.Join(failures...)
}

// reloading is the task that reads the configuration again at SIGHUP.
type reloading struct {
	*daemon
	hangup <-chan os.Signal
}

// String names the task.
func (r *reloading) String() string { return "configuration" }

// Run waits for signals until ctx ends.
func (r *reloading) Run(ctx context.Context) error {
	for {
		select {
		case <-r.hangup:
			r.reload()
		case <-ctx.Done():
			return nil
		}
	}
}

// reload reads the configuration; a wrong one changes nothing.
func (r *reloading) reload() {
	next, err := server.ReadConfig(r.config)
	if err != nil {
		r.log.Error("the configuration is wrong; the old one stays", "err", err)
		return
	}
	if restartNeeded(r.now, next) {
		r.log.Warn("a change of engine, tls.listen, tls.cert, tls.key or tls.ca needs a restart")
	}
	r.now = next
	r.configure()
	r.server.Grant(next.Access())
	r.log.Info("the configuration was read again", "file", r.config)
}

// restartNeeded tells whether configurations differ in what is set up once.
func restartNeeded(now, next *server.Config) bool {
	fixed := func(c *server.Config) [5]string {
		f := [5]string{c.Engine}
		if c.TLS != nil {
			f = [5]string{c.Engine, c.TLS.Listen, c.TLS.Cert, c.TLS.Key, c.TLS.CA}
		}
		return f
	}
	return fixed(now) != fixed(next)
}
