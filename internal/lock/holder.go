package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/internal/problem"
)

const (
	// patience is how long the owner may take to tell about itself.
	patience = 2 * time.Second
	// maxAnswer is how much of an owner's answer is read, in bytes.
	maxAnswer = 64 << 10
)

// Holder tells who holds the lock of that name, nil if nobody does. The pid
// and user are the kernel's word; a stopped owner, which cannot tell more, is
// known by them and its command line.
func Holder(ctx context.Context, name string) (*Owner, error) {
	owner, _, err := ask(ctx, "@"+name)
	if owner != nil || err != nil {
		return owner, err
	}
	return search(ctx, name, "@"+name)
}

// search looks for an owner under every name that the lock can have, but for
// the one own.
func search(ctx context.Context, name, own string) (*Owner, error) {
	for _, address := range listeners("@" + name) {
		if address == own {
			continue
		}
		if owner, _, err := ask(ctx, address); owner != nil || err != nil {
			return owner, err
		}
	}
	return nil, nil
}

// ask asks the listener at an address about itself: nil if there is none, or
// if it has no business with the lock; listens tells the two apart.
func ask(ctx context.Context, address string) (owner *Owner, listens bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", address)
	for errors.Is(err, syscall.EAGAIN) && ctx.Err() == nil { // its queue is full
		sleep(ctx, pause)
		conn, err = dialer.DialContext(ctx, "unix", address)
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, false, nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, context.DeadlineExceeded):
		owner = silent(address)
		return owner, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("ask who holds the lock %s: %w", address, err)
	}
	defer func() { _ = conn.Close() }()
	pid, uid := peer(conn.(*net.UnixConn))
	if !trusted(pid, uid) {
		return nil, true, nil
	}
	said := answer(conn)
	said.PID, said.UID = pid, uid
	return said.clean(), true, nil
}

// clean completes what an owner said about itself, and makes it printable.
func (o Owner) clean() *Owner {
	if o.Command == "" {
		o.Command = command(o.PID)
	}
	o.Command, o.Purpose = problem.Printable(o.Command), problem.Printable(o.Purpose)
	return &o
}

// answer is what the owner says about itself, nothing if it does not.
func answer(conn net.Conn) Owner {
	var owner Owner
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	text, err := io.ReadAll(io.LimitReader(conn, maxAnswer))
	if err != nil || json.Unmarshal(text, &owner) != nil {
		return Owner{}
	}
	return owner
}

// peer asks the kernel who listens (SO_PEERCRED, unix(7)).
func peer(conn *net.UnixConn) (pid, uid int) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return 0, 0
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid, uid = int(cred.Pid), int(cred.Uid)
		}
	})
	return pid, uid
}

func command(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}
