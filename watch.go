package holdfast

import (
	"context"
	"path/filepath"
	"slices"
	"time"

	"holdfast/engine"
	"holdfast/internal/notice"
	"holdfast/monitor"
	"holdfast/state"
	"holdfast/transaction"
)

// Event is one thing that happened on the host.
type Event = monitor.Event

// storePeriod is how often the state directory is looked into without a notice.
const storePeriod = 2 * time.Second

// Watch tells what happens on the host, one event after the other, until ctx
// ends; then it returns nil. The first one is of kind Ready: from then on
// nothing is missed. An error of each ends it and is given back; others say that
// the host cannot be watched. While each runs, later events wait; when too many
// do, the newest are lost, which is told, and followed by what differs from what
// was told before.
//
// It needs no privileges. Without the right to read the state directory it
// tells neither of transactions nor of drift.
func (h *Host) Watch(ctx context.Context, each func(Event) error) error {
	m := h.Monitor()
	reader := m.Subscribe(0)
	defer reader.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx) }()
	told := pass(ctx, reader, each)
	cancel()
	if err := <-ended; told == nil {
		return err
	}
	return told
}

// pass hands events on until there are no more; the error is each's.
func pass(ctx context.Context, reader *monitor.Subscription, each func(Event) error) error {
	for {
		e, err := reader.Next(ctx)
		if err != nil {
			return nil
		}
		if err := each(e); err != nil {
			return err
		}
	}
}

// Monitor gives a new monitor of the host, for several readers or for one that
// comes later; its Run has to be called for anything to be told. It tells the
// steps of transactions too, as far as this Host carries them out.
func (h *Host) Monitor() *monitor.Monitor {
	options := monitor.Options{
		Show: func(ctx context.Context) (*state.State, error) {
			return h.engine.Show(ctx, engine.ShowOptions{})
		},
		Store:  h.store,
		Notice: h.noticeStore,
		Logger: h.logger,
	}
	var m *monitor.Monitor
	if watcher, ok := h.engine.(engine.Watcher); ok {
		options.Watch = func(ctx context.Context, changed func(engine.Change)) error {
			leave := h.tellTo(m)
			defer leave()
			return watcher.Watch(ctx, changed)
		}
	}
	if finder, ok := h.engine.(engine.RouteFinder); ok {
		options.Routes = finder.RoutesTo
	}
	m = monitor.New(options)
	return m
}

// noticeStore tells when something in the store may have changed.
func (h *Host) noticeStore(ctx context.Context, changed func()) error {
	dirs := []string{h.options.StateDir, filepath.Join(h.options.StateDir, "generations"), h.options.RunDir}
	return notice.Directories(ctx, dirs, storePeriod, changed)
}

// tellTo has a monitor told of the steps that this Host carries out.
func (h *Host) tellTo(m *monitor.Monitor) (leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.monitors = append(h.monitors, m)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.monitors = slices.DeleteFunc(h.monitors, func(o *monitor.Monitor) bool { return o == m })
	}
}

// telling is a Progress that tells the monitors of each step, and then next.
func (h *Host) telling(id string, next func(Progress)) func(Progress) {
	return func(p Progress) {
		if p.Step != nil && p.Phase == transaction.Applying {
			h.tellStep(id, p)
		}
		if next != nil {
			next(p)
		}
	}
}

func (h *Host) tellStep(id string, p Progress) {
	h.mu.Lock()
	monitors := slices.Clone(h.monitors)
	h.mu.Unlock()
	for _, m := range monitors {
		m.Post(Event{
			Kind: monitor.Transaction, What: monitor.Step, Object: id,
			To: string(p.Step.Verb) + " " + p.Step.Object, Done: p.Done, Total: p.Total,
		})
	}
}
