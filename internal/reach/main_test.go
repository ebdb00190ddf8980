package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"holdfast/lab"
)

// TestMain fails when a goroutine stays. Some end a moment after their call,
// when a socket is closed under them: in a crowded lab that takes its time.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && !lab.Eventually(patience, func() bool { return goleak.Find() == nil }) {
		fmt.Fprintln(os.Stderr, goleak.Find())
		code = 1
	}
	os.Exit(code)
}

// patience is how long a test waits for what must come; brief for what must
// not.
const (
	patience = time.Minute
	brief    = 300 * time.Millisecond
)

// within limits a context.
func within(t *testing.T, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// check holds an error against a text; an empty one is success. A text that
// begins with "late: " is that of a deadline.
func check(t *testing.T, err error, want string) {
	t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
	}
	text, late := strings.CutPrefix(want, "late: ")
	if got != text || errors.Is(err, context.DeadlineExceeded) != late {
		t.Errorf("error %q, late %v, want %q", got, errors.Is(err, context.DeadlineExceeded), want)
	}
}

// listener is a TCP socket on the loopback, and its port.
func listener(t *testing.T) (net.Listener, uint16) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l, uint16(l.Addr().(*net.TCPAddr).Port)
}

// closedPort is one of the loopback that nobody listens at: a socket that does
// not listen keeps it from others.
func closedPort(t *testing.T) uint16 {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(name.(*unix.SockaddrInet4).Port)
}

// descriptors counts the files that the process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
