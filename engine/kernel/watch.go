package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/engine"
)

var _ engine.Watcher = (*Engine)(nil)

// watchGroups are the kernel's announcements that a watch listens to (enum
// rtnetlink_groups, rtnetlink.h). Neighbours are not among them: they come and
// go all the time.
var watchGroups = []uint32{
	unix.RTNLGRP_LINK,
	unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_IFINFO,
	unix.RTNLGRP_IPV4_ROUTE, unix.RTNLGRP_IPV6_ROUTE,
	unix.RTNLGRP_IPV4_RULE, unix.RTNLGRP_IPV6_RULE,
	unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF,
}

// Watch listens to the kernel, in the engine's network namespace. It needs no
// privileges, but without them its buffer is smaller. Routes of protocols that
// Show does not print (a routing daemon's whole table) are passed over.
func (e *Engine) Watch(ctx context.Context, changed func(engine.Change)) error {
	return e.watch(ctx, 0, changed)
}

// watch is Watch with a receive buffer of some bytes, the usual one for 0.
func (e *Engine) watch(ctx context.Context, buffer int, changed func(engine.Change)) error {
	nl, err := e.listen()
	if err != nil {
		return newOpError("open a socket for events", "", err)
	}
	c, err := newConn(nl, e.log)
	if err == nil && buffer != 0 {
		err = nl.SetReadBuffer(buffer)
	}
	for _, group := range watchGroups {
		if err == nil {
			err = nl.JoinGroup(group)
		}
	}
	if err != nil {
		return newOpError("listen to events", "", errors.Join(err, nl.Close()))
	}
	// The end of ctx closes the socket, which ends a receive; whoever of both
	// comes first, it is closed once before watch returns.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = nl.Close()
		close(closed)
	})
	changed(engine.Change{})
	err = c.listen(changed)
	if !stop() {
		<-closed
		return nil
	}
	return newOpError("listen to events", "", errors.Join(err, nl.Close()))
}

// listen opens a socket in the engine's namespace: that of the calling thread,
// or if the thread is elsewhere by now, that of the engine's own socket, which
// needs privileges.
func (e *Engine) listen() (*netlink.Conn, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if namespace() == e.namespace {
		return netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{MessageBufferSize: receiveSize})
	}
	var fd uintptr
	var errno unix.Errno
	err := e.conn.raw.Control(func(socket uintptr) {
		fd, _, errno = unix.Syscall(unix.SYS_IOCTL, socket, unix.SIOCGSKNS, 0)
	})
	if err == nil && errno != 0 {
		err = fmt.Errorf("the network namespace %s was left: %w", e.namespace, errno)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(int(fd)) }()
	return netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: int(fd), MessageBufferSize: receiveSize})
}

// burst is how many datagrams are taken together at most, so that also a host
// that never comes to rest is told of.
const burst = 256

// listen tells what arrives until the socket fails. What waits already is told
// in one go. After an overflow the kernel drops everything until the socket was
// read empty (netlink_overrun, af_netlink.c), which this does.
func (c *conn) listen(changed func(engine.Change)) error {
	for {
		change, err := c.next(c.receive)
		for n := 1; n < burst && err == nil; n++ {
			var more engine.Change
			more, err = c.next(c.receiveQueued)
			change.Add(more)
		}
		if change != (engine.Change{}) {
			changed(change)
		}
		if err != nil && !errors.Is(err, unix.EAGAIN) {
			return err
		}
	}
}

// next is what the next datagram announces; one that was lost, or is longer
// than the buffer, announces anything.
func (c *conn) next(receive func() ([]byte, error)) (engine.Change, error) {
	b, err := receive()
	switch {
	case err == nil:
		return changeOf(b), nil
	case errors.Is(err, unix.ENOBUFS), errors.Is(err, unix.EMSGSIZE):
		return engine.Change{Lost: true}, nil
	}
	return engine.Change{}, err
}

// changeOf is what a datagram announces. One that cannot be read announces
// anything.
func changeOf(b []byte) engine.Change {
	var change engine.Change
	for len(b) > 0 {
		m, rest, err := splitMessage(b)
		if err != nil {
			return engine.Change{Lost: true}
		}
		b = rest
		switch m.typ {
		case unix.RTM_NEWLINK, unix.RTM_DELLINK:
			change.Links = true
		case unix.RTM_NEWADDR, unix.RTM_DELADDR, unix.RTM_NEWNETCONF, unix.RTM_DELNETCONF:
			change.Addresses = true
		case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
			change.Routes = change.Routes || watchedRoute(m.body)
		case unix.RTM_NEWRULE, unix.RTM_DELRULE:
			change.Rules = true
		}
	}
	return change
}

// watchedRoute tells the routes that Show prints: no cached ones, and none of
// other protocols.
func watchedRoute(body []byte) bool {
	if len(body) < unix.SizeofRtMsg {
		return true
	}
	if binary.NativeEndian.Uint32(body[8:])&unix.RTM_F_CLONED != 0 {
		return false
	}
	return configuredProtocol(body[5]) || runningProtocol(body[5])
}
