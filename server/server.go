// Package server is the daemon's API over HTTP: on a unix socket, where the
// kernel tells who asks, and on TCP with TLS 1.3 and certificates on both
// sides. What can be asked is package api's table of routes.
//
// A slow or hostile client can neither stall a transaction nor starve others:
// bodies, headers and times are bounded, each client has its share of
// connections, whose idlest give way to new ones, and a change belongs to the
// daemon, not to the connection that asked for it.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"holdfast"
	"holdfast/api"
)

// Options say how to serve. The zero value of a limit is its default.
type Options struct {
	// Host is what is served. Its owner closes it, after Run.
	Host *holdfast.Host
	// Listeners are taken over: Run closes them.
	Listeners []Listener
	// Access says who may do what; Server.Grant changes it.
	Access Access
	// Build is what the answer of hello says of the daemon: all but Rights and
	// Name.
	Build api.Hello
	// Guard, if not nil, is holdfast.ApplyOptions.Guard of each change.
	Guard func(transaction string) (dismiss func())
	// Logger is told about requests and what they came to; nil is nobody.
	Logger *slog.Logger
	// MaxConns and MaxConnsOfPeer bound connections, 1024 and 128 by default. A
	// peer is a user, or an address on TCP.
	MaxConns, MaxConnsOfPeer int
	// Rate is how many changes a peer may ask for in a second, 10 by default, and
	// Burst how many at once, 50 by default.
	Rate, Burst float64
}

// The limits of time.
const (
	// headerLimit is how long a request's headers may take, and a TLS handshake.
	headerLimit = 5 * time.Second
	// bodyLimit is how long a request's body may take.
	bodyLimit = 30 * time.Second
	// idleLimit is how long a connection may rest between requests.
	idleLimit = 60 * time.Second
	// writeLimit is how long a client may leave a part of an answer unread.
	writeLimit = 30 * time.Second
	// readLimit is how long reading the host may take.
	readLimit = 2 * time.Minute
	// farewell is how long Run waits for answers after the changes are done.
	farewell = 5 * time.Second
	// maxHeader bounds the headers in bytes.
	maxHeader = 16 << 10
)

// Server serves the API. Run may be called once.
type Server struct {
	options Options
	logger  *slog.Logger
	host    *holdfast.Host
	access  atomic.Pointer[Access]
	routes  *http.ServeMux
	crowd   *crowd
	gate    *gate
	rates   *rates
	reader  *reader
	heard   *ears
	ready   chan struct{}
	// number counts requests, for their names in logs.
	number atomic.Uint64
	// underway counts changes; changes waits for them.
	underway atomic.Int64
	changes  sync.WaitGroup

	mu     sync.Mutex
	closed bool // no change may begin
	// writers are who asked for the changes under way.
	writers []string
}

// New makes a server. It serves when Run is called.
func New(options Options) *Server {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	defaults(&options.MaxConns, 1024)
	defaults(&options.MaxConnsOfPeer, 128)
	defaults(&options.Rate, 10)
	defaults(&options.Burst, 50)
	s := &Server{
		options: options, logger: options.Logger, host: options.Host,
		crowd: newCrowd(options.MaxConns, options.MaxConnsOfPeer),
		gate:  newGate(16, 2), rates: newRates(options.Rate, options.Burst),
		heard: &ears{}, ready: make(chan struct{}),
	}
	s.Grant(options.Access)
	s.reader = &reader{show: s.host.Show, busy: func() bool { return s.underway.Load() > 0 }}
	s.routes = s.mux()
	return s
}

func defaults[T int | float64](value *T, otherwise T) {
	if *value == 0 {
		*value = otherwise
	}
}

// Grant changes who may do what, for all requests from now on.
func (s *Server) Grant(access Access) { s.access.Store(&access) }

// String names the task.
func (s *Server) String() string { return "server" }

// Ready is closed when requests are answered.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Busy tells whether a change that was asked for here is under way.
func (s *Server) Busy() bool { return s.underway.Load() > 0 }

// Run serves until ctx ends. Then no new connection is taken; a change under
// way is brought to its end and answered, but one that waits for confirmation is
// left pending for the next daemon. It returns when nothing is under way.
func (s *Server) Run(ctx context.Context) error {
	server := &http.Server{
		Handler: s, ReadHeaderTimeout: headerLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
		ConnContext: keepGuest, ErrorLog: slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
		Protocols: new(http.Protocols),
	}
	server.Protocols.SetHTTP1(true)
	ends := make(chan error, len(s.options.Listeners))
	for _, l := range s.options.Listeners {
		go func() { ends <- server.Serve(s.wrap(l)) }()
	}
	close(s.ready)
	var failed error
	running := len(s.options.Listeners)
	select {
	case <-ctx.Done():
	case failed = <-ends:
		running--
	}
	s.end(server)
	for range running {
		s.logger.Debug("a listener ended", "err", <-ends)
	}
	s.reader.wait()
	if errors.Is(failed, http.ErrServerClosed) {
		failed = nil
	}
	return failed
}

// end brings to an end what is under way.
func (s *Server) end(server *http.Server) {
	for _, l := range s.options.Listeners {
		_ = l.Listener.Close()
	}
	s.closing()
	changed := make(chan struct{})
	go func() {
		defer close(changed)
		s.changes.Wait()
	}()
	s.leave(changed)
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		_ = server.Close()
	}
}

// leave lets go of a change that waits for confirmation, until the changes are
// done. One that is being prepared comes to that a little later.
func (s *Server) leave(done <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		s.host.Leave(context.Background())
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}

// begin counts a change; false says that the server is about to end. done must
// be called.
func (s *Server) begin() (done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	s.underway.Add(1)
	s.changes.Add(1)
	return func() {
		s.underway.Add(-1)
		s.changes.Done()
	}, true
}

func (s *Server) closing() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// wrap makes a listener's connections known to the crowd, and TLS of them where
// it is wanted.
func (s *Server) wrap(l Listener) net.Listener {
	var listener net.Listener = &doorman{Listener: l.Listener, crowd: s.crowd, identify: l.identify, logger: s.logger}
	if l.TLS != nil {
		return l.TLS.listen(listener)
	}
	return listener
}
