package server

import (
	"context"
	"maps"
	"sync"
	"time"
)

// gate bounds how much that takes memory or time is done at once, in all and
// for each peer.
type gate struct {
	all   chan struct{}
	share int

	mu    sync.Mutex
	turns map[string]*turn
}

// turn is one peer's share; users counts those who hold it or wait.
type turn struct {
	slots chan struct{}
	users int
}

func newGate(all, share int) *gate {
	return &gate{all: make(chan struct{}, all), share: share, turns: map[string]*turn{}}
}

// enter waits for a place; leave must be called unless there is an error, which
// is that of ctx.
func (g *gate) enter(ctx context.Context, key string) (leave func(), err error) {
	t := g.take(key)
	select {
	case t.slots <- struct{}{}:
	case <-ctx.Done():
		g.give(key, t)
		return nil, ctx.Err()
	}
	select {
	case g.all <- struct{}{}:
	case <-ctx.Done():
		<-t.slots
		g.give(key, t)
		return nil, ctx.Err()
	}
	return sync.OnceFunc(func() {
		<-g.all
		<-t.slots
		g.give(key, t)
	}), nil
}

func (g *gate) take(key string) *turn {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.turns[key]
	if t == nil {
		t = &turn{slots: make(chan struct{}, g.share)}
		g.turns[key] = t
	}
	t.users++
	return t
}

func (g *gate) give(key string, t *turn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(g.turns, key)
	}
}

// rates are token buckets, one for each peer.
type rates struct {
	rate, burst float64

	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket holds so many tokens at a time.
type bucket struct {
	tokens float64
	at     time.Time
}

// maxBuckets is how many peers are remembered before those whose bucket is full
// again are forgotten.
const maxBuckets = 1024

func newRates(rate, burst float64) *rates {
	return &rates{rate: rate, burst: burst, buckets: map[string]*bucket{}}
}

// allow takes a token; wait is how long there will be none.
func (r *rates) allow(key string, now time.Time) (wait time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.buckets) >= maxBuckets {
		maps.DeleteFunc(r.buckets, func(_ string, b *bucket) bool { return r.full(b, now) })
	}
	b := r.buckets[key]
	if b == nil {
		b = &bucket{tokens: r.burst, at: now}
		r.buckets[key] = b
	}
	b.tokens = min(r.burst, b.tokens+now.Sub(b.at).Seconds()*r.rate)
	b.at = now
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / r.rate * float64(time.Second))
	}
	b.tokens--
	return 0
}

func (r *rates) full(b *bucket, now time.Time) bool {
	return b.tokens+now.Sub(b.at).Seconds()*r.rate >= r.burst
}
