package kernel

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// receiveSize is one receive: the kernel never fills a dump's buffer
	// beyond 32 KiB (NLMSG_GOODSIZE and max_recvmsg_len, net/netlink/af_netlink.c),
	// and a longer one costs more system calls in nothing.
	receiveSize = 32 << 10
	// wantedReceiveBuffer is asked for as socket buffer; the kernel doubles it.
	wantedReceiveBuffer = 8 << 20
	// ackCost is what one acknowledgement with extended text takes from the
	// socket's buffer at most (skb truesize: data, headroom and the skb itself).
	ackCost = 2048
	// maxBatch bounds the messages of one send, so that a cancelled context is
	// seen soon, whatever the buffers would hold.
	maxBatch = 512
)

// A conn is one netlink socket, for one protocol and one network namespace.
//
// It may be used by several goroutines; each dump or pipeline runs to its end
// before the next begins, because the kernel answers one socket in order.
type conn struct {
	nl     *netlink.Conn
	raw    syscall.RawConn
	log    *slog.Logger
	pid    uint32
	writes atomic.Int64
	// generic is the socket for ethtool beside that for routes, opened with it
	// so that both are in one namespace; nil where there is no generic netlink.
	generic *conn
	// ageing knows what bridges hide for a while.
	ageing ageingMemory

	mu       sync.Mutex // guards what is below
	seq      uint32
	buf      []byte
	batch    int // messages of one send, so that their acks fit
	sendSize int // bytes of one send
}

// dialConn opens a netlink socket of a protocol (unix.NETLINK_ROUTE,
// unix.NETLINK_GENERIC) in the network namespace behind the descriptor ns, or
// in the calling thread's for 0. The caller keeps the descriptor.
//
// log must not be nil. Extended acknowledgements, capped acknowledgements and strict checking of
// dump requests are switched on where the kernel has them (4.12, 4.3, 4.20);
// an older kernel works without. The receive buffer is raised as far as the
// privileges go.
func dialConn(protocol, ns int, log *slog.Logger) (*conn, error) {
	nl, err := netlink.Dial(protocol, &netlink.Config{NetNS: ns, MessageBufferSize: receiveSize})
	if err != nil {
		return nil, newOpError("open netlink socket", "", err)
	}
	c, err := newConn(nl, log)
	if err != nil {
		return nil, errors.Join(newOpError("prepare netlink socket", "", err), nl.Close())
	}
	if protocol == unix.NETLINK_ROUTE {
		if c.generic, err = dialConn(unix.NETLINK_GENERIC, ns, log); err != nil {
			log.Debug("no generic netlink: NICs' speeds stay unknown", "err", err)
			c.generic = nil
		}
	}
	return c, nil
}

// newConn prepares an open socket: options, buffers and their derived limits.
func newConn(nl *netlink.Conn, log *slog.Logger) (*conn, error) {
	for _, o := range []netlink.ConnOption{
		netlink.ExtendedAcknowledge, netlink.CapAcknowledge, netlink.GetStrictCheck,
	} {
		if err := nl.SetOption(o, true); err != nil && !errors.Is(err, unix.ENOPROTOOPT) {
			return nil, fmt.Errorf("set socket option %d: %w", o, err)
		}
	}
	raw, err := nl.SyscallConn()
	if err != nil {
		return nil, err
	}
	forceReceiveBuffer(nl, raw)
	received, err := nl.ReadBuffer()
	if err != nil {
		return nil, err
	}
	sent, err := nl.WriteBuffer()
	if err != nil {
		return nil, err
	}
	return &conn{
		nl: nl, raw: raw, log: log, pid: nl.PID(), seq: 1,
		buf:      make([]byte, receiveSize),
		batch:    min(max(received/ackCost-1, 1), maxBatch),
		sendSize: max(sent-4096, 4096),
	}, nil
}

// forceReceiveBuffer raises the receive buffer beyond net.core.rmem_max, which
// needs CAP_NET_ADMIN in the initial user namespace, and otherwise up to it.
// A smaller buffer only makes smaller batches.
func forceReceiveBuffer(nl *netlink.Conn, raw syscall.RawConn) {
	var serr error
	err := raw.Control(func(fd uintptr) {
		serr = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, wantedReceiveBuffer)
	})
	if err != nil || serr != nil {
		_ = nl.SetReadBuffer(wantedReceiveBuffer)
	}
}

// Writes counts the messages sent so far that change something. A plan with
// no steps leaves it as it was.
func (c *conn) Writes() int64 { return c.writes.Load() }

// Close closes the socket and the one for ethtool. A receive that is under way
// ends with an error.
func (c *conn) Close() error {
	err := c.nl.Close()
	if c.generic != nil {
		err = errors.Join(err, c.generic.Close())
	}
	return err
}

// nextSeq reserves n sequence numbers and gives the first. Zero is skipped: it
// marks what the kernel sends by itself.
func (c *conn) nextSeq(n int) uint32 {
	if c.seq == 0 || c.seq+uint32(n) < c.seq {
		c.seq = 1
	}
	first := c.seq
	c.seq += uint32(n)
	return first
}

// receive waits for one datagram, reads it into the connection's buffer and
// gives the part that was filled. It is valid until the next receive. Datagrams
// of other processes are passed over: only port 0, the kernel, is believed.
func (c *conn) receive() ([]byte, error) { return c.read(true) }

// receiveQueued is receive without waiting: unix.EAGAIN if nothing is there.
func (c *conn) receiveQueued() ([]byte, error) { return c.read(false) }

func (c *conn) read(wait bool) ([]byte, error) {
	for {
		var n, flags int
		var from unix.Sockaddr
		var rerr error
		err := c.raw.Read(func(fd uintptr) bool {
			for {
				n, _, flags, from, rerr = unix.Recvmsg(int(fd), c.buf, nil, unix.MSG_DONTWAIT)
				if !errors.Is(rerr, unix.EINTR) {
					return !wait || !errors.Is(rerr, unix.EAGAIN)
				}
			}
		})
		if err := errors.Join(err, rerr); err != nil {
			return nil, err
		}
		if sa, ok := from.(*unix.SockaddrNetlink); !ok || sa.Pid != 0 {
			continue
		}
		if flags&unix.MSG_TRUNC != 0 {
			return nil, fmt.Errorf("message longer than %d bytes: %w", len(c.buf), unix.EMSGSIZE)
		}
		return c.buf[:n], nil
	}
}
