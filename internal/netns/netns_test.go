package netns

import (
	"errors"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

// newNamespace makes a namespace, or skips where the machine does not allow it:
// a new one touches nothing of the machine's network.
func newNamespace(t *testing.T) *Namespace {
	t.Helper()
	n, err := New()
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) {
		t.Skipf("no network namespaces here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func id(t *testing.T, n *Namespace) ID {
	t.Helper()
	v, err := n.ID()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestNamespaceIsEmptyAndLeft(t *testing.T) {
	before, err := Current()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = before.Close() }()
	n := newNamespace(t)
	if id(t, n) == id(t, before) {
		t.Errorf("new namespace is the old one, %v", id(t, n))
	}
	err = n.Do(func() error {
		links, err := net.Interfaces()
		if len(links) != 1 || links[0].Name != "lo" {
			t.Errorf("links %v, want lo only", links)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	reopened, err := Open(n.Path())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reopened.Close() }()
	if id(t, reopened) != id(t, n) {
		t.Errorf("%s is %v, want %v", n.Path(), id(t, reopened), id(t, n))
	}
}

func TestDoReturnsTheError(t *testing.T) {
	n := newNamespace(t)
	want := errors.New("because")
	if err := n.Do(func() error { return want }); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestOpenNothing(t *testing.T) {
	if _, err := Open("/proc/self/ns/nothing"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
