// Package netns makes network namespaces and runs functions in them.
//
// A namespace belongs to a thread, not to a process: sockets are opened and
// programs are started in that of the thread which calls. Do takes care of the
// thread. Entering and making namespaces needs CAP_SYS_ADMIN (setns(2)).
package netns

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// threadFile is the calling thread's own namespace.
const threadFile = "/proc/thread-self/ns/net"

// A Namespace is an open network namespace. It lives as long as something is
// open in it: this, a process, a socket or a mount.
type Namespace struct{ file *os.File }

// An ID tells namespaces apart while they live: device and inode of their file
// (namespaces(7)). It can be compared and used as a key.
type ID struct{ Device, Inode uint64 }

// String is "net:[INODE]", as in /proc/PID/ns.
func (id ID) String() string { return fmt.Sprintf("net:[%d]", id.Inode) }

// Current opens the namespace of the calling thread.
func Current() (*Namespace, error) { return Open(threadFile) }

// Open opens a namespace by its file: /run/netns/NAME or /proc/PID/ns/net.
func Open(path string) (*Namespace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open network namespace: %w", err)
	}
	return &Namespace{f}, nil
}

// New makes an empty namespace: a loopback that is down, and nothing else. The
// caller closes it.
func New() (*Namespace, error) {
	var made *Namespace
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make network namespace: %w", err)
		}
		var err error
		made, err = Current()
		return err
	})
	return made, err
}

// FD is the namespace's descriptor. It stays the Namespace's: it is valid
// until Close.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Path is a file by which other programs of this process's parentage can open
// the namespace while it is open here.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.FD()) }

// ID gives what tells the namespace from others.
func (n *Namespace) ID() (ID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(n.FD(), &st); err != nil {
		return ID{}, fmt.Errorf("look at network namespace: %w", err)
	}
	return ID{Device: st.Dev, Inode: st.Ino}, nil
}

// Do runs f on a thread that is in the namespace, and waits for it. Sockets
// that f opens and programs that it starts are in the namespace; goroutines
// that it starts are not.
func (n *Namespace) Do(f func() error) error {
	return onThread(func() error {
		if err := unix.Setns(n.FD(), unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("enter network namespace: %w", err)
		}
		return f()
	})
}

// Close lets go of the namespace.
func (n *Namespace) Close() error { return n.file.Close() }

// onThread runs f on a thread of its own and puts its namespace back. A thread
// that cannot go back is never used again: its goroutine ends locked, which
// ends the thread.
func onThread(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		home, err := Current()
		if err != nil {
			runtime.UnlockOSThread()
			result <- err
			return
		}
		err = f()
		back := unix.Setns(home.FD(), unix.CLONE_NEWNET)
		if back == nil {
			runtime.UnlockOSThread()
		}
		result <- errors.Join(err, home.Close())
	}()
	return <-result
}
