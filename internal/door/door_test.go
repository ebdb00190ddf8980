package door_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/internal/door"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with the question and who asked.
func echo(_ context.Context, who door.Peer, question json.RawMessage) any {
	return map[string]any{"question": question, "pid": who.PID, "user": who.Name()}
}

func open(t *testing.T, answer door.Answer) (path string, d *door.Door) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run", "door.sock")
	d, err := door.Open(path, answer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return path, d
}

func TestAsk(t *testing.T) {
	path, d := open(t, echo)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the socket has the rights %v (%v), want 0600", info.Mode(), err)
	}
	var wait sync.WaitGroup
	for n := range 100 {
		wait.Go(func() {
			var got struct {
				Question int
				PID      int
			}
			if err := door.Ask(t.Context(), path, n, &got); err != nil || got.Question != n || got.PID != os.Getpid() {
				t.Errorf("question %d: %+v, %v", n, got, err)
			}
		})
	}
	wait.Wait()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	var got any
	if err := door.Ask(t.Context(), path, 1, &got); !errors.Is(err, door.ErrClosed) {
		t.Errorf("a closed door gave %v", err)
	}
	if err := door.Ask(t.Context(), path+"x", 1, &got); !errors.Is(err, door.ErrClosed) {
		t.Errorf("no door gave %v", err)
	}
}

// TestSuccessor opens a door where a process that was killed left its socket.
func TestSuccessor(t *testing.T) {
	path, d := open(t, echo)
	left := path + ".left"
	if err := os.Link(path, left); err != nil {
		t.Fatal(err)
	}
	_ = d.Close()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the socket stays: %v", err)
	}
	if err := os.Rename(left, path); err != nil {
		t.Fatal(err)
	}
	next, err := door.Open(path, echo)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = next.Close() }()
	var got struct{ Question string }
	if err := door.Ask(t.Context(), path, "who", &got); err != nil || got.Question != "who" {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestForget removes what killed processes left, and nothing else.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "door")
	other := filepath.Join(dir, "other")
	for _, name := range []string{path, path + ".4711", other} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	door.Forget(path)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || !slices.Equal(left, []string{other}) {
		t.Errorf("left is %v, %v", left, err)
	}
}

// TestGone lets whoever asks go away: the answer's context ends.
func TestGone(t *testing.T) {
	asked, ended := make(chan struct{}), make(chan struct{})
	path, _ := open(t, func(ctx context.Context, _ door.Peer, _ json.RawMessage) any {
		close(asked)
		<-ctx.Done()
		close(ended)
		return nil
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		<-asked
		cancel(errors.New("tired of waiting"))
	}()
	var got any
	if err := door.Ask(ctx, path, 1, &got); err == nil || err.Error() != "tired of waiting" {
		t.Errorf("the error is %v", err)
	}
	<-ended
}

// TestMute lets guests come who say nothing, or too much, while others ask.
func TestMute(t *testing.T) {
	path, _ := open(t, echo)
	var conns []net.Conn
	for n := range 8 {
		conn, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		if n%2 == 0 {
			_ = conn.SetWriteDeadline(time.Now().Add(time.Minute))
			_, _ = conn.Write([]byte(strings.Repeat("x", 1<<20)))
		}
	}
	var got struct{ Question int }
	if err := door.Ask(t.Context(), path, 7, &got); err != nil || got.Question != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	for _, conn := range conns {
		_ = conn.Close()
	}
}
