package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/lab/agent"
)

// Host is another host: a network namespace of its own. Its name is good for `ip link set … netns NAME`.
type Host struct {
	Name string

	file *os.File // the namespace; open until the test ends
}

// Namespace makes a host that has nothing but lo, which is up. It goes when the test ends.
func Namespace(t testing.TB, name string) *Host {
	t.Helper()
	file, err := newNamespace()
	if err != nil {
		t.Fatalf("host %s: %v", name, err)
	}
	h := &Host{Name: name, file: file}
	path := filepath.Join("/run/netns", name)
	if err := publish(file, path); err != nil {
		t.Fatalf("host %s: %v", name, err)
	}
	t.Cleanup(func() {
		_ = unix.Unmount(path, unix.MNT_DETACH)
		_ = os.Remove(path)
		_ = file.Close()
	})
	h.Do(t, func() {
		if err := agent.SetUp("lo"); err != nil {
			t.Errorf("host %s: %v", name, err)
		}
	})
	return h
}

// publish gives a namespace a name as ip-netns(8) does.
func publish(namespace *os.File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDONLY, 0o444)
	if err != nil {
		return err
	}
	_ = file.Close()
	return unix.Mount(fmt.Sprintf("/proc/self/fd/%d", namespace.Fd()), path, "", unix.MS_BIND, "")
}

// newNamespace makes a network namespace that lives as long as the returned file, or something in it, is open.
func newNamespace() (*os.File, error) {
	var file *os.File
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make a network namespace: %w", err)
		}
		var err error
		file, err = os.Open("/proc/thread-self/ns/net")
		return err
	})
	return file, err
}

// onThread runs do on a thread of its own, which ends with it: whatever do enters, nobody else sees.
func onThread(do func() error) error {
	result := make(chan error, 1)
	go func() {
		finished := false
		defer func() {
			if !finished { // t.FailNow in do: the caller is told instead of waiting for ever
				result <- errors.New("ended early")
			}
		}()
		runtime.LockOSThread() // never unlocked: the runtime ends the thread with the goroutine
		err := do()
		finished = true
		result <- err
	}()
	return <-result
}

// Do runs do in the host's network. It runs on another goroutine, bound to its thread: do must not call t.Fatal, and
// goroutines that it starts are not in the host's network.
func (h *Host) Do(t testing.TB, do func()) {
	t.Helper()
	if err := h.do(func() error { do(); return nil }); err != nil {
		t.Fatalf("host %s: %v", h.Name, err)
	}
}

func (h *Host) do(do func() error) error {
	if h.file == nil {
		return do()
	}
	return onThread(func() error {
		if err := unix.Setns(int(h.file.Fd()), unix.CLONE_NEWNET); err != nil {
			return err
		}
		return do()
	})
}

// Try runs a program in the host's network and returns its standard output. The error has its standard error.
func (h *Host) Try(args ...string) (string, error) { return h.TryInput("", args...) }

// TryInput is Try with something on the program's standard input.
func (h *Host) TryInput(input string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	command := exec.Command(args[0], args[1:]...)
	command.Stdin = strings.NewReader(input)
	command.Stdout, command.Stderr = &stdout, &stderr
	err := h.do(command.Run)
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return stdout.String(), err
}

// Run is Try, and the end of the test on failure.
func (h *Host) Run(t testing.TB, args ...string) string {
	t.Helper()
	output, err := h.Try(args...)
	if err != nil {
		t.Fatalf("on %s: %v", h.Name, err)
	}
	return output
}

// IP runs ip(8) on the host: the first argument is split at its
// spaces, as in IP(t, "link set eth0 up") or IP(t, "link set", name, "up").
func (h *Host) IP(t testing.TB, args ...string) string {
	t.Helper()
	return h.Run(t, append([]string{"ip"}, fields(args)...)...)
}

// Start starts a program in the background of the host's network. It is killed when the test ends; what it said is
// logged when the test fails.
func (h *Host) Start(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	var output bytes.Buffer
	command := exec.Command(args[0], args[1:]...)
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := h.do(command.Start); err != nil {
		t.Fatalf("on %s: %s: %v", h.Name, strings.Join(args, " "), err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-command.Process.Pid, syscall.SIGKILL)
		_ = command.Wait()
		if t.Failed() {
			t.Logf("%s on %s said:\n%s", strings.Join(args, " "), h.Name, output.String())
		}
	})
	return command
}

// here is the host under test: the process's own network.
var here = &Host{Name: "this host"}

// IP runs ip(8) on the host under test, ends the test when it fails, and returns its output. The
// first argument is split at its spaces, as in IP(t, "link add br0 type bridge") or IP(t, "link set", name, "up").
func IP(t testing.TB, args ...string) string {
	t.Helper()
	return here.IP(t, args...)
}

// Run runs a program on the host under test, ends the test when it fails, and returns its standard output.
func Run(t testing.TB, args ...string) string {
	t.Helper()
	return here.Run(t, args...)
}

// Try runs a program on the host under test and returns its standard output; the error has its standard error.
func Try(args ...string) (string, error) { return here.Try(args...) }

// Start starts a program on the host under test; see [Host.Start].
func Start(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	return here.Start(t, args...)
}

// Sysctl writes a sysctl of the host under test, named with slashes: Sysctl(t, "net/ipv4/ip_forward", "1").
func Sysctl(t testing.TB, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("/proc/sys", name), []byte(value), 0); err != nil {
		t.Fatal(err)
	}
}

// fields splits the first argument at its spaces.
func fields(args []string) []string { return append(strings.Fields(args[0]), args[1:]...) }
