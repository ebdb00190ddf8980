package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/probe"
	"holdfast/transaction"
)

// changer is one of the host's methods that make a transaction.
type changer func(context.Context, holdfast.ApplyOptions) (*holdfast.Result, error)

func apply(s *Server, c *call) (any, error) {
	var request api.ApplyRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	want, err := desired(&request.Desired)
	if err != nil {
		return nil, err
	}
	return nil, s.change(c, &request.Options, func(ctx context.Context, options holdfast.ApplyOptions) (*holdfast.Result, error) {
		return s.host.Apply(ctx, want, options)
	})
}

func returnTo(s *Server, c *call) (any, error) {
	var options api.Options
	if err := c.decode(&options); err != nil {
		return nil, err
	}
	number, err := c.number()
	if err != nil {
		return nil, err
	}
	return nil, s.change(c, &options, func(ctx context.Context, options holdfast.ApplyOptions) (*holdfast.Result, error) {
		return s.host.ReturnTo(ctx, number, options)
	})
}

// maxSpan is the longest time that a request may give, in seconds.
const maxSpan = 7 * 24 * 3600

// applyOptions reads the options of a change.
func applyOptions(o *api.Options) (holdfast.ApplyOptions, error) {
	for name, seconds := range map[string]float64{"timeout": o.Timeout, "confirm": o.Confirm} {
		if seconds < 0 || seconds > maxSpan {
			return holdfast.ApplyOptions{}, &engine.Error{Object: name, Kind: engine.Invalid, Err: fmt.Errorf("%g s is no time for it", seconds)}
		}
	}
	probes, err := o.ParseProbes()
	return holdfast.ApplyOptions{
		Force: o.Force, NoVerify: o.NoVerify, Temporary: o.Temporary,
		Timeout: api.Span(o.Timeout), Confirm: api.Span(o.Confirm), Probes: probes,
	}, err
}

// ending is how a change ended, or that it waits.
type ending struct {
	result *holdfast.Result
	err    error
}

// stream is a change under way as its client sees it. Nothing that the client
// does or leaves holds the change up.
type stream struct {
	// progress loses what the client is too slow to take.
	progress chan *api.Progress
	// end has room for waiting and the end.
	end chan ending
	// left is the time to confirm, as it was told last.
	left atomic.Int64
}

// change makes a change and tells how far it is, until it has ended or waits to
// be confirmed. It goes on when the client goes away.
func (s *Server) change(c *call, asked *api.Options, run changer) error {
	options, err := applyOptions(asked)
	if err != nil {
		return err
	}
	done, ok := s.begin()
	if !ok {
		return ending503()
	}
	t := &stream{progress: make(chan *api.Progress, 64), end: make(chan ending, 2)}
	forget := s.listen(c, &options)
	options.Who = c.who()
	options.Progress, options.Guard = t.told, t.guard(s.options.Guard)
	options.Pending = func(r *holdfast.Result) { t.end <- ending{result: r} }
	ctx := context.WithoutCancel(c.r.Context())
	release := s.enroll(c)
	go func() {
		defer done()
		defer forget()
		result, err := safely(c, func() (*holdfast.Result, error) { return run(ctx, options) })
		release()
		c.logger.Info("a change has ended", "outcome", result.Outcome, "err", err)
		t.end <- ending{result, err}
	}()
	return s.follow(c, t)
}

func ending503() error {
	return &limitError{http.StatusServiceUnavailable, engine.Error{
		Kind: engine.Busy, Err: errors.New("the daemon is about to end"), Hint: "try again when it runs anew",
	}}
}

// safely turns a panic into an error: in a goroutine of its own it would end
// the daemon.
func safely(c *call, run func() (*holdfast.Result, error)) (result *holdfast.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			c.logger.Error("internal error", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			result, err = &holdfast.Result{Outcome: transaction.UnknownOutcome}, newPanic(p)
		}
	}()
	return run()
}

// who asks, with the command line that the client tells.
func (c *call) who() holdfast.Who {
	const longest = 1000
	command := c.r.Header.Get(api.CommandHeader)
	return c.peer.who(command[:min(len(command), longest)])
}

// listen lets the probe client hear of new connections.
func (s *Server) listen(c *call, options *holdfast.ApplyOptions) (forget func()) {
	if !slices.ContainsFunc(options.Probes, func(p probe.Spec) bool { return p.Kind == probe.Client }) {
		return func() {}
	}
	heard, forget := s.heard.listen(c.peer.identity())
	options.Client = probe.Heard(heard)
	return forget
}

// enroll notes who asks for a change, for others who are refused meanwhile.
func (s *Server) enroll(c *call) (release func()) {
	name := strings.TrimSpace(fmt.Sprintf("%s (since %s)", nameOf(c), time.Now().Format(time.TimeOnly)))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writers = append(s.writers, name)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if i := slices.Index(s.writers, name); i >= 0 {
			s.writers = slices.Delete(s.writers, i, i+1)
		}
	}
}

func nameOf(c *call) string {
	who := c.who()
	if who.User == "" {
		return c.peer.identity()
	}
	return who.User + ", " + who.Via
}

// told passes on how far a change is.
func (t *stream) told(p holdfast.Progress) {
	out := &api.Progress{Phase: p.Phase, Done: p.Done, Total: p.Total, Waiting: p.Waiting, Left: p.Left.Seconds()}
	if p.Step != nil {
		out.Verb, out.Object, out.Type = string(p.Step.Verb), p.Step.Object, p.Step.Type
	}
	if p.Phase == transaction.Waiting {
		t.left.Store(int64(p.Left))
	}
	t.tell(out)
}

func (t *stream) tell(p *api.Progress) {
	select {
	case t.progress <- p:
	default:
	}
}

// guard tells the name of the change, and has it guarded.
func (t *stream) guard(guard func(string) func()) func(string) func() {
	return func(id string) func() {
		t.tell(&api.Progress{Transaction: id, Phase: transaction.Preparing})
		if guard == nil {
			return func() {}
		}
		return guard(id)
	}
}

// follow writes what a stream tells. Its first line comes with the first
// progress: a change that is refused before is an ordinary failure.
func (s *Server) follow(c *call, t *stream) error {
	for {
		select {
		case p := <-t.progress:
			c.event(api.Event{Progress: p})
		case e := <-t.end:
			for len(t.progress) > 0 {
				c.event(api.Event{Progress: <-t.progress})
			}
			if e.err != nil {
				return &outcomeError{e.result, s.named(e.err)}
			}
			result := newResult(e.result)
			if result.Outcome == transaction.Pending {
				result.Left = time.Duration(t.left.Load()).Seconds()
			}
			c.event(api.Event{Result: &result})
			return nil
		case <-c.r.Context().Done():
			c.began = true
			c.logger.Info("the client went away; the change goes on")
			return nil
		}
	}
}

// named tells with a refusal who has the host, where that is a client of ours.
func (s *Server) named(err error) error {
	busy, ok := errors.AsType[*engine.Error](err)
	if !ok || busy.Kind != engine.Busy {
		return err
	}
	s.mu.Lock()
	writers := slices.Clone(s.writers)
	s.mu.Unlock()
	if len(writers) == 0 {
		return err
	}
	return &engine.Error{
		Op: busy.Op, Object: busy.Object, Kind: busy.Kind, Hint: busy.Hint,
		Err: fmt.Errorf("%w; asked for by %s", busy.Err, writers[0]),
	}
}

// event writes one line of a stream.
func (c *call) event(e api.Event) {
	control := http.NewResponseController(c.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeLimit))
	if !c.began {
		c.began = true
		c.w.Header().Set("Content-Type", "application/x-ndjson")
		c.w.WriteHeader(http.StatusOK)
	}
	c.line(e)
	_ = control.Flush()
}

func newResult(r *holdfast.Result) api.Result {
	out := api.Result{Outcome: r.Outcome, Steps: r.Steps, Warnings: r.Warnings, Probes: []api.Probed{}}
	if out.Warnings == nil {
		out.Warnings = []string{}
	}
	for _, p := range r.Probes {
		out.Probes = append(out.Probes, api.Probed{When: p.When, Probe: p.Probe, OK: p.OK, Error: p.Error, Seconds: p.Took.Seconds()})
	}
	if r.Generation > 0 {
		out.Generation = &r.Generation
	}
	if r.Transaction != "" {
		out.Transaction = &r.Transaction
	}
	return out
}
