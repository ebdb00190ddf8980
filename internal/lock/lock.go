// Package lock is the one lock of a network namespace: whoever changes the
// network holds it, whatever run directory it uses.
//
// The lock is a listening socket in the abstract namespace of AF_UNIX
// (unix(7)), which belongs to the network namespace: the kernel frees it when
// its owner ends, however that happens, no file is left behind, and processes
// that share the network but not the file system meet at it too. Who is
// refused connects to the socket and is told about the owner.
//
// Anybody may listen on such a name. Only those count as owners who may change
// the network: root, the caller's own user, and who has CAP_NET_ADMIN. Where
// somebody else sits on the name, the lock is taken under the name with a
// random ending; so whoever listens looks for others before it believes that it
// is the only one.
package lock

import (
	"context"
	random "crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Name is the abstract socket's name of holdfast's lock.
const Name = "holdfast.lock"

// attempts is how often the lock is tried for when its owner is there one
// moment and gone the next, and pause is the longest time between two.
const (
	attempts = 5
	pause    = 50 * time.Millisecond
)

// Owner is who holds the lock.
type Owner struct {
	// PID is the process, as the kernel tells it, in the reader's namespace; 0
	// when the owner lives in a PID namespace that the reader does not see.
	PID int `json:"pid"`
	// UID is the user that the process ran as when it took the lock.
	UID int `json:"-"`
	// Command is the owner's command line.
	Command string `json:"command"`
	// Purpose is what the owner holds the lock for.
	Purpose string `json:"purpose"`
	// Since is when the lock was taken; zero when the owner did not answer.
	Since time.Time `json:"since"`
}

// String is one line for people: the command, its pid, the purpose and, if
// known, since when.
func (o Owner) String() string {
	var b strings.Builder
	if o.Command == "" {
		b.WriteString("another process")
	} else {
		b.WriteString(o.Command)
	}
	if o.PID > 0 {
		fmt.Fprintf(&b, " (pid %d)", o.PID)
	}
	if o.Purpose != "" {
		fmt.Fprintf(&b, ", %s", o.Purpose)
	}
	if !o.Since.IsZero() {
		fmt.Fprintf(&b, ", for %s", max(0, time.Since(o.Since)).Round(time.Second))
	}
	return b.String()
}

// HeldError tells that somebody else holds the lock.
type HeldError struct {
	// Owner is who.
	Owner Owner
}

// Error names the owner.
func (e *HeldError) Error() string {
	return "the network of this host is being changed by " + e.Owner.String()
}

// Lock is a lock that is held. Release gives it back.
type Lock struct {
	listener *net.UnixListener
	answered sync.WaitGroup
}

// Acquire takes the lock of the network namespace that the caller is in, under
// the given name, Name for holdfast's own. It does not wait: if somebody holds
// it the error is a *HeldError. It returns within a few seconds also when the
// owner is stopped.
func Acquire(ctx context.Context, name, purpose string) (*Lock, error) {
	var other *Owner
	for range attempts {
		listener, owner, err := claim(ctx, name)
		switch {
		case err != nil:
			return nil, err
		case owner != nil:
			return nil, &HeldError{Owner: *owner}
		}
		// Listening comes before looking: of two who try at once, under two
		// names, at least one sees the other.
		held := serve(listener, purpose)
		if other, err = search(ctx, name, listener.Addr().String()); other == nil && err == nil {
			return held, nil
		}
		_ = held.Release()
		if err != nil {
			return nil, err
		}
		sleep(ctx, rand.N(pause))
	}
	return nil, &HeldError{Owner: *other}
}

// claim listens on the lock's name, or tells who owns the lock. Where somebody
// sits on the name who has no business with it, claim listens on a name with a
// random ending.
func claim(ctx context.Context, name string) (*net.UnixListener, *Owner, error) {
	for range attempts {
		listener, err := listen(ctx, name)
		if err == nil {
			return listener, nil, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, fmt.Errorf("take the lock %s: %w", name, err)
		}
		owner, listens, err := ask(ctx, "@"+name)
		if owner != nil || err != nil {
			return nil, owner, err
		}
		if listens {
			break
		}
		sleep(ctx, rand.N(pause)) // it comes or goes at this moment
	}
	listener, err := listen(ctx, name+"."+random.Text())
	if err != nil {
		return nil, nil, fmt.Errorf("take the lock %s: %w", name, err)
	}
	return listener, nil, nil
}

// sleep waits, or until the context ends.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// Release gives the lock back.
func (l *Lock) Release() error {
	err := l.listener.Close()
	l.answered.Wait()
	return err
}

func listen(ctx context.Context, name string) (*net.UnixListener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", "@"+name)
	if err != nil {
		return nil, err
	}
	return listener.(*net.UnixListener), nil
}

// serve answers everyone who asks with who the owner is, until Release.
func serve(listener *net.UnixListener, purpose string) *Lock {
	l := &Lock{listener: listener}
	text, err := json.Marshal(Owner{PID: os.Getpid(), Command: strings.Join(os.Args, " "), Purpose: purpose, Since: time.Now()})
	if err != nil {
		panic("internal error: " + err.Error())
	}
	l.answered.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil { // out of descriptors, for example
				time.Sleep(10 * time.Millisecond)
				continue
			}
			// The text fits the socket's buffer, so that a reader who does not
			// read holds nobody up.
			_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = conn.Write(text)
			_ = conn.Close()
		}
	})
	return l
}
