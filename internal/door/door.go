// Package door lets other processes of the host speak to one that has
// something under way: one question and one answer over a unix socket, as a
// line of JSON each.
//
// The socket lies in a directory, so that whoever may not enter the directory
// cannot ask. A process that ends without closing its door leaves the socket's
// file behind: nobody answers there, and the next one takes its place.
package door

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	// maxQuestion and maxAnswer bound what is read, in bytes.
	maxQuestion = 64 << 10
	maxAnswer   = 16 << 20
	// patience is how long the question of a connection may take to come.
	patience = 5 * time.Second
	// maxGuests is how many connections are served at once.
	maxGuests = 32
)

// ErrClosed says that nobody answers at the door.
var ErrClosed = errors.New("nobody answers")

// Answer gives the answer to a question of who. It is called by several
// goroutines at once; ctx ends when whoever asked goes away, and when the door
// is closed. What it returns is encoded as JSON.
type Answer func(ctx context.Context, who Peer, question json.RawMessage) any

// Door is an open one.
type Door struct {
	path     string
	listener *net.UnixListener
	answer   Answer
	cancel   context.CancelFunc
	guests   sync.WaitGroup
}

// Open opens a door at path, for its owner alone, and makes its directory if
// it lacks. The caller sees to it that no other process has a door there.
func Open(path string, answer Answer) (*Door, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	listener, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("listen at %s: %w", path, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d := &Door{path: path, listener: listener, answer: answer, cancel: cancel}
	d.guests.Go(func() { d.serve(ctx) })
	return d, nil
}

// Forget removes the door that a process left behind that is gone, if there is
// one. The caller sees to it that no other process has a door there.
func Forget(path string) {
	_ = os.Remove(path)
	left, _ := filepath.Glob(path + ".*")
	for _, name := range left {
		_ = os.Remove(name)
	}
}

// listen binds under a name of its own and renames, so that the door is never
// seen with the rights that the umask happens to give.
func listen(path string) (*net.UnixListener, error) {
	temporary := fmt.Sprintf("%s.%d", path, os.Getpid())
	_ = os.Remove(temporary)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	if err = os.Chmod(temporary, 0o600); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		_, _ = listener.Close(), os.Remove(temporary)
		return nil, err
	}
	return listener, nil
}

func (d *Door) serve(ctx context.Context) {
	places := make(chan struct{}, maxGuests)
	for {
		conn, err := d.listener.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			select { // out of descriptors, for example: it may pass
			case <-time.After(100 * time.Millisecond):
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			_ = conn.Close()
			return
		}
		d.guests.Go(func() {
			defer func() { <-places }()
			defer func() { _ = conn.Close() }()
			d.attend(ctx, conn)
		})
	}
}

// attend answers one question.
func (d *Door) attend(ctx context.Context, conn *net.UnixConn) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(io.LimitReader(conn, maxQuestion)).ReadBytes('\n')
	if err != nil || !json.Valid(line) {
		return
	}
	who, err := peer(conn)
	if err != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = conn.SetReadDeadline(time.Time{})
	go func() { // ends when either side closes the connection
		_, _ = conn.Read(make([]byte, 1))
		cancel()
	}()
	answer, err := json.Marshal(d.answer(ctx, who, line))
	if err != nil {
		return
	}
	_ = conn.SetWriteDeadline(time.Now().Add(patience))
	_, _ = conn.Write(append(answer, '\n'))
}

// Close closes the door, removes its socket, and returns when all that were
// being answered have their answer.
func (d *Door) Close() error {
	_ = os.Remove(d.path)
	err := d.listener.Close()
	d.cancel()
	d.guests.Wait()
	return err
}

// Ask asks at a door. The error is ErrClosed, or wraps it, when nobody has a
// door open at path, or goes away without an answer.
func Ask(ctx context.Context, path string, question, answer any) error {
	line, err := json.Marshal(question)
	if err != nil {
		return err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return ErrClosed
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	if _, err := conn.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	err = json.NewDecoder(io.LimitReader(conn, maxAnswer)).Decode(answer)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return nil
}
