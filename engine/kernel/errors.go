package kernel

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
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
