package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/engine"
)

func TestErrorKinds(t *testing.T) {
	for _, c := range []struct {
		err  error
		kind engine.Kind
		hint string
	}{
		{&ackError{Errno: unix.EPERM}, engine.Permission, "root"},
		{&ackError{Errno: unix.ENODEV}, engine.NotFound, "renamed"},
		{&ackError{Errno: unix.EEXIST}, engine.Conflict, ""},
		{&ackError{Errno: unix.EBUSY}, engine.Busy, "uses the link"},
		{&ackError{Errno: unix.EOPNOTSUPP}, engine.Unsupported, "module"},
		{&ackError{Errno: unix.EINVAL}, engine.Invalid, ""},
		{&ackError{Errno: unix.ENETUNREACH}, engine.Unreachable, "next hop"},
		{&ackError{Errno: unix.EPIPE}, engine.Internal, ""},
		{errInterrupted, engine.Busy, "try again"},
		{context.Canceled, engine.Timeout, ""},
		{fmt.Errorf("write: %w", unix.EROFS), engine.Permission, "read-only"},
		{errors.New("odd"), engine.Internal, ""},
	} {
		var got *engine.Error
		if !errors.As(newOpError("set mtu 9000", "bond0", c.err), &got) {
			t.Fatalf("%v: no *engine.Error", c.err)
		}
		if got.Kind != c.kind || !strings.Contains(got.Hint, c.hint) || (c.hint == "") != (got.Hint == "") {
			t.Errorf("%v: kind %q hint %q, want %q and %q", c.err, got.Kind, got.Hint, c.kind, c.hint)
		}
		if !errors.Is(got, c.err) {
			t.Errorf("%v is not wrapped", c.err)
		}
	}
}

// TestRefusalHint: who has the capability is not told to get it.
func TestRefusalHint(t *testing.T) {
	if hint := refusalHint(true); strings.Contains(hint, "CAP_NET_ADMIN") || !strings.Contains(hint, "this value") {
		t.Errorf("root reads %q", hint)
	}
	if hint := refusalHint(false); !strings.Contains(hint, "CAP_NET_ADMIN") {
		t.Errorf("others read %q", hint)
	}
}

func TestErrorText(t *testing.T) {
	ack := &ackError{Errno: unix.EBUSY, Text: "Device can not be enslaved while up.\n"}
	err := newOpError("join bond0", "eth1", ack)
	const want = "eth1: join bond0: device or resource busy (Device can not be enslaved while up)"
	if err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if !errors.Is(err, unix.EBUSY) {
		t.Error("the error number is not found by errors.Is")
	}
	if outer := newOpError("apply", "", err); outer.Error() != err.Error() {
		t.Errorf("the innermost operation is covered: %v", outer)
	}
	if newOpError("nothing", "", nil) != nil || newCreateError("v", "vlan", nil) != nil {
		t.Error("no error became one")
	}
}

func TestMissingModuleIsNamed(t *testing.T) {
	for kind, module := range map[string]string{
		"bond": "bonding", "vlan": "8021q", "bridge": "bridge", "dummy": "dummy", "veth": "veth",
	} {
		var got *engine.Error
		if !errors.As(newCreateError("x0", kind, &ackError{Errno: unix.EOPNOTSUPP}), &got) {
			t.Fatal("no *engine.Error")
		}
		if got.Kind != engine.Unsupported || !strings.Contains(got.Hint, "modprobe "+module) {
			t.Errorf("%s: kind %q hint %q", kind, got.Kind, got.Hint)
		}
	}
}
