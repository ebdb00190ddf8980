package monitor

import "sync"

// notice is why the host is looked at.
type notice struct {
	// host and store say what may have changed, lost that notices were lost.
	host, store, lost bool
}

// notices collect reasons to look, from any goroutine.
type notices struct {
	wake chan struct{} // holds one; nobody closes it

	mu      sync.Mutex // guards what follows
	pending notice
	// stir is set by a notice since it was asked for.
	stir bool
}

// host notes that the host may have changed.
func (n *notices) host(lost bool) { n.note(notice{host: true, lost: lost}) }

// store notes that the store may have changed.
func (n *notices) store() { n.note(notice{store: true}) }

// again puts a notice back that could not be followed.
func (n *notices) again(was notice) { n.note(was) }

func (n *notices) note(more notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending.host = n.pending.host || more.host
	n.pending.store = n.pending.store || more.store
	n.pending.lost = n.pending.lost || more.lost
	n.stir = true
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// take takes what was noted.
func (n *notices) take() notice {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.pending
	n.pending, n.stir = notice{}, false
	n.rest()
	return was
}

// rest takes back what would wake somebody for nothing.
func (n *notices) rest() {
	select {
	case <-n.wake:
	default:
	}
}

// waiting tells whether the host may have changed.
func (n *notices) waiting() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.pending.host
}

// takeStore tells whether the store was noted, and takes that only.
func (n *notices) takeStore() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.pending.store
	n.pending.store = false
	return was
}

// stirred tells whether anything was noted since the last time.
func (n *notices) stirred() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	was := n.stir
	n.stir = false
	n.rest()
	return was
}
