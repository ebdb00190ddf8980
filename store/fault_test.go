package store_test

import (
	"iter"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/store"
	"holdfast/store/storetest"
)

// A fault is a way in which a disk fails.
type fault struct {
	name string
	// kinds are the operations that fail; all if nil.
	kinds []storetest.Kind
	err   error
	// once heals the disk after the first.
	once bool
	// late carries out what fails.
	late bool
	// run lets the run directory fail and not the state directory; noRun lets it
	// fail from the start, besides.
	run, noRun bool
}

var (
	changing = []storetest.Kind{storetest.Mkdir, storetest.Create, storetest.Write, storetest.Sync, storetest.Rename, storetest.Remove, storetest.SyncDir}
	growing  = []storetest.Kind{storetest.Mkdir, storetest.Create, storetest.Write}
	naming   = []storetest.Kind{storetest.Mkdir, storetest.Rename, storetest.Remove, storetest.SyncDir}
	syncing  = []storetest.Kind{storetest.Sync, storetest.SyncDir}
)

var faults = []fault{
	{name: "full", kinds: growing, err: syscall.ENOSPC},
	{name: "full for a moment", kinds: growing, err: syscall.ENOSPC, once: true},
	{name: "full for names, too", kinds: append([]storetest.Kind{storetest.Rename}, growing...), err: syscall.ENOSPC},
	{name: "read-only", kinds: changing, err: syscall.EROFS},
	{name: "failing", err: syscall.EIO},
	{name: "failing for a moment", err: syscall.EIO, once: true},
	{name: "failing in fsync", kinds: syncing, err: syscall.EIO},
	{name: "failing in fsync for a moment", kinds: syncing, err: syscall.EIO, once: true},
	{name: "doing it and not saying so", kinds: naming, err: syscall.EIO, once: true, late: true},
	{name: "doing nothing but not saying so", kinds: naming, err: syscall.EIO, late: true},
	{name: "doing it and not saying so, without a run directory", kinds: naming, err: syscall.EIO, once: true, late: true, noRun: true},
	{name: "without a run directory", err: syscall.EIO, run: true},
	{name: "with a full run directory", kinds: growing, err: syscall.ENOSPC, run: true},
}

// hits tells whether an operation is one that fails.
func (f fault) hits(op storetest.Op) bool {
	inRun := strings.HasPrefix(op.Path, "/run")
	return inRun == f.run && (f.kinds == nil || slices.Contains(f.kinds, op.Kind))
}

// from lets the disk fail from a call on.
func (f fault) from(at int) func(int, storetest.Op) storetest.Verdict {
	return func(call int, op storetest.Op) storetest.Verdict {
		if f.noRun && op.Kind != storetest.Read && strings.HasPrefix(op.Path, runDir) {
			return storetest.Verdict{Err: syscall.EACCES}
		}
		if call < at || f.once && call > at || !f.hits(op) {
			return storetest.Verdict{}
		}
		return storetest.Verdict{Err: f.err, Late: f.late, Short: len(op.Data) / 2}
	}
}

// TestFaults lets the disk fail at every single operation of a transaction, in
// every way, once or for good. The change is refused before it starts, or
// finished, or rolled back; it is never half recorded. The process is killed,
// and the power cut, after the fault as well.
func TestFaults(t *testing.T) {
	base := newPlay(t, newDisk(), "boot")
	base.change("one", course{})
	for name, c := range map[string]course{"commit": {wait: true}, "roll back": {fails: true}, "no change": {unchanged: true}, "first": {}} {
		t.Run(name, func(t *testing.T) {
			disk := base.disk
			if name == "first" {
				disk = newDisk()
			}
			calls := record(t, disk, c)
			for _, f := range faults {
				runs := 0
				for at, op := range calls {
					if f.hits(op) {
						runs++
						withFault(t, disk.Clone(), c, f, at, done(calls[:at]))
					}
				}
				t.Logf("%s: %d runs", f.name, runs)
			}
		})
	}
}

// record lists the operations of a transaction on a sound disk.
func record(t *testing.T, disk *storetest.Disk, c course) []storetest.Op {
	p := goOn(t, disk.Clone())
	var calls []storetest.Op
	p.disk.Inject(func(_ int, op storetest.Op) storetest.Verdict {
		calls = append(calls, op)
		return storetest.Verdict{}
	})
	p.change("two", c)
	return calls
}

// done is how many operations have changed the disk at least; what comes before the
// fault is TestPrefixes' business. Removing what is not there changes nothing.
func done(calls []storetest.Op) int {
	count := 0
	for _, op := range calls {
		if op.Kind != storetest.Read && op.Kind != storetest.Remove {
			count++
		}
	}
	return count
}

// goOn is a play on a disk where a transaction may have been committed.
func goOn(t *testing.T, disk *storetest.Disk) *play {
	p := newPlay(t, disk, "boot")
	g, _, err := p.store.Newest()
	p.check(err)
	p.note(func() { p.host, p.committed = nameOf(g), nameOf(g) })
	p.moments = p.moments[1:]
	return p
}

// withFault carries a transaction out with a fault from a call on, and looks at
// what it left after so many operations and later.
func withFault(t *testing.T, disk *storetest.Disk, c course, f fault, at, first int) {
	t.Helper()
	p := goOn(t, disk)
	disk.Inject(f.from(at))
	outcome := p.change("two", c)
	disk.Inject(nil)
	p.note()
	last := len(disk.Ops())
	fail := func(err error) {
		t.Helper()
		t.Errorf("%s from call %d, outcome %s, %d operations: %v", f.name, at, outcome, last, err)
	}
	if want := map[store.Outcome]string{store.Applied: "two"}[outcome]; want != "" && p.host != want || want == "" && p.host != p.committed {
		fail(errHost(p.host))
		return
	}
	if f.name == "full" && outcome == store.RolledBack && p.history["two"] != store.RolledBack {
		fail(errHost("not recorded"))
	}
	for crash := range crashes(disk, first, at%oneIn(cutsEvery) == 0) {
		if err := aftermath(p, crash); err != nil {
			fail(err)
			return
		}
	}
}

// crashes are those after so many operations and later. The power is cut only at the
// end unless all is set.
func crashes(disk *storetest.Disk, first int, all bool) iter.Seq[storetest.Crash] {
	last := len(disk.Ops())
	return func(yield func(storetest.Crash) bool) {
		for crash := range disk.Kills() {
			if crash.After >= first && !yield(crash) {
				return
			}
		}
		for crash := range disk.Cuts() {
			if crash.After >= first && (all || crash.After == last) && !yield(crash) {
				return
			}
		}
	}
}

type errHost string

func (e errHost) Error() string { return "the host is " + string(e) }

// aftermath verifies what a crash left of a play.
func aftermath(p *play, c storetest.Crash) error {
	for _, m := range p.at(c.After) {
		if err := p.verify(c, m); err != nil {
			return at(c, p, m, err)
		}
		found := c
		found.Disk = c.Disk.Clone()
		if _, err := p.restart(found, m); err != nil {
			return at(c, p, m, err)
		}
	}
	return nil
}

func at(c storetest.Crash, p *play, m moment, err error) error {
	return &crashError{c.String() + " (" + lastOp(p.disk, c) + "), host " + m.host, err}
}

type crashError struct {
	where string
	err   error
}

func (e *crashError) Error() string { return e.where + ": " + e.err.Error() }
