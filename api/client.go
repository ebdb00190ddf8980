package api

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"holdfast/engine"
	"holdfast/transaction"
)

// dialLimit bounds how long the daemon may take to take a connection.
const dialLimit = 5 * time.Second

// maxAnswer bounds an answer in bytes, so that a broken daemon cannot fill the
// client's memory.
const maxAnswer = 256 << 20

// Client speaks with a daemon. Its methods may be called from several
// goroutines. The errors are *Error for what the daemon refused, and of kind
// unreachable (*engine.Error) when it does not answer.
type Client struct {
	base    string
	http    *http.Client
	command string
	fresh   func() *http.Client
}

// Unix is a client of the daemon at a socket.
func Unix(socket string) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, "unix", socket)
	}
	return newClient("http://holdfast", func() *http.Transport { return &http.Transport{DialContext: dial} })
}

// TLS is a client of the daemon at host:port. The configuration needs a
// certificate of the client's; at least TLS 1.3 is spoken.
func TLS(address string, config *tls.Config) *Client {
	config = config.Clone()
	config.MinVersion = tls.VersionTLS13
	return newClient("https://"+address, func() *http.Transport {
		return &http.Transport{
			TLSClientConfig: config, TLSHandshakeTimeout: dialLimit,
			DialContext: (&net.Dialer{Timeout: dialLimit}).DialContext,
		}
	})
}

func newClient(base string, transport func() *http.Transport) *Client {
	fresh := func() *http.Client { return &http.Client{Transport: transport()} }
	return &Client{base: base, http: fresh(), fresh: fresh}
}

// As tells the daemon with each request which command line asks.
func (c *Client) As(command string) *Client {
	c.command = command
	return c
}

// Close lets go of the connections that are idle.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Hello asks what the daemon is.
func (c *Client) Hello(ctx context.Context) (*Hello, error) {
	return ask[Hello](ctx, c, http.MethodGet, "/v1/version", nil)
}

// ShowQuery says what to show.
type ShowQuery struct {
	Names                        []string
	RunningConfig, Secrets, Slow bool
}

// Show asks for the host's state.
func (c *Client) Show(ctx context.Context, q ShowQuery) (*Shown, error) {
	values := url.Values{"name": q.Names}
	flag(values, "running-config", q.RunningConfig)
	flag(values, "show-secrets", q.Secrets)
	flag(values, "details", q.Slow)
	return ask[Shown](ctx, c, http.MethodGet, "/v1/state?"+values.Encode(), nil)
}

func flag(values url.Values, name string, set bool) {
	if set {
		values.Set(name, "true")
	}
}

// Plan asks what would change.
func (c *Client) Plan(ctx context.Context, request *PlanRequest) (*Planned, error) {
	return ask[Planned](ctx, c, http.MethodPost, "/v1/plan", request)
}

// Pending asks for the change that has not ended; nil if none.
func (c *Client) Pending(ctx context.Context) (*Pending, error) {
	answer, err := ask[PendingAnswer](ctx, c, http.MethodGet, "/v1/pending", nil)
	if err != nil {
		return nil, err
	}
	return answer.Pending, nil
}

// Abandon sets the pending change aside.
func (c *Client) Abandon(ctx context.Context) (*Abandoned, error) {
	return ask[Abandoned](ctx, c, http.MethodDelete, "/v1/pending", nil)
}

// Confirm keeps the pending change; an empty transaction is whichever it is.
func (c *Client) Confirm(ctx context.Context, transaction string) (*Result, error) {
	return ask[Result](ctx, c, http.MethodPost, "/v1/confirm", Reply{transaction})
}

// Rollback undoes the pending change, also one that is still being made.
func (c *Client) Rollback(ctx context.Context, transaction string) (*Result, error) {
	return ask[Result](ctx, c, http.MethodPost, "/v1/rollback", Reply{transaction})
}

// History asks what was changed.
func (c *Client) History(ctx context.Context) (*History, error) {
	return ask[History](ctx, c, http.MethodGet, "/v1/generations", nil)
}

// Generation asks for an earlier configuration; 0 is the one in force.
func (c *Client) Generation(ctx context.Context, number int, secrets bool) (*Generation, error) {
	values := url.Values{}
	flag(values, "show-secrets", secrets)
	word := "newest"
	if number > 0 {
		word = strconv.Itoa(number)
	}
	return ask[Generation](ctx, c, http.MethodGet, "/v1/generations/"+word+"?"+values.Encode(), nil)
}

// Drift asks in what the host differs from what was applied.
func (c *Client) Drift(ctx context.Context) (*Drift, error) {
	return ask[Drift](ctx, c, http.MethodGet, "/v1/drift", nil)
}

// Persist makes temporary interfaces permanent.
func (c *Client) Persist(ctx context.Context, names Names) (*Result, error) {
	return ask[Result](ctx, c, http.MethodPost, "/v1/persist", names)
}

// Unpersist makes permanent interfaces temporary.
func (c *Client) Unpersist(ctx context.Context, names Names) (*Result, error) {
	return ask[Result](ctx, c, http.MethodPost, "/v1/unpersist", names)
}

// Heard makes the client heard over a new connection, for the probe client.
func (c *Client) Heard(ctx context.Context) error {
	once := *c
	once.http = c.fresh()
	defer once.http.CloseIdleConnections()
	_, err := ask[struct{}](ctx, &once, http.MethodPost, "/v1/heard", nil)
	return err
}

// Apply asks for a change and stays until its end, or until it waits to be
// confirmed; progress, if not nil, is told how far it is. When ctx ends Apply
// returns, and the change goes on: Rollback undoes it.
func (c *Client) Apply(ctx context.Context, request *ApplyRequest, progress func(*Progress)) (*Result, error) {
	return c.change(ctx, "/v1/apply", request, request.Probes, progress)
}

// Return asks to go back to an earlier generation, like Apply.
func (c *Client) Return(ctx context.Context, number int, options *Options, progress func(*Progress)) (*Result, error) {
	return c.change(ctx, "/v1/generations/"+strconv.Itoa(number)+"/return", options, options.Probes, progress)
}

func (c *Client) change(ctx context.Context, path string, request any, probes []string, progress func(*Progress)) (*Result, error) {
	response, err := c.send(ctx, http.MethodPost, path, request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if wantsClient(probes) {
		heard, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.keepHeard(heard)
		}()
		defer func() { stop(); <-done }()
	}
	lines := json.NewDecoder(response.Body)
	for {
		var event Event
		switch err := lines.Decode(&event); {
		case err != nil:
			return nil, lost(ctx, err)
		case event.Error != nil:
			return event.Error.Result, event.Error
		case event.Result != nil:
			return event.Result, nil
		case event.Progress != nil && progress != nil:
			progress(event.Progress)
		}
	}
}

// wantsClient tells whether a probe is the client itself.
func wantsClient(probes []string) bool {
	for _, p := range probes {
		if strings.HasPrefix(p, "client") {
			return true
		}
	}
	return false
}

// keepHeard makes the client heard until ctx ends.
func (c *Client) keepHeard(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		try, cancel := context.WithTimeout(ctx, dialLimit)
		_ = c.Heard(try)
		cancel()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lost is the error of a stream that ended before the change did.
func lost(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &engine.Error{Op: "wait for the daemon", Kind: engine.Timeout, Err: context.Cause(ctx)}
	}
	return &Error{
		Kind: engine.Unreachable, Outcome: transaction.UnknownOutcome, Message: fmt.Sprintf("the daemon was lost: %v", err),
		Hint: "holdfast history tells what became of the change; a daemon that starts again takes it up",
	}
}

// ask sends a request and reads the answer.
func ask[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	response, err := c.send(ctx, method, path, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer := new(T)
	if response.StatusCode == http.StatusNoContent {
		return answer, nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return nil, &engine.Error{Op: "read the daemon's answer", Kind: engine.Unreachable, Err: err}
	}
	return answer, nil
}

// send gives the answer to a request that succeeded; its body must be closed.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var text io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, &engine.Error{Op: "write the request", Kind: engine.Invalid, Err: err}
		}
		text = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, text)
	if err != nil {
		return nil, &engine.Error{Op: "write the request", Kind: engine.Internal, Err: err}
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.command != "" {
		request.Header.Set(CommandHeader, strings.Map(printable, c.command))
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.silent(ctx, err)
	}
	if response.StatusCode < http.StatusBadRequest {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	var failure Failure
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&failure); err != nil || failure.Error == nil {
		return nil, &engine.Error{Op: "ask the daemon", Kind: engine.Internal, Err: errors.New(response.Status)}
	}
	return nil, failure.Error
}

// silent is the error of a daemon that does not answer.
func (c *Client) silent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &engine.Error{Op: "ask the daemon", Kind: engine.Timeout, Err: context.Cause(ctx)}
	}
	if at, ok := errors.AsType[*url.Error](err); ok {
		err = at.Err
	}
	return &engine.Error{
		Op: "ask the daemon", Kind: engine.Unreachable, Err: err,
		Hint: "see whether the service holdfast runs; --standalone does without it",
	}
}

// printable keeps what a header may hold.
func printable(r rune) rune {
	if r < ' ' || r > '~' {
		return '?'
	}
	return r
}
