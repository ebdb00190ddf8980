package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"holdfast/lab/channel"
	"holdfast/lab/machine"
)

// exitTimeout is timeout(1)'s.
const exitTimeout = 124

// exitPowerCut is what a shell shows for a process that was killed.
const exitPowerCut = 137

// list is a flag that may be given several times.
type list []string

func (l *list) String() string         { return strings.Join(*l, ",") }
func (l *list) Set(value string) error { *l = append(*l, value); return nil }

// request is what the flags of run and shell ask for.
type request struct {
	options machine.Options
	timeout time.Duration
	env     list
	command []string
}

func parse(name string, args []string) (request, error) {
	var r request
	var outputs list
	flags := flag.NewFlagSet("lab "+name, flag.ContinueOnError)
	flags.DurationVar(&r.timeout, "timeout", 0, "end the lab after this time, with exit code 124; 0: never")
	flags.IntVar(&r.options.NICs, "nics", 0, "QEMU NICs: eth0…, each wired to sw0…")
	flags.StringVar(&r.options.Driver, "driver", "", "their model, virtio-net-pci or e1000e")
	flags.BoolVar(&r.options.Systemd, "systemd", false, "boot systemd as process 1")
	flags.StringVar(&r.options.Disk, "disk", "", "a file that is the disk on "+machine.DiskDir+", made if it does not exist")
	flags.StringVar(&r.options.Memory, "memory", "", "as QEMU's -m (default 3G)")
	flags.StringVar(&r.options.Append, "append", "", "further arguments of the kernel, ipv6.disable=1 for example")
	flags.Var(&outputs, "out", "a folder that the lab writes for real; may be repeated")
	flags.Var(&r.env, "env", "KEY=VALUE for the command; may be repeated")
	if err := flags.Parse(args); err != nil {
		return r, err
	}
	r.options.Outputs = outputs
	r.options.Note = note
	r.command = flags.Args()
	return r, nil
}

func note(text string) { fmt.Fprintln(os.Stderr, "lab:", text) }

// interrupted is a signal as the reason why a context ended.
type interrupted struct{ signal syscall.Signal }

func (i interrupted) Error() string { return i.signal.String() }

var errTimeout = errors.New("time limit")

// limited is a context that ends with the time limit, or with a signal, which is then its cause.
func limited(timeout time.Duration) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	stop := func() { signal.Stop(signals); cancel(nil) }
	go func() {
		select {
		case s := <-signals:
			cancel(interrupted{s.(syscall.Signal)})
		case <-ctx.Done():
		}
	}()
	if timeout <= 0 {
		return ctx, stop
	}
	limit, stopLimit := context.WithTimeoutCause(ctx, timeout, errTimeout)
	return limit, func() { stopLimit(); stop() }
}

// failure turns what ended a run into an exit code.
func failure(err error, code int) (int, error) {
	var by interrupted
	switch {
	case err == nil:
		return code, nil
	case errors.As(err, &by):
		return 128 + int(by.signal), err
	case errors.Is(err, errTimeout):
		return exitTimeout, err
	case errors.Is(err, machine.ErrPowerCut):
		return exitPowerCut, err
	case code != 0:
		return code, err
	default:
		return 125, err
	}
}

func run(args []string) (int, error) {
	r, err := parse("run", args)
	if err != nil {
		return 2, nil
	}
	if len(r.command) == 0 {
		return 2, errors.New("run: no command given")
	}
	job, err := job(r)
	if err != nil {
		return 1, err
	}
	job.Stdin, job.Stdout, job.Stderr = os.Stdin, os.Stdout, os.Stderr
	return perform(r, job)
}

// perform boots a lab for one job.
func perform(r request, job machine.Job) (int, error) {
	ctx, stop := limited(r.timeout)
	defer stop()
	m, err := machine.Start(ctx, r.options)
	if err != nil {
		return failure(err, 0)
	}
	defer m.Close()
	code, err := m.Run(ctx, job)
	if err == nil && r.options.Disk != "" {
		err = m.Flush(ctx)
	}
	return failure(err, code)
}

func job(r request) (machine.Job, error) {
	dir, err := os.Getwd()
	if err != nil {
		return machine.Job{}, err
	}
	return machine.Job{Job: channel.Job{Args: r.command, Dir: dir, Env: environment(r.env)}}, nil
}

// environment is a small one: what the lab needs, what holdfast's own variables say, and what was asked for.
func environment(extra []string) []string {
	env := []string{
		channel.Latch + "=1",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/go/bin",
		"HOME=/root", "USER=root", "LANG=C.UTF-8", "PAGER=cat",
	}
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "HOLDFAST_") || strings.HasPrefix(variable, "TERM=") {
			env = append(env, variable)
		}
	}
	return append(env, extra...)
}
