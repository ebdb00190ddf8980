package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/engine"
)

var (
	// errLost is the result of a message whose acknowledgement was lost because
	// the receive buffer ran over: it may or may not have been carried out.
	errLost = errors.New("acknowledgement lost, the outcome is not known")
	// errInterrupted is the result of a dump that the kernel flagged as
	// interrupted each time it was tried.
	errInterrupted = errors.New("the host's network changes too fast to be read in one piece")
)

// An ackError is the kernel's refusal of one message: the error number, and the
// words of the extended acknowledgement where it gave some.
type ackError struct {
	Errno unix.Errno
	Text  string
}

func (e *ackError) Error() string {
	if e.Text == "" {
		return e.Errno.Error()
	}
	return e.Errno.Error() + " (" + strings.TrimRight(e.Text, ".\n ") + ")"
}

// Unwrap gives the error number, so that errors.Is(err, unix.EEXIST) works.
func (e *ackError) Unwrap() error { return e.Errno }

// newOpError tells what was tried on which object and why it did not work. The
// result is an *engine.Error with the kind of fault, and a hint for people where
// one is known; nil for a nil err. An err that is already an *engine.Error is
// given back as it is: the innermost operation knows best.
func newOpError(op, object string, err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*engine.Error](err); known {
		return err
	}
	return &engine.Error{Op: op, Object: object, Kind: kindOf(err), Hint: hintFor(err), Err: err}
}

// newCreateError is newOpError for the creation of a link: a kind of link that
// the kernel does not know is told by the name of the module that brings it.
func newCreateError(object, kind string, err error) error {
	e := newOpError("create "+kind, object, err)
	var fault *engine.Error
	if errors.As(e, &fault) && errors.Is(err, unix.EOPNOTSUPP) {
		if module := moduleOf(kind); module != "" {
			fault.Hint = fmt.Sprintf("the kernel module %q is missing and could not be loaded: install it, or run \"modprobe %s\"", module, module)
		}
	}
	return e
}

// moduleOf names the kernel module that brings a kind of link; empty for a kind
// that nobody here makes. The kernel loads rtnl-link-KIND by itself if it can.
func moduleOf(kind string) string {
	switch kind {
	case "vlan":
		return "8021q"
	case "bond":
		return "bonding"
	case "bridge", "dummy", "veth", "vxlan", "vrf", "macvlan", "macvtap", "ipvlan", "macsec", "hsr", "tun":
		return kind
	}
	return ""
}

// kindOf sorts a fault into the closed list of kinds.
func kindOf(err error) engine.Kind {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return engine.Timeout
	case errors.Is(err, errInterrupted):
		return engine.Busy
	}
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return engine.Internal
	}
	if kind, ok := errnoKinds[errno]; ok {
		return kind
	}
	return engine.Internal
}

// errnoKinds maps what rtnetlink, the drivers and the file system refuse with.
var errnoKinds = map[unix.Errno]engine.Kind{
	unix.EPERM: engine.Permission, unix.EACCES: engine.Permission, unix.EROFS: engine.Permission,
	unix.ENODEV: engine.NotFound, unix.ENOENT: engine.NotFound, unix.ESRCH: engine.NotFound,
	unix.ENXIO: engine.NotFound, unix.EADDRNOTAVAIL: engine.NotFound,
	unix.EEXIST: engine.Conflict, unix.ENOTUNIQ: engine.Conflict, unix.EADDRINUSE: engine.Conflict,
	unix.EBUSY: engine.Busy, unix.EAGAIN: engine.Busy, unix.ENOBUFS: engine.Busy, unix.ENOMEM: engine.Busy,
	unix.EOPNOTSUPP: engine.Unsupported, unix.EAFNOSUPPORT: engine.Unsupported,
	unix.EPROTONOSUPPORT: engine.Unsupported, unix.ENOPROTOOPT: engine.Unsupported,
	unix.ENOSYS: engine.Unsupported,
	unix.EINVAL: engine.Invalid, unix.ERANGE: engine.Invalid, unix.E2BIG: engine.Invalid,
	unix.EMSGSIZE: engine.Invalid, unix.ELOOP: engine.Invalid, unix.EMLINK: engine.Invalid,
	unix.ENETUNREACH: engine.Unreachable, unix.EHOSTUNREACH: engine.Unreachable,
	unix.ENETDOWN: engine.Unreachable, unix.ENONET: engine.Unreachable,
	unix.ETIMEDOUT: engine.Timeout,
}

// hintFor says what a person can do about a fault; empty if nothing is known.
func hintFor(err error) string {
	var errno unix.Errno
	switch {
	case errors.Is(err, errInterrupted):
		return "something else is changing the network all the time; try again when it is done"
	case !errors.As(err, &errno):
		return ""
	}
	if errno == unix.EPERM {
		return refusalHint(privileged())
	}
	return errnoHints[errno]
}

// refusalHint explains EPERM, which the kernel also says to root.
func refusalHint(privileged bool) string {
	if privileged {
		return "the kernel allows this not even to root: not with this value, or not while the interface is as it is"
	}
	return "run it as root, or with the capability CAP_NET_ADMIN"
}

// privileged tells whether the calling thread has CAP_NET_ADMIN.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	return unix.Capget(&header, &sets[0]) == nil && sets[0].Effective&(1<<unix.CAP_NET_ADMIN) != 0
}

var errnoHints = map[unix.Errno]string{
	unix.EACCES:       "run it as root, or with the capability CAP_NET_ADMIN",
	unix.EROFS:        "/proc/sys is mounted read-only here, as in a container",
	unix.EBUSY:        "something else uses the link: another controller, another program or a driver that is not ready",
	unix.ENODEV:       "the interface vanished or was renamed meanwhile: look at \"holdfast show\" and try again",
	unix.EOPNOTSUPP:   "the kernel or the driver does not have this: a module may be missing, or the NIC cannot do it",
	unix.EAFNOSUPPORT: "the address family is switched off in this kernel (ipv6.disable=1?)",
	unix.ENETUNREACH:  "the next hop is not reachable through any address of that interface",
	unix.ENETDOWN:     "the interface is down",
	unix.ENOBUFS:      "the kernel ran out of buffer memory; try again",
}
