package kernel

import (
	"context"
	"errors"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// pipeline sends messages, many in one system call, and collects the
// acknowledgement of each: results[i] is nil if the kernel did msgs[i], an
// *ackError with its errno and words if it refused, errLost if the answer was
// lost (the message may or may not have been carried out: dump again), or
// wraps the context's error if it was not sent at all.
//
// All messages are carried out in order, and a refused one does not keep those
// behind it from being carried out (decisions: one send holds one level of
// dependencies). Sends are cut so that their acknowledgements fit the receive
// buffer; the context is looked at between two sends.
//
// Header.Flags need not have the request and ack bits, Sequence and PID are
// overwritten. Every message counts as a write.
func (c *conn) pipeline(ctx context.Context, msgs []netlink.Message) []error {
	c.writes.Add(int64(len(msgs)))
	return c.exchange(ctx, msgs, nil)
}

// ask sends requests that change nothing and hands their answers to each, with
// the request's index. The body is valid during the call only.
func (c *conn) ask(ctx context.Context, msgs []netlink.Message, each func(i int, body []byte)) []error {
	return c.exchange(ctx, msgs, each)
}

// exchange is pipeline and ask: send in cuts, map what comes back by sequence.
func (c *conn) exchange(ctx context.Context, msgs []netlink.Message, each func(int, []byte)) []error {
	c.mu.Lock()
	defer c.mu.Unlock()
	results := make([]error, len(msgs))
	for start := 0; start < len(msgs); {
		end := c.cut(msgs, start)
		err := ctx.Err()
		if err == nil {
			err = c.sendBatch(msgs[start:end], results[start:end], start, each)
		} else {
			end = len(msgs)
		}
		if err != nil {
			fill(results[start:end], err)
		}
		start = end
	}
	return results
}

// fill puts an error where no verdict is known yet.
func fill(results []error, err error) {
	for i := range results {
		if results[i] == nil {
			results[i] = err
		}
	}
}

// cut finds the end of the batch that begins at start: at least one message,
// and no more than the buffers hold.
func (c *conn) cut(msgs []netlink.Message, start int) int {
	size := 0
	for i := start; i < len(msgs); i++ {
		size += align4(headerSize + len(msgs[i].Data))
		if i > start && (i-start >= c.batch || size > c.sendSize) {
			return i
		}
	}
	return len(msgs)
}

// sendBatch sends one cut and reads its acknowledgements. The kernel carries
// requests out inside the send, so that all answers are queued when it returns.
// An error means that nothing of the batch was carried out.
func (c *conn) sendBatch(msgs []netlink.Message, results []error, offset int, each func(int, []byte)) error {
	first := c.nextSeq(len(msgs) + 1)
	for i := range msgs {
		h := &msgs[i].Header
		h.Flags |= netlink.Request | netlink.Acknowledge
		h.Sequence, h.PID, h.Length = first+uint32(i), c.pid, 0
	}
	if _, err := c.nl.SendMessages(msgs); err != nil {
		return err
	}
	acks := ackReader{first: first, results: results, offset: offset, each: each}
	acks.acked = make([]bool, len(msgs))
	if err := c.readAcks(&acks); err != nil {
		acks.lose(errors.Join(errLost, err))
	}
	acks.lose(errLost)
	return nil
}

// readAcks reads until everything is acknowledged, or what is not has been
// lost. When the buffer ran over, the socket takes nothing more until it has
// been read empty; then a barrier tells that nothing is on its way any more.
func (c *conn) readAcks(acks *ackReader) error {
	receive := c.receive
	for !acks.complete() {
		b, err := receive()
		switch {
		case err == nil:
			err = acks.read(b)
		case errors.Is(err, unix.ENOBUFS):
			receive, err = c.receiveQueued, nil
		case errors.Is(err, unix.EAGAIN):
			receive = c.receive
			err = c.sendBarrier(acks.first + uint32(len(acks.acked)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sendBarrier sends a message that does nothing but be acknowledged: what was
// asked before and is not acknowledged when it is, never will be.
func (c *conn) sendBarrier(seq uint32) error {
	_, err := c.nl.SendMessages([]netlink.Message{{Header: netlink.Header{
		Type: netlink.Noop, Flags: netlink.Request | netlink.Acknowledge, Sequence: seq, PID: c.pid,
	}}})
	return err
}

// An ackReader maps what comes back to the messages of one batch.
type ackReader struct {
	first   uint32 // sequence number of the first message
	results []error
	acked   []bool
	count   int
	offset  int // of the batch, in the indexes that each gets
	each    func(int, []byte)
	barrier bool // a barrier behind the batch was acknowledged
}

// complete says whether nothing more is to be waited for.
func (r *ackReader) complete() bool { return r.count == len(r.acked) || r.barrier }

// read goes through one datagram.
func (r *ackReader) read(b []byte) error {
	for len(b) > 0 {
		m, rest, err := splitMessage(b)
		if err != nil {
			return err
		}
		b = rest
		r.take(m)
	}
	return nil
}

// take handles one message; those of other batches are passed over.
func (r *ackReader) take(m message) {
	i := int(m.seq - r.first)
	switch {
	case m.seq-r.first > uint32(len(r.acked)):
	case i == len(r.acked):
		r.barrier = true
	case m.typ == unix.NLMSG_ERROR || m.typ == unix.NLMSG_DONE:
		if !r.acked[i] {
			r.acked[i], r.results[i] = true, ackOf(m)
			r.count++
		}
	case r.each != nil:
		r.each(r.offset+i, m.body)
	}
}

// lose marks what was never acknowledged.
func (r *ackReader) lose(err error) {
	for i, ok := range r.acked {
		if !ok {
			r.acked[i], r.results[i] = true, err
		}
	}
}
