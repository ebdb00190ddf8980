package server

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// crowd is all connections. Each peer has a share of them; a new connection
// takes the place of the peer's that rested longest, so that connections that
// only stand there keep nobody out. Those whose request is being answered stay.
type crowd struct {
	max, share int

	mu     sync.Mutex
	total  int
	guests map[string]*list.List // of *guest, the one that rested longest first
}

func newCrowd(limit, share int) *crowd {
	return &crowd{max: limit, share: share, guests: map[string]*list.List{}}
}

// guest is one connection.
type guest struct {
	net.Conn
	peer  peer
	since time.Time
	crowd *crowd

	place *list.Element // guarded by crowd.mu, nil when it has left
	busy  bool          // guarded by crowd.mu
}

// admit takes a connection in; false says that there is no room.
func (c *crowd) admit(g *guest) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := g.peer.key()
	if own := c.guests[key]; own != nil && own.Len() >= c.share && !c.evict(own) {
		return false
	}
	if c.total >= c.max && !c.evict(c.largest()) {
		return false
	}
	own := c.guests[key]
	if own == nil {
		own = list.New()
		c.guests[key] = own
	}
	g.place = own.PushBack(g)
	c.total++
	return true
}

// largest is the share of the peer with the most connections.
func (c *crowd) largest() *list.List {
	most := list.New()
	for _, own := range c.guests {
		if own.Len() > most.Len() {
			most = own
		}
	}
	return most
}

// evict ends the connection that rested longest; false if all are busy.
func (c *crowd) evict(own *list.List) bool {
	for e := own.Front(); e != nil; e = e.Next() {
		g := e.Value.(*guest)
		if !g.busy {
			c.forget(g)
			_ = g.Conn.Close()
			return true
		}
	}
	return false
}

// forget takes a connection out.
func (c *crowd) forget(g *guest) {
	if g.place == nil {
		return
	}
	key := g.peer.key()
	own := c.guests[key]
	own.Remove(g.place)
	g.place = nil
	c.total--
	if own.Len() == 0 {
		delete(c.guests, key)
	}
}

// occupy marks a connection as one whose request is being answered.
func (g *guest) occupy(busy bool) {
	g.crowd.mu.Lock()
	defer g.crowd.mu.Unlock()
	g.busy = busy
	if g.place != nil && !busy {
		g.crowd.guests[g.peer.key()].MoveToBack(g.place)
	}
}

// Close ends the connection.
func (g *guest) Close() error {
	g.crowd.mu.Lock()
	g.crowd.forget(g)
	g.crowd.mu.Unlock()
	return g.Conn.Close()
}

// doorman lets connections in.
type doorman struct {
	net.Listener
	crowd    *crowd
	identify func(net.Conn) (peer, error)
	logger   *slog.Logger
}

// acceptPause is how long the doorman waits when there are no descriptors left.
const acceptPause = 20 * time.Millisecond

// Accept gives the next connection that there is room for.
func (d *doorman) Accept() (net.Conn, error) {
	who := d.identify
	if who == nil {
		who = identify
	}
	for {
		conn, err := d.Listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if err != nil {
			d.logger.Warn("a connection could not be taken", "err", err)
			time.Sleep(acceptPause)
			continue
		}
		p, err := who(conn)
		if err != nil {
			d.logger.Debug("a connection is refused", "err", err)
			_ = conn.Close()
			continue
		}
		g := &guest{Conn: conn, peer: p, since: time.Now(), crowd: d.crowd}
		if !d.crowd.admit(g) {
			d.logger.Debug("a connection is refused: there is no room", "peer", p.key())
			_ = conn.Close()
			continue
		}
		return g, nil
	}
}

// guestKey finds the guest of a request in its context.
type guestKey struct{}

// keepGuest is http.Server.ConnContext.
func keepGuest(ctx context.Context, c net.Conn) context.Context {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	return context.WithValue(ctx, guestKey{}, c)
}
