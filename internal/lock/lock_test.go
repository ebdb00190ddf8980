package lock_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"holdfast/internal/lock"
)

// owner is set in a child of the test: the lock that it holds until it ends.
const owner = "HOLDFAST_TEST_LOCK"

func TestMain(m *testing.M) {
	if name := os.Getenv(owner); name != "" {
		hold(name)
		return
	}
	goleak.VerifyTestMain(m)
}

func hold(name string) {
	if _, err := lock.Acquire(context.Background(), name, "test purpose"); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("held")
	_, _ = os.Stdin.Read(make([]byte, 1))
}

func name(t *testing.T) string { return fmt.Sprintf("holdfast.%s.%d", t.Name(), os.Getpid()) }

func TestReleasedLockIsFree(t *testing.T) {
	for range 3 {
		l, err := lock.Acquire(t.Context(), name(t), "test")
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Release(); err != nil {
			t.Fatal(err)
		}
	}
	holder, err := lock.Holder(t.Context(), name(t))
	if holder != nil || err != nil {
		t.Fatalf("holder of a free lock: %v, %v", holder, err)
	}
}

func TestRefusalNamesTheOwner(t *testing.T) {
	l, err := lock.Acquire(t.Context(), name(t), "apply host.yml")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Release() }()
	_, err = lock.Acquire(t.Context(), name(t), "test")
	held, ok := errors.AsType[*lock.HeldError](err)
	if !ok {
		t.Fatalf("second acquire: %v", err)
	}
	if held.Owner.PID != os.Getpid() || held.Owner.UID != os.Getuid() || held.Owner.Purpose != "apply host.yml" {
		t.Errorf("owner: %+v", held.Owner)
	}
	if held.Owner.Since.IsZero() || held.Owner.Command == "" {
		t.Errorf("owner without age or command: %+v", held.Owner)
	}
	if text := err.Error(); !strings.Contains(text, "apply host.yml") || !strings.Contains(text, "pid") {
		t.Errorf("text: %s", text)
	}
}

func TestLockDiesWithItsOwner(t *testing.T) {
	child := start(t)
	if _, err := lock.Acquire(t.Context(), name(t), "test"); err == nil {
		t.Fatal("took a lock that a child holds")
	}
	_ = child.Process.Kill()
	_ = child.Wait()
	l, err := lock.Acquire(t.Context(), name(t), "test")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Release()
}

// TestSquatterIsPassedOver has a user without privileges sit on the lock's
// name: root takes the lock all the same, others of root meet it, and the name
// being free again does not make a second owner.
func TestSquatterIsPassedOver(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user takes root")
	}
	squatter := startAs(t, &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true})
	if holder, err := lock.Holder(t.Context(), name(t)); holder != nil || err != nil {
		t.Fatalf("the squatter counts as owner: %v, %v", holder, err)
	}
	l, err := lock.Acquire(t.Context(), name(t), "apply host.yml")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		_, err := lock.Acquire(t.Context(), name(t), "test")
		if held, ok := errors.AsType[*lock.HeldError](err); !ok || held.Owner.Purpose != "apply host.yml" || held.Owner.PID != os.Getpid() {
			t.Errorf("%s: a second owner got %v", when, err)
		}
		if holder, err := lock.Holder(t.Context(), name(t)); err != nil || holder == nil || holder.Purpose != "apply host.yml" {
			t.Errorf("%s: holder %v, %v", when, holder, err)
		}
	}
	refused("beside the squatter")
	_ = squatter.Process.Kill()
	_ = squatter.Wait()
	refused("after the squatter")
	if err := l.Release(); err != nil {
		t.Fatal(err)
	}
	if holder, err := lock.Holder(t.Context(), name(t)); holder != nil || err != nil {
		t.Errorf("holder of a free lock: %v, %v", holder, err)
	}
}

// TestOneOfManyGetsTheLock lets many try at once, beside a squatter: never do
// two of them hold the lock.
func TestOneOfManyGetsTheLock(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("becoming another user takes root")
	}
	startAs(t, &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true})
	var held, took atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				l, err := lock.Acquire(t.Context(), name(t), "test")
				if _, busy := errors.AsType[*lock.HeldError](err); busy {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if held.Add(1) > 1 {
					t.Error("two hold the lock")
				}
				took.Add(1)
				held.Add(-1)
				_ = l.Release()
			}
		})
	}
	all.Wait()
	t.Logf("taken %d times", took.Load())
}

func TestStoppedOwnerIsNamed(t *testing.T) {
	child := start(t)
	if err := child.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := lock.Acquire(ctx, name(t), "test")
	held, ok := errors.AsType[*lock.HeldError](err)
	if !ok || held.Owner.PID != child.Process.Pid || held.Owner.Command == "" {
		t.Fatalf("a stopped owner: %v", err)
	}
}

// start runs this test binary as the owner of the test's lock.
func start(t *testing.T) *exec.Cmd {
	t.Helper()
	return startAs(t, nil)
}

// startAs is start for another user; nil is our own. The user may not be able
// to get at the binary by its path.
func startAs(t *testing.T, user *syscall.Credential) *exec.Cmd {
	t.Helper()
	child := exec.Command("/proc/self/exe")
	child.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	child.Env = append(os.Environ(), owner+"="+name(t))
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = child.Process.Kill()
		_ = child.Wait()
		_ = stdin.Close()
	})
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	if line != "held\n" {
		t.Fatalf("child says %q", line)
	}
	return child
}
