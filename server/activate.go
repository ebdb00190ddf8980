package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// socketMode lets everybody connect: who may do what is decided by the peer's
// credentials.
const socketMode = 0o666

// ListenUnix makes the daemon's socket, in place of one that a daemon left
// behind. It is an error if another one answers there.
func ListenUnix(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if other, err := net.DialTimeout("unix", path, time.Second); err == nil {
		_ = other.Close()
		return nil, fmt.Errorf("%s: another daemon answers there", path)
	}
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(temporary)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	if err = os.Chmod(temporary, socketMode); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_ = listener.Close()
		_ = os.Remove(temporary)
		return nil, err
	}
	made, err := os.Stat(path)
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return &socket{listener, path, made}, nil
}

// socket removes its file when it is closed, unless another daemon's lies there
// by then.
type socket struct {
	*net.UnixListener
	path string
	made os.FileInfo
}

// Addr is where the socket lies.
func (s *socket) Addr() net.Addr { return &net.UnixAddr{Name: s.path, Net: "unix"} }

// Close ends listening.
func (s *socket) Close() error {
	if now, err := os.Stat(s.path); err == nil && os.SameFile(now, s.made) {
		_ = os.Remove(s.path)
	}
	return s.UnixListener.Close()
}

// firstFD is the first descriptor that systemd passes (sd_listen_fds(3)).
const firstFD = 3

// Activated gives the sockets that systemd made for this process, none if it
// was not started so (sd_listen_fds(3)). The variables are taken out of the
// environment, so that it is done once and children are not misled.
func Activated() ([]net.Listener, error) {
	pid, count := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS")
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(name)
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 100 {
		return nil, fmt.Errorf("LISTEN_FDS is %q", count)
	}
	var listeners []net.Listener
	var problems []error
	for fd := firstFD; fd < firstFD+n; fd++ {
		syscall.CloseOnExec(fd)
		file := os.NewFile(uintptr(fd), "socket "+strconv.Itoa(fd))
		l, err := net.FileListener(file)
		_ = file.Close()
		if err != nil {
			problems = append(problems, fmt.Errorf("take over the socket %d: %w", fd, err))
			continue
		}
		if local, ok := l.(*net.UnixListener); ok {
			local.SetUnlinkOnClose(false) // the file is systemd's
		}
		listeners = append(listeners, l)
	}
	if err := errors.Join(problems...); err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return nil, err
	}
	return listeners, nil
}
