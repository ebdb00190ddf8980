package server

import (
	"context"
	"sync"
	"time"

	"holdfast/engine"
	"holdfast/state"
)

// patience is how long a reader waits for the host while a change is being
// made, before it gets what was read last: the kernel answers no dump while it
// removes many ports (3.6 s for 150 of them).
const patience = 500 * time.Millisecond

// reader reads the host for many at once: who asks while it is being read gets
// what is read next, so that nobody gets what was read before they asked.
type reader struct {
	show func(context.Context, engine.ShowOptions) (*state.State, error)
	// busy tells whether a change is under way.
	busy    func() bool
	flights sync.WaitGroup

	mu      sync.Mutex
	now     *flight // under way, nil if none
	next    *flight // what those who asked since wait for
	last    *state.State
	lastEnd time.Time
}

// flight is one reading. Its result is there when done is closed, and is not to
// be changed.
type flight struct {
	done  chan struct{}
	state *state.State
	err   error
}

// read gives the host's state and its age. The state is not to be changed.
func (r *reader) read(ctx context.Context) (*state.State, time.Duration, error) {
	f := r.join()
	var impatient <-chan time.Time
	if r.busy() {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		impatient = timer.C
	}
	for {
		select {
		case <-f.done:
			return f.state, 0, f.err
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-impatient:
			if last, age := r.stale(); last != nil {
				return last, age, nil
			}
			impatient = nil
		}
	}
}

// stale is what was read last, and how long ago; nil if nothing was.
func (r *reader) stale() (*state.State, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, time.Since(r.lastEnd)
}

// join gives the reading that begins next.
func (r *reader) join() *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		r.now = &flight{done: make(chan struct{})}
		f := r.now
		r.flights.Go(func() { r.fly(f) })
		return f
	}
	if r.next == nil {
		r.next = &flight{done: make(chan struct{})}
	}
	return r.next
}

// fly reads as long as somebody waits.
func (r *reader) fly(f *flight) {
	for f != nil {
		ctx, cancel := context.WithTimeout(context.Background(), readLimit)
		f.state, f.err = r.safely(ctx)
		cancel()
		close(f.done)
		r.mu.Lock()
		if f.err == nil {
			r.last, r.lastEnd = f.state, time.Now()
		}
		f, r.now, r.next = r.next, r.next, nil
		r.mu.Unlock()
	}
}

// safely turns a panic into an error: it would end the daemon here.
func (r *reader) safely(ctx context.Context) (s *state.State, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanic(p)
		}
	}()
	return r.show(ctx, engine.ShowOptions{})
}

// wait waits until nothing is being read.
func (r *reader) wait() { r.flights.Wait() }
