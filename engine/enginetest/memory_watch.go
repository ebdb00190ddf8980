package enginetest

import (
	"context"
	"slices"

	"holdfast/engine"
)

var _ engine.Watcher = (*Memory)(nil)

// anything may have changed.
var anything = engine.Change{Links: true, Addresses: true, Routes: true, Rules: true}

// watches are those that are told of changes; the Memory's lock guards them.
type watches []*watch

// watch is one Watch under way.
type watch struct {
	change engine.Change // what was not told yet
	wake   chan struct{} // holds one; nobody closes it
}

// tell notes a change for every watch. Nothing is lost by a slow one: its
// changes become one.
func (list watches) tell(change engine.Change) {
	for _, w := range list {
		w.change.Add(change)
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// Watch tells what on the host changed, until ctx ends.
func (m *Memory) Watch(ctx context.Context, changed func(engine.Change)) error {
	w := &watch{wake: make(chan struct{}, 1)}
	m.mu.Lock()
	m.watches = append(m.watches, w)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.watches = slices.DeleteFunc(m.watches, func(o *watch) bool { return o == w })
	}()
	changed(engine.Change{})
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		m.mu.Lock()
		change := w.change
		w.change = engine.Change{}
		m.mu.Unlock()
		changed(change)
	}
}

// Overflow makes every watch lose what it was not told yet, as the kernel does
// when its buffer is full.
func (m *Memory) Overflow() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.watches.tell(engine.Change{Lost: true})
}
