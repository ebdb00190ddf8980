// Package lab is what tests of the real kernel are written with: a host of their own to change, switches and other
// hosts around it, and independent eyes on it.
//
// The host is a throw-away virtual machine (package machine); `bin/lab exec` runs a package's lab tests in some of
// them. Each call of [Require] gives its test a network namespace of its own on it, so that tests meet nothing of each
// other. Nothing here works, or does anything, outside the lab.
package lab

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/lab/agent"
	"holdfast/lab/channel"
	"holdfast/lab/discover"
)

// Option changes what Require prepares.
type Option int

// Root leaves the test in the host's first network namespace, with the host's own /etc and /run. For tests of services
// that live there; such a test puts back what it changes.
const Root Option = iota + 1

// Inside tells whether this process runs in the lab.
func Inside() bool { return os.Getenv(channel.Latch) == "1" }

// Require makes the test one that runs in the lab only: outside it is skipped. In the lab the whole process, with all
// its threads, moves into a fresh network namespace for the length of the test: lo is up, /sys shows it, /run is empty,
// and what the test writes below /etc is seen by this process and its children only. It may be called once for each
// test or subtest; such tests cannot be parallel.
//
// The machine is a plain one unless the top-level test has a directive such as //lab:run --nics 2 or
// //lab:run --systemd (package discover). With systemd, /etc and /run stay the services'.
func Require(t testing.TB, options ...Option) {
	t.Helper()
	if !Inside() {
		mustBeFound(t)
		t.Skip("changes a host's network: runs in the lab only (make lab-test)")
	}
	if os.Getuid() != 0 {
		t.Fatal("the lab's jobs run as root, this one does not")
	}
	for _, module := range []string{"bonding", "bridge", "dummy", "8021q", "veth"} {
		if _, err := os.Stat("/sys/module/" + module); err != nil {
			t.Fatalf("the lab lacks the kernel module %s", module)
		}
	}
	if slices.Contains(options, Root) {
		return
	}
	if err := privateFiles(); err != nil {
		t.Fatalf("lab: %v", err)
	}
	if err := freshNetwork(t); err != nil {
		t.Fatalf("lab: %v", err)
	}
}

// Skip skips a test outside the lab. Inside it fails: there a feature that is missing is a fault.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if Inside() {
		t.Fatalf("must not be skipped in the lab: %s", reason)
	}
	t.Skip(reason)
}

var labTests = sync.OnceValues(func() ([]discover.Test, error) { return discover.Tests(".") })

// mustBeFound fails a test that the lab's runner would not find: it would be skipped everywhere, and nobody would notice.
func mustBeFound(t testing.TB) {
	t.Helper()
	tests, err := labTests()
	if err != nil {
		t.Fatal(err)
	}
	top, _, _ := strings.Cut(t.Name(), "/")
	if !slices.ContainsFunc(tests, func(test discover.Test) bool { return test.Name == top }) {
		t.Fatalf("%s calls lab.Require in a way that the sources do not show: give it the comment //lab:run", top)
	}
}

// privateFiles gives the process its own /run and a writable copy of /etc, once. The agent has given it a mount
// namespace.
var privateFiles = sync.OnceValue(func() error {
	if comm, err := os.ReadFile("/proc/1/comm"); err != nil || string(comm) == "systemd\n" {
		return err
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount /run: %w", err)
	}
	for _, dir := range []string{"/run/etc/upper", "/run/etc/work", "/run/netns"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := unix.Mount("overlay", "/etc", "overlay", 0, "lowerdir=/etc,upperdir=/run/etc/upper,workdir=/run/etc/work"); err != nil {
		return fmt.Errorf("mount /etc: %w", err)
	}
	return nil
})

// freshNetwork moves the process into a new network namespace until the test ends.
func freshNetwork(t testing.TB) error {
	before, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	fresh, err := newNamespace()
	if err != nil {
		return err
	}
	if err := enterAll(fresh); err != nil {
		return err
	}
	t.Cleanup(func() {
		if err := enterAll(before); err != nil {
			t.Errorf("lab: %v", err)
		}
		_ = fresh.Close()
		_ = before.Close()
	})
	return agent.SetUp("lo")
}

// enterAll moves every thread of the process into the network namespace and lets /sys show it. That needs a process
// without cgo, which is what the lab's tests are built as.
func enterAll(namespace *os.File) error {
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_SETNS, namespace.Fd(), unix.CLONE_NEWNET, 0)
	if errno != 0 {
		return fmt.Errorf("enter a network namespace with all threads: %w", errno)
	}
	_ = unix.Unmount(sysfs, unix.MNT_DETACH) // the one of the namespace before; none the first time
	if err := unix.Mount("sys", sysfs, "sysfs", 0, ""); err != nil {
		return fmt.Errorf("mount %s: %w", sysfs, err)
	}
	return nil
}

const sysfs = "/sys"
