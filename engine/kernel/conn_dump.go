package kernel

import (
	"context"
	"errors"
	"fmt"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// dumpAttempts is how often a dump is repeated that the kernel flagged as
// interrupted: something changed between two of its parts, and objects may be
// missing from it or there twice.
const dumpAttempts = 30

// dumpAll asks for all objects of one type and decodes each in place, straight
// from the receive buffer: decode must copy what it keeps, and says whether the
// object is wanted. An interrupted dump is repeated, and after dumpAttempts
// tries is an error of kind busy; so a nil error means a consistent list, in
// which "not there" means "gone".
func dumpAll[T any](
	ctx context.Context, c *conn, typ uint16, request []byte,
	decode func(body []byte) (object T, wanted bool, err error),
) ([]T, error) {
	var all []T
	for range dumpAttempts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		all = all[:0]
		interrupted, err := c.dump(typ, request, func(m message) error {
			object, wanted, err := decode(m.body)
			if err == nil && wanted {
				all = append(all, object)
			}
			return err
		})
		switch {
		case errors.Is(err, unix.EBUSY): // one that was given up is still running
		case err != nil:
			return nil, err
		case !interrupted:
			return all, nil
		}
		c.log.Debug("dump interrupted, repeated", "type", typ)
	}
	return nil, errInterrupted
}

// dump sends one dump request and hands every message of the answer to each,
// until the kernel says that it is done. The answer is always read to its end,
// also after an error of each: the socket would otherwise be busy for ever.
func (c *conn) dump(typ uint16, request []byte, each func(message) error) (interrupted bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seq := c.nextSeq(1)
	_, err = c.nl.SendMessages([]netlink.Message{{
		Header: netlink.Header{
			Type: netlink.HeaderType(typ), Flags: netlink.Request | netlink.Dump,
			Sequence: seq, PID: c.pid,
		},
		Data: request,
	}})
	if err != nil {
		return false, err
	}
	var first error
	receive := c.receive
	for {
		b, err := receive()
		switch {
		case err == nil:
		case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EMSGSIZE) && c.growBuffer():
			// Something of the answer is lost, its end perhaps. What else there is
			// of it is there already: a dump goes on while it is read
			// (netlink_recvmsg, net/netlink/af_netlink.c).
			interrupted, receive = true, c.receiveQueued
			continue
		case errors.Is(err, unix.EAGAIN) && interrupted:
			return true, first
		default:
			return interrupted, err
		}
		done, err := walkDump(b, seq, &interrupted, &first, each)
		if err != nil {
			return interrupted, err
		}
		if done {
			return interrupted, first
		}
	}
}

// longestMessage bounds the receive buffer.
const longestMessage = 1 << 20

// growBuffer makes room for longer messages; false when there is enough.
func (c *conn) growBuffer() bool {
	if len(c.buf) >= longestMessage {
		return false
	}
	c.buf = make([]byte, 2*len(c.buf))
	return true
}

// walkDump goes through one datagram of a dump's answer. The first error of
// each or of the kernel is kept in first; an error result means that the
// datagram itself cannot be read. Messages of other sequence numbers are left
// over from something given up, and are passed over.
func walkDump(b []byte, seq uint32, interrupted *bool, first *error, each func(message) error) (bool, error) {
	for len(b) > 0 {
		m, rest, err := splitMessage(b)
		if err != nil {
			return false, fmt.Errorf("read dump: %w", err)
		}
		b = rest
		if m.seq != seq {
			continue
		}
		*interrupted = *interrupted || m.flags&unix.NLM_F_DUMP_INTR != 0
		switch m.typ {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			if err := ackOf(m); err != nil && *first == nil {
				*first = err
			}
			return true, nil
		case unix.NLMSG_NOOP:
		default:
			if *first == nil {
				*first = each(m)
			}
		}
	}
	return false, nil
}
