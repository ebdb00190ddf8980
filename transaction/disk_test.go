package transaction

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// disk is a Recorder whose state and run directory are in memory. What is on it
// outlives the process that wrote it.
type disk struct {
	// did is called before each method; its error is the method's. nil works.
	did func(call string) error

	mu sync.Mutex // guards what follows
	on recorded
}

// recorded is what is on a disk.
type recorded struct {
	Transaction string
	Journal     Phase
	Mark        Phase
	Generation  bool
	Outcome     Outcome
	Attempts    int
	Deadline    time.Duration
	Checkpoint  []byte
}

var _ Recorder = (*disk)(nil)

func (d *disk) write(call string, how func(on *recorded)) error {
	if d.did != nil {
		if err := d.did(call); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	how(&d.on)
	return nil
}

func (d *disk) now() recorded {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.on
}

func (d *disk) Prepare(r Record) error {
	return d.write("prepare", func(on *recorded) {
		*on = recorded{Transaction: r.Transaction, Journal: Preparing, Deadline: r.Deadline, Checkpoint: slices.Clone(r.Checkpoint)}
	})
}

func (d *disk) Begin() error {
	return d.write("begin", func(on *recorded) { on.Journal = Applying })
}

func (d *disk) Mark(phase Phase, deadline time.Duration, attempts int) error {
	return d.write("mark "+string(phase), func(on *recorded) {
		on.Mark, on.Attempts = phase, attempts
		if deadline > 0 {
			on.Deadline = deadline
		}
	})
}

func (d *disk) Commit() error {
	return d.write("commit", func(on *recorded) { on.Generation = true })
}

func (d *disk) Fail(outcome Outcome, _ error, _ time.Duration) error {
	return d.write("fail "+string(outcome), func(on *recorded) { on.Outcome = outcome })
}

func (d *disk) Finish() error {
	return d.write("finish", func(on *recorded) { on.Journal, on.Mark = "", "" })
}

func (d *disk) Drop() error {
	return d.write("drop", func(on *recorded) { *on = recorded{} })
}

// restart is what the next process finds; ok is false if nothing is pending.
func (d *disk) restart() (r Restart, ok bool) {
	on := d.now()
	r = Restart{Phase: on.Journal, SameBoot: true, Checkpoint: on.Checkpoint, Deadline: on.Deadline, Attempts: on.Attempts}
	switch {
	case on.Outcome != "" && on.Outcome != RollbackFailed:
		r.Phase, r.Outcome = Done, on.Outcome
	case on.Mark == RollingBack:
		r.Phase = RollingBack
	case on.Generation:
		r.Phase = Committing
	case on.Mark == Waiting && on.Journal == Applying:
		r.Phase = Waiting
	}
	return r, on.Journal != ""
}

// closed tells what is wrong with a disk after the end.
func (d *disk) closed(want Outcome) error {
	on := d.now()
	switch {
	case on.Journal != "" || on.Mark != "":
		return fmt.Errorf("something is pending: %+v", on)
	case on.Generation != (want == Applied):
		return fmt.Errorf("%s, and on disk is %+v", want, on)
	case want == RolledBack && on.Outcome != RolledBack:
		return fmt.Errorf("%s, and on disk is %+v", want, on)
	}
	return nil
}

// errDisk is what a disk that is broken says.
var errDisk = errors.New("input/output error")
