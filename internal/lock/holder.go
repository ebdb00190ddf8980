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
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", "@"+name)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return nil, nil
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, context.DeadlineExceeded):
		return &Owner{}, nil // so many ask that the owner's queue is full
	case err != nil:
		return nil, fmt.Errorf("ask who holds the lock %s: %w", name, err)
	}
	defer func() { _ = conn.Close() }()
	owner := answer(conn)
	owner.PID, owner.UID = peer(conn.(*net.UnixConn))
	if owner.Command == "" {
		owner.Command = command(owner.PID)
	}
	owner.Command, owner.Purpose = problem.Printable(owner.Command), problem.Printable(owner.Purpose)
	return &owner, nil
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
