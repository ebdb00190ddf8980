package agent

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/lab/channel"
)

// drain is how long a job's output is still read after the job itself has ended and others hold its pipes open.
const drain = time.Second

// job is one running command, in a mount and UTS namespace of its own: what it mounts and the host name that it sets
// end with it.
type job struct {
	number uint32
	cmd    *exec.Cmd
	tty    *os.File // the terminal's near side; nil without one
	stdin  io.WriteCloser
	typed  chan []byte // input on its way to stdin, closed at its end; a job that does not read holds up the channel when it is full
	output io.Writer   // where the terminal's output goes
	group  string      // its control group, by which everything that it left behind is ended; empty: none
}

func newJob(conn *channel.Conn, number uint32, what channel.Job, systemd bool) *job {
	cmd := &exec.Cmd{Args: what.Args, Dir: what.Dir, Env: what.Env, WaitDelay: drain}
	cmd.Path, cmd.Err = lookup(what.Args[0], what.Dir, what.Env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Unshareflags: unix.CLONE_NEWNS}
	j := &job{number: number, cmd: cmd}
	if !systemd {
		cmd.SysProcAttr.Unshareflags |= unix.CLONE_NEWUTS
		j.group = fmt.Sprintf("/sys/fs/cgroup/job%d", number)
	}
	if what.TTY {
		if err := j.terminal(conn, what.Size); err != nil && cmd.Err == nil {
			cmd.Err = err
		}
		return j
	}
	cmd.Stdout, cmd.Stderr = conn.Writer(channel.Stdout, number), conn.Writer(channel.Stderr, number)
	j.typed = make(chan []byte, 1024)
	var err error
	if j.stdin, err = cmd.StdinPipe(); err != nil && cmd.Err == nil {
		cmd.Err = err
	}
	return j
}

// lookup finds the program as a shell in dir with that environment would.
func lookup(name, dir string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, nil
	}
	for _, variable := range env {
		path, ok := strings.CutPrefix(variable, "PATH=")
		if !ok {
			continue
		}
		for _, folder := range filepath.SplitList(path) {
			file := filepath.Join(folder, name)
			if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
				return file, nil
			}
		}
	}
	return name, fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// run runs the job to its end.
func (j *job) run() channel.Outcome {
	if j.group != "" {
		if err := os.Mkdir(j.group, 0o755); err == nil {
			if folder, err := os.Open(j.group); err == nil {
				defer folder.Close()
				j.cmd.SysProcAttr.UseCgroupFD, j.cmd.SysProcAttr.CgroupFD = true, int(folder.Fd())
			}
		}
	}
	err := j.cmd.Start()
	if slave, ok := j.cmd.Stdin.(*os.File); ok {
		_ = slave.Close()
	}
	if err != nil {
		return channel.Outcome{Code: 127, Error: err.Error()}
	}
	copied := j.copyTerminal()
	go j.write()
	err = j.cmd.Wait()
	j.endLeftovers()
	<-copied
	return outcome(j.cmd.ProcessState, err)
}

func outcome(state *os.ProcessState, err error) channel.Outcome {
	if state == nil {
		return channel.Outcome{Code: 127, Error: err.Error()}
	}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return channel.Outcome{Code: 128 + int(status.Signal())}
	}
	return channel.Outcome{Code: state.ExitCode()}
}

// endLeftovers ends every process that the job has left, and waits until they are gone: the next job must not meet
// their sockets.
func (j *job) endLeftovers() {
	if j.group == "" {
		return
	}
	_ = os.WriteFile(j.group+"/cgroup.kill", []byte("1"), 0)
	for range 500 {
		err := os.Remove(j.group)
		if err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// feed gives the job what the outside typed, or its terminal a new size.
func (j *job) feed(frame channel.Frame) error {
	if frame.Kind == channel.Resize {
		var size channel.Size
		if err := frame.Decode(&size); err != nil || j.tty == nil {
			return err
		}
		return resize(j.tty, size)
	}
	if j.tty != nil {
		if len(frame.Payload) == 0 {
			frame.Payload = []byte{4} // end of transmission, as a terminal spells the end of its input
		}
		_, err := j.tty.Write(frame.Payload)
		return err
	}
	j.typed <- frame.Payload
	return nil
}

// write feeds standard input until its end, which an empty part marks; what the job does not want is dropped.
func (j *job) write() {
	for part := range j.typed {
		if len(part) == 0 {
			_ = j.stdin.Close()
			return
		}
		_, _ = j.stdin.Write(part)
	}
}

// terminal gives the job one of its own.
func (j *job) terminal(conn *channel.Conn, size channel.Size) error {
	near, err := os.OpenFile("/dev/pts/ptmx", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	j.tty = near
	number, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	far, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	j.cmd.Stdin, j.cmd.Stdout, j.cmd.Stderr = far, far, far
	j.cmd.SysProcAttr.Setctty = true
	j.output = conn.Writer(channel.Stdout, j.number)
	return resize(near, size)
}

func resize(tty *os.File, size channel.Size) error {
	if size.Rows == 0 {
		return nil
	}
	return unix.IoctlSetWinsize(int(tty.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: size.Rows, Col: size.Columns})
}

// copyTerminal passes the terminal's output on; the channel that it returns is closed at its end.
func (j *job) copyTerminal() <-chan struct{} {
	done := make(chan struct{})
	if j.tty == nil {
		close(done)
		return done
	}
	go func() {
		defer close(done)
		_, _ = io.Copy(j.output, j.tty) // ends with EIO when the last process has closed its side
	}()
	return done
}
