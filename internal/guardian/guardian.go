// Package guardian starts a second process of the same program that watches
// this one: it learns when this one is killed, and can then bring to an end what
// was under way.
//
// The two are joined by a pipe. A process that ends, however that happens,
// closes its end; one that is done says goodbye before.
package guardian

import (
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
)

// pipeFD is the file descriptor of the pipe in the guardian: the first after
// the standard streams.
const pipeFD = 3

// goodbye is what is written to the pipe when there is nothing left to guard.
const goodbye = '.'

// Guardian is a process that watches this one.
type Guardian struct {
	pipe    *os.File
	pid     int
	dismiss sync.Once
}

// Start runs this program again, with the arguments, in a session of its own
// and without a terminal, so that what ends this process does not end it too. It
// returns when the process exists, which takes about a millisecond.
func Start(args ...string) (*Guardian, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer func() { _ = read.Close() }()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		_ = write.Close()
		return nil, err
	}
	defer func() { _ = null.Close() }()
	// The link works also when the program's file was replaced or removed.
	process, err := os.StartProcess("/proc/self/exe", append(os.Args[:1:1], args...), &os.ProcAttr{
		Dir: "/", Files: []*os.File{null, null, null, read}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		_ = write.Close()
		return nil, err
	}
	g := &Guardian{pipe: write, pid: process.Pid}
	go func() { _, _ = process.Wait() }() // ends with the guardian, at the latest after Dismiss
	return g, nil
}

// PID is the guardian's process.
func (g *Guardian) PID() int { return g.pid }

// Dismiss says goodbye: the guardian ends. It may be called more than once. One
// that is gone already is no error.
func (g *Guardian) Dismiss() {
	g.dismiss.Do(func() {
		_, _ = g.pipe.Write([]byte{goodbye})
		_ = g.pipe.Close()
	})
}

// errAlone says that the process was not started as a guardian.
var errAlone = errors.New("this is started by holdfast itself, to guard a change that is under way")

// Watch waits, in the guardian, until the process that it watches is done or
// gone; killed tells which. The error tells that nobody started it as one.
func Watch() (killed bool, err error) {
	pipe := os.NewFile(pipeFD, "pipe")
	info, err := pipe.Stat()
	if err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return false, errAlone
	}
	defer func() { _ = pipe.Close() }()
	word := make([]byte, 1)
	_, err = io.ReadFull(pipe, word)
	return err != nil || word[0] != goodbye, nil
}
