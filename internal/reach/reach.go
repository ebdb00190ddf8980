// Package reach finds out whether somebody can be reached: by echo requests,
// ARP and neighbour discovery, TCP connections, HTTP, DNS, and programs of the
// administrator.
//
// Every function tries once, returns nil when it was reached, and returns soon
// after its context ends. It may be called from many goroutines. Errors are one
// short line that names what the kernel or the other side said, without the
// target, which the caller knows; where a name has several addresses they tell
// which is meant. One that came from the context's deadline is
// context.DeadlineExceeded to errors.Is. One that no other try can mend has a
// method Permanent that returns true.
//
// Sockets are opened in the network namespace of the process; a caller that
// changes only its thread's must not use this package.
package reach

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// Target is a host, and the way to it.
type Target struct {
	// Host is an address without zone, or a name. All addresses of a name are
	// tried at once; one that answers is enough.
	Host string
	// Interface binds to a link (SO_BINDTODEVICE, socket(7)) and is the zone
	// of link-local addresses; empty leaves it to the routes.
	Interface string
	// ResolvConf is the file that names the name servers; empty is
	// /etc/resolv.conf. It is read anew each time.
	ResolvConf string
}

// permanent is an error that no other try can mend.
type permanent struct{ text string }

func (e permanent) Error() string { return e.text }

// Permanent tells that trying again is of no use.
func (permanent) Permanent() bool { return true }

// silent is what came of waiting in vain.
type silent struct{ text string }

func (e silent) Error() string { return e.text }

// Is makes it a context.DeadlineExceeded.
func (silent) Is(target error) bool { return target == context.DeadlineExceeded }

// noAnswer is the usual one.
var noAnswer = silent{"no answer"}

// plain is an error of package net without what it wraps around the cause.
func plain(ctx context.Context, err error) error {
	if e, ok := errors.AsType[deviceError](err); ok {
		return e
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno
	}
	if isTimeout(err) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return noAnswer
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the connection was closed without an answer")
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err
	}
	return err
}

// isTimeout tells whether a deadline passed, the context's or a socket's.
func isTimeout(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}
