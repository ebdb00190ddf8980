package main

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"holdfast/lab/channel"
)

// shell gives the terminal to a shell, or to the command that is given, in a lab.
func shell(args []string) (int, error) {
	r, err := parse("shell", args)
	if err != nil {
		return 2, nil
	}
	if len(r.command) == 0 {
		r.command = []string{"bash", "-i"}
	}
	job, err := job(r)
	if err != nil {
		return 1, err
	}
	job.Stdin, job.Stdout, job.Stderr = os.Stdin, os.Stdout, os.Stderr
	terminal := int(os.Stdin.Fd())
	if !term.IsTerminal(terminal) {
		return perform(r, job)
	}
	note("boots; leave the shell to end it")
	job.TTY, job.Size = true, size(terminal)
	sizes := make(chan channel.Size, 1) // never closed; only the newest size matters
	job.Resized = sizes
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	defer signal.Stop(changed)
	go func() {
		for range changed {
			sizes <- size(terminal)
		}
	}()
	before, err := term.MakeRaw(terminal)
	if err != nil {
		return 1, err
	}
	defer func() { _ = term.Restore(terminal, before) }()
	return perform(r, job)
}

func size(terminal int) channel.Size {
	columns, rows, err := term.GetSize(terminal)
	if err != nil {
		return channel.Size{}
	}
	return channel.Size{Rows: uint16(rows), Columns: uint16(columns)}
}
