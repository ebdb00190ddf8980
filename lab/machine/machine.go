// Package machine boots throw-away virtual hosts with QEMU, without KVM, and runs commands in them.
//
// A machine sees the files of the machine that it runs on and changes none of them, has Debian's own kernel and no way
// to any network. It is an ordinary process; any number may run at once.
package machine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/lab/channel"
)

// Machine is one running lab. Its methods may be called by several goroutines at once.
type Machine struct {
	options Options
	dir     string // its own temporary folder, locked as long as it lives
	lock    *os.File
	cmd     *exec.Cmd
	stream  *os.File // the frames
	conn    *channel.Conn
	qmp     *qmp
	ready   chan struct{} // closed when the agent serves
	flushed chan struct{} // gets one value for each answered Shutdown
	exited  chan struct{} // closed when QEMU has ended
	read    chan struct{} // closed when the last frame has been handed out

	cut atomic.Bool // ended by a job's wish

	mu   sync.Mutex
	last uint32
	jobs map[uint32]*running
}

type running struct {
	stdout, stderr io.Writer
	done           chan channel.Outcome // gets one value
}

// attempts is how often a boot that hangs is tried: emulation loses one now and then on a crowded machine.
const attempts = 3

// Start boots a machine and waits until it can run jobs. The caller closes it.
func Start(ctx context.Context, options Options) (*Machine, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	kernel, err := FindKernel()
	if err != nil {
		return nil, err
	}
	var failures []error
	for attempt := range attempts {
		m, err := boot(ctx, kernel, options)
		if err == nil {
			return m, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil || !errors.Is(err, errBoot) {
			break
		}
		options.Note(fmt.Sprintf("boot %d of %d did not work, tried again: %v", attempt+1, attempts, err))
	}
	return nil, errors.Join(failures...)
}

// errBoot marks a failure that another try may not have.
var errBoot = errors.New("the lab did not boot")

func boot(ctx context.Context, kernel Kernel, options Options) (*Machine, error) {
	m := &Machine{
		options: options,
		ready:   make(chan struct{}), flushed: make(chan struct{}, 1), exited: make(chan struct{}), read: make(chan struct{}),
		jobs: map[uint32]*running{},
	}
	if err := m.prepare(kernel); err != nil {
		m.remove()
		return nil, err
	}
	if err := m.launch(kernel); err != nil {
		m.remove()
		return nil, err
	}
	limit := time.NewTimer(options.BootTime)
	defer limit.Stop()
	var err error
	select {
	case <-m.ready:
		return m, nil
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-m.exited:
		err = fmt.Errorf("%w: QEMU ended: %s", errBoot, m.lastWords())
	case <-limit.C:
		err = fmt.Errorf("%w in %v: %s", errBoot, options.BootTime, m.lastWords())
	}
	m.Close()
	return nil, err
}

// prepare makes the machine's own folder with the initial file system in it.
func (m *Machine) prepare(kernel Kernel) error {
	sweep()
	var err error
	if m.dir, err = os.MkdirTemp("", dirPrefix); err != nil {
		return err
	}
	if m.lock, err = lockDir(m.dir); err != nil {
		return err
	}
	what, err := m.options.boot(kernel)
	if err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(m.dir, "initramfs"))
	if err != nil {
		return err
	}
	return errors.Join(writeInitramfs(file, kernel, what), file.Close())
}

// launch starts QEMU and the goroutine that reads its frames.
func (m *Machine) launch(kernel Kernel) error {
	frames, theirFrames, err := socketPair()
	if err != nil {
		return err
	}
	defer theirFrames.Close()
	monitor, theirMonitor, err := socketPair()
	if err != nil {
		return err
	}
	defer theirMonitor.Close()
	complaints, err := os.Create(filepath.Join(m.dir, "qemu"))
	if err != nil {
		return err
	}
	defer complaints.Close()
	m.cmd = exec.Command("qemu-system-x86_64", m.options.arguments(kernel, m.dir)...)
	m.cmd.ExtraFiles = []*os.File{theirFrames, theirMonitor}
	m.cmd.Stdout, m.cmd.Stderr = complaints, complaints
	// A group of its own, so that the terminal's interrupt does not reach it, and an end with its starter.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := m.startAndWait(); err != nil {
		return fmt.Errorf("start QEMU: %w", err)
	}
	m.stream, m.conn, m.qmp = frames, channel.New(frames), newQMP(monitor)
	go m.receive()
	return nil
}

// startAndWait keeps the thread that starts QEMU until QEMU has ended, since the parent-death signal of prctl(2) is
// bound to the thread.
func (m *Machine) startAndWait() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := m.cmd.Start()
		started <- err
		if err == nil {
			_ = m.cmd.Wait()
			close(m.exited)
		}
	}()
	return <-started
}

func socketPair() (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "lab"), os.NewFile(uintptr(fds[1]), "qemu"), nil
}

// receive hands out frames until the channel ends.
func (m *Machine) receive() {
	defer close(m.read)
	for {
		frame, err := m.conn.Receive()
		if err != nil {
			return
		}
		switch frame.Kind {
		case channel.Ready:
			close(m.ready)
		case channel.Stdout, channel.Stderr, channel.Exit:
			m.deliver(frame)
		case channel.Ask:
			go m.answer(frame)
		case channel.Shutdown:
			m.flushed <- struct{}{}
		}
	}
}

func (m *Machine) deliver(frame channel.Frame) {
	m.mu.Lock()
	job := m.jobs[frame.Job]
	m.mu.Unlock()
	if job == nil {
		return
	}
	switch frame.Kind {
	case channel.Stdout:
		_, _ = job.stdout.Write(frame.Payload)
	case channel.Stderr:
		_, _ = job.stderr.Write(frame.Payload)
	default:
		var outcome channel.Outcome
		if err := frame.Decode(&outcome); err != nil {
			outcome = channel.Outcome{Code: 127, Error: err.Error()}
		}
		job.done <- outcome
	}
}

// answer does what a job asks of the machine.
func (m *Machine) answer(frame channel.Frame) {
	var request channel.Request
	var reply channel.Reply
	err := frame.Decode(&request)
	switch {
	case err != nil:
	case request.Command == channel.PowerCut:
		m.cut.Store(true)
		m.kill()
		return
	default:
		reply.Return, err = m.qmp.do(request.Command, request.Arguments)
	}
	if err != nil {
		reply.Error = err.Error()
	}
	_ = m.conn.SendJSON(channel.Answer, frame.Job, reply)
}

// lastWords are the end of what the kernel and QEMU said.
func (m *Machine) lastWords() string {
	var words []string
	for _, name := range []string{"qemu", "console"} {
		text, err := os.ReadFile(filepath.Join(m.dir, name))
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		words = append(words, lines[max(0, len(lines)-15):]...)
	}
	return strings.TrimSpace(strings.Join(words, "\n"))
}

// Flush has everything that the lab has written to its disk really written.
func (m *Machine) Flush(ctx context.Context) error {
	if err := m.conn.Send(channel.Shutdown, 0, nil); err != nil {
		return err
	}
	select {
	case <-m.flushed:
		return nil
	case <-m.exited:
		return errors.New("the lab ended before its disk was flushed")
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends the machine at once, like a power cut, and removes its temporary files. Closing twice is harmless.
func (m *Machine) Close() {
	m.kill()
	<-m.exited
	_ = m.stream.Close()
	m.qmp.close()
	<-m.read
	m.remove()
}

func (m *Machine) kill() { _ = m.cmd.Process.Kill() }

func (m *Machine) remove() {
	if m.dir != "" {
		_ = os.RemoveAll(m.dir)
	}
	if m.lock != nil {
		_ = m.lock.Close()
	}
}
