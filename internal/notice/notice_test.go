package notice

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// await waits until cond holds, for a minute at most.
func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !cond(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}

// TestDirectories changes directories that are there, and ones that come later.
func TestDirectories(t *testing.T) {
	top := t.TempDir()
	there, later := filepath.Join(top, "there"), filepath.Join(top, "a", "b")
	if err := os.Mkdir(there, 0o700); err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- Directories(ctx, []string{there, later}, time.Hour, func() { count.Add(1) })
	}()
	await(t, "the first call", func() bool { return count.Load() > 0 })
	for _, change := range []struct {
		what string
		do   func() error
	}{
		{"write", func() error { return os.WriteFile(filepath.Join(there, "x"), []byte("1"), 0o600) }},
		{"rename", func() error { return os.Rename(filepath.Join(there, "x"), filepath.Join(there, "y")) }},
		{"remove", func() error { return os.Remove(filepath.Join(there, "y")) }},
		{"make the parent", func() error { return os.Mkdir(filepath.Dir(later), 0o700) }},
		{"make the directory", func() error { return os.Mkdir(later, 0o700) }},
		{"write in it", func() error { return os.WriteFile(filepath.Join(later, "x"), nil, 0o600) }},
	} {
		settled(t, &count)
		before := count.Load()
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		await(t, change.what+" is noticed", func() bool { return count.Load() > before })
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// settled waits until nothing was noticed for a while, so that what is noticed
// next belongs to what comes next. A late notice would only make the test pass
// for the wrong reason, never fail.
func settled(t *testing.T, count *atomic.Int64) {
	t.Helper()
	last, since := count.Load(), time.Now()
	await(t, "no more notices", func() bool {
		if now := count.Load(); now != last {
			last, since = now, time.Now()
		}
		return time.Since(since) > 50*time.Millisecond
	})
}

// TestDirectoriesPeriod looks now and then also without any notice.
func TestDirectoriesPeriod(t *testing.T) {
	for name, run := range map[string]func(context.Context, func()) error{
		"notices": func(ctx context.Context, f func()) error {
			return Directories(ctx, []string{t.TempDir()}, time.Millisecond, f)
		},
		"polling": func(ctx context.Context, f func()) error { return poll(ctx, time.Millisecond, f) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			n := 0
			err := run(ctx, func() {
				if n++; n == 5 {
					cancel()
				}
			})
			if err != nil || n < 5 {
				t.Errorf("%d calls, error %v", n, err)
			}
		})
	}
}

func TestReaderGone(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	if ReaderGone(w) {
		t.Error("gone while the reader is there")
	}
	_ = r.Close()
	await(t, "the reader is gone", func() bool { return ReaderGone(w) })
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	if ReaderGone(null) {
		t.Error("the reader of no pipe is gone")
	}
}
