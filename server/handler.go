package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/transaction"
)

// call is one request.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	route  *api.Route
	guest  *guest
	peer   peer
	rights api.Right
	body   []byte
	logger *slog.Logger
	// began is set when the answer is on its way.
	began bool
}

// handler answers a request: with a value, with nil for nothing, or with an
// error, unless it began to answer by itself.
type handler func(*Server, *call) (any, error)

// mux binds the handlers to the routes.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	known := handlers()
	for _, route := range api.Routes() {
		do, ok := known[route.ID]
		if !ok {
			panic("internal error: nobody answers the route " + route.ID)
		}
		mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, &route, do) })
	}
	nowhere := &api.Route{ID: "unknown", Right: api.Read}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, nowhere, unknown) })
	return mux
}

func unknown(_ *Server, c *call) (any, error) {
	return nil, &engine.Error{
		Kind: engine.NotFound, Err: fmt.Errorf("there is no %s %q", c.r.Method, c.r.URL.Path),
		Hint: "GET /v1/openapi.json lists what there is",
	}
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// serve answers a request to a route that is known.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, route *api.Route, do handler) {
	start := time.Now()
	id := strconv.FormatUint(s.number.Add(1), 10)
	w.Header().Set(api.RequestHeader, id)
	c := &call{w: w, r: r, route: route}
	c.guest, _ = r.Context().Value(guestKey{}).(*guest)
	c.peer = peerOf(c.guest, r)
	c.rights = s.access.Load().rights(c.peer)
	c.logger = s.logger.With("request", id, "route", route.ID, "peer", c.peer.identity())
	status := s.answer(c, do)
	level := slog.LevelDebug
	if route.Right == api.Write || status >= http.StatusInternalServerError {
		level = slog.LevelInfo
	}
	c.logger.Log(r.Context(), level, "answered", "status", status, "took", time.Since(start).Round(time.Millisecond))
}

// peerOf is who asks: the connection's peer, with the names of its certificate.
func peerOf(g *guest, r *http.Request) peer {
	var p peer
	if g != nil {
		p = g.peer
	}
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		cert := r.TLS.VerifiedChains[0][0]
		if cert.Subject.CommonName != "" {
			p.names = append(p.names, cert.Subject.CommonName)
		}
		p.names = append(p.names, cert.DNSNames...)
	}
	return p
}

// answer does what was asked and tells what it came to.
func (s *Server) answer(c *call, do handler) (status int) {
	defer func() {
		if p := recover(); p != nil {
			c.logger.Error("internal error", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			status = c.fail(newPanic(p))
		}
	}()
	if err := s.admit(c); err != nil {
		return c.fail(err)
	}
	leave, err := s.readBody(c)
	if err != nil {
		return c.fail(err)
	}
	defer leave()
	if c.guest != nil {
		c.guest.occupy(true)
		defer c.guest.occupy(false)
	}
	answer, err := do(s, c)
	switch {
	case err != nil:
		return c.fail(err)
	case c.began:
		return http.StatusOK
	case answer == nil:
		c.w.WriteHeader(http.StatusNoContent)
		return http.StatusNoContent
	}
	c.write(http.StatusOK, answer)
	return http.StatusOK
}

// newPanic is the error of a fault in the program.
func newPanic(p any) error {
	return &engine.Error{
		Kind: engine.Internal, Err: errors.New("internal error: " + strings.TrimPrefix(fmt.Sprint(p), "internal error: ")),
		Hint: "this is a fault in holdfast: please report what the daemon's log says of it",
	}
}

// admit tells why a peer may not ask this, or not now.
func (s *Server) admit(c *call) error {
	switch {
	case c.rights == "":
		return &engine.Error{
			Kind: engine.Permission, Err: fmt.Errorf("the certificate of %q gives no rights here", c.peer.identity()),
			Hint: "list its name under tls.read or tls.write in the daemon's configuration",
		}
	case c.route.Right == api.Write && c.rights != api.Write:
		return c.noRight()
	case c.route.Right == api.Write && !c.route.Urgent:
		if wait := s.rates.allow(c.peer.identity(), time.Now()); wait > 0 {
			c.w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
			return &limitError{http.StatusTooManyRequests, engine.Error{
				Kind: engine.Busy, Err: errors.New("too many changes were asked for in a short time"), Hint: "wait a second, and try again",
			}}
		}
	}
	return nil
}

// noRight is the error of a peer that may read and not write.
func (c *call) noRight() error {
	hint := "be root, or a member of the group " + Group
	if !c.peer.local {
		hint = "list the certificate's name under tls.write in the daemon's configuration"
	}
	return &engine.Error{Kind: engine.Permission, Err: fmt.Errorf("%s may read and not change the network", c.peer.identity()), Hint: hint}
}

// limitError is a failure with an HTTP status of its own.
type limitError struct {
	status int
	fault  engine.Error
}

// Error is the failure's text.
func (e *limitError) Error() string { return e.fault.Error() }

// Unwrap gives the failure.
func (e *limitError) Unwrap() error { return &e.fault }

// smallBody is the size in bytes below which a body is read without ado.
const smallBody = 64 << 10

// readBody reads the request's body, where it wants one. Large ones are read
// one after the other, so that they cannot fill the memory; leave must be called
// when nothing large is done any more.
func (s *Server) readBody(c *call) (leave func(), err error) {
	leave = func() {}
	if c.route.Request == nil {
		return leave, nil
	}
	if c.r.ContentLength > api.MaxBody {
		return leave, tooLarge()
	}
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return leave, &limitError{http.StatusUnsupportedMediaType, engine.Error{
			Kind: engine.Invalid, Err: errors.New("the request is not JSON"), Hint: "say Content-Type: application/json",
		}}
	}
	if c.r.ContentLength < 0 || c.r.ContentLength > smallBody {
		ctx, cancel := context.WithTimeout(c.r.Context(), bodyLimit)
		defer cancel()
		if leave, err = s.gate.enter(ctx, c.peer.key()); err != nil {
			return func() {}, &engine.Error{Kind: engine.Busy, Err: errors.New("too many large requests at once"), Hint: "try again"}
		}
	}
	control := http.NewResponseController(c.w)
	_ = control.SetReadDeadline(time.Now().Add(bodyLimit))
	c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, api.MaxBody))
	_ = control.SetReadDeadline(time.Time{})
	if err == nil {
		return leave, nil
	}
	leave()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return func() {}, tooLarge()
	}
	return func() {}, &limitError{http.StatusRequestTimeout, engine.Error{Op: "read the request", Kind: engine.Timeout, Err: err}}
}

func tooLarge() error {
	return &limitError{http.StatusRequestEntityTooLarge, engine.Error{
		Kind: engine.Invalid, Err: fmt.Errorf("the request is larger than %d MiB", api.MaxBody>>20), Hint: "make several changes of it",
	}}
}

// decode reads the body.
func (c *call) decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(c.body))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more == io.EOF {
			return nil
		}
		err = errors.New("something follows the first value")
	}
	if errors.Is(err, io.EOF) {
		err = errors.New("it is empty")
	}
	object := ""
	if at, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		object = at.Field
	}
	return &engine.Error{Op: "read the request", Object: object, Kind: engine.Invalid, Err: err, Hint: "GET /v1/openapi.json tells what it is made of"}
}

// flag reads a truth value of the query.
func (c *call) flag(name string) (bool, error) {
	switch text := c.r.URL.Query().Get(name); text {
	case "", "false", "0", "no":
		return false, nil
	case "true", "1", "yes":
		return true, nil
	default:
		return false, &engine.Error{Object: name, Kind: engine.Invalid, Err: fmt.Errorf("%.60q is not a truth value", text), Hint: "say true or leave it out"}
	}
}

// write sends an answer.
func (c *call) write(status int, answer any) {
	c.began = true
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(writeLimit))
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	c.line(answer)
}

// line writes a value on one line, with <, > and & as they are. A client that
// went away needs none.
func (c *call) line(value any) {
	e := json.NewEncoder(c.w)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		c.logger.Debug("the answer was not taken", "err", err)
	}
}

// fail sends a failure, and gives its status.
func (c *call) fail(err error) int {
	failure := describe(err)
	status := api.Status(failure.Kind)
	if limit, ok := errors.AsType[*limitError](err); ok {
		status = limit.status
		c.w.Header().Set("Connection", "close")
	}
	if status >= http.StatusInternalServerError {
		c.logger.Warn("failed", "err", err)
	}
	if c.began {
		c.line(api.Event{Error: failure})
		return status
	}
	c.write(status, api.Failure{Error: failure})
	return status
}

// outcomeError is a failure together with what became of the host.
type outcomeError struct {
	result *holdfast.Result
	err    error
}

func (e *outcomeError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *outcomeError) Unwrap() error { return e.err }

// describe says an error in the API's words.
func describe(err error) *api.Error {
	outcome, result := transaction.Unchanged, (*holdfast.Result)(nil)
	if changed, ok := errors.AsType[*outcomeError](err); ok {
		result, err = changed.result, changed.err
	}
	if result != nil && result.Outcome != "" {
		outcome = result.Outcome
	}
	failure := api.NewError(err, holdfast.KindOf(err), outcome)
	if result != nil {
		told := newResult(result)
		failure.Result = &told
	}
	return failure
}
