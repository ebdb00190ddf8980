package monitor

import (
	"errors"
	"io/fs"
	"slices"

	"holdfast/store"
)

// Store is where transactions and generations are read; *store.Store is one.
type Store interface {
	Pending() (*store.Journal, error)
	Next() (int, error)
	Since(number int) ([]store.Entry, []store.Damage, error)
	Newest() (*store.Generation, []store.Damage, error)
}

var _ Store = (*store.Store)(nil)

// ledger follows the store: the transaction that is pending, and what became of
// those before.
type ledger struct {
	store Store
	// pending is the transaction that was told of last, without its bulk; nil
	// for none.
	pending *store.Journal
	// last is the number up to which outcomes were told, told those of the
	// numbers that may still get another one.
	last int
	told map[int]store.Outcome
	// newest is the generation in force, nil if there is none.
	newest *store.Generation
}

// news is what a look into the store brought: the phases that a transaction
// entered, and the outcomes.
type news struct{ phases, outcomes []Event }

func (n news) empty() bool { return len(n.phases)+len(n.outcomes) == 0 }

// begin takes the store as it is for known.
func (l *ledger) begin() error {
	next, err := l.store.Next()
	if err != nil {
		return err
	}
	l.last, l.told = next-1, map[int]store.Outcome{}
	if l.pending, err = l.readPending(); err != nil {
		return err
	}
	if l.pending != nil {
		l.last = min(l.last, l.pending.Number-1)
		if l.pending.Outcome != "" {
			l.told[l.pending.Number] = l.pending.Outcome
		}
	}
	l.newest, _, err = l.store.Newest()
	return err
}

// readPending is the pending transaction without what only a recovery needs.
func (l *ledger) readPending() (*store.Journal, error) {
	j, err := l.store.Pending()
	if j == nil || err != nil {
		return nil, err
	}
	slim := *j
	slim.Request, slim.Plan, slim.Checkpoint = nil, nil, nil
	return &slim, nil
}

// look reads the store anew.
func (l *ledger) look() (news, error) {
	var n news
	was := l.pending
	// A journal that cannot be read is for who recovers it; what is told here
	// is that there is one, by history, in the end.
	now, err := l.readPending()
	if _, damaged := errors.AsType[*store.JournalError](err); damaged {
		now, err = was, nil
	}
	if err != nil {
		return n, err
	}
	l.pending = now
	if now != nil && underWay(now) && (was == nil || was.Transaction != now.Transaction || was.Phase != now.Phase) {
		n.phases = append(n.phases, phase(now))
	}
	from := l.last
	if was != nil {
		from = min(from, was.Number-1)
	}
	entries, _, err := l.store.Since(max(from, 0))
	if err != nil {
		return n, err
	}
	for _, e := range entries {
		if l.told[e.Number] != e.Outcome {
			n.outcomes = append(n.outcomes, outcome(e))
		}
		l.told[e.Number] = e.Outcome
		l.last = max(l.last, e.Number)
	}
	l.forget()
	if n.empty() && (was == nil) == (now == nil) {
		return n, nil
	}
	l.newest, _, err = l.store.Newest()
	return n, err
}

// forget drops the outcomes that cannot change any more: all but that of the
// pending transaction and those after it.
func (l *ledger) forget() {
	for number := range l.told {
		if number <= l.last && (l.pending == nil || number < l.pending.Number) {
			delete(l.told, number)
		}
	}
}

// changing tells whether a transaction may be changing the host.
func (l *ledger) changing() bool { return l.pending != nil && underWay(l.pending) }

// underWay is false when only the journal is left to be closed.
func underWay(j *store.Journal) bool {
	return j.Phase != store.Committed && j.Phase != store.Ended
}

// generation is the number in force, 0 for none.
func (l *ledger) generation() int {
	if l.newest == nil {
		return 0
	}
	return l.newest.Number
}

// present tells of the transaction that is pending, for who comes late.
func (l *ledger) present() []Event {
	if !l.changing() {
		return nil
	}
	return []Event{phase(l.pending)}
}

func phase(j *store.Journal) Event {
	e := about(j.Meta)
	e.What, e.Summary = What(j.Phase), nil
	return e
}

func outcome(entry store.Entry) Event {
	e := about(entry.Meta)
	e.What, e.Error = What(entry.Outcome), entry.Error
	return e
}

func about(m store.Meta) Event {
	return Event{
		Kind: Transaction, Object: m.Transaction, Generation: m.Number, Who: &m.Who, Purpose: m.Purpose,
		Summary: slices.Clip(m.Summary),
	}
}

// hidden tells that the store may not be read, which is no fault of it: who
// watches without privileges sees the host only.
func hidden(err error) bool { return errors.Is(err, fs.ErrPermission) }
