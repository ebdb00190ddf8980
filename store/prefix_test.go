package store_test

import (
	"os"
	"testing"

	"holdfast/store"
	"holdfast/store/storetest"
)

// everyCourse carries out transactions of every sort.
func everyCourse(t testing.TB) *play {
	p := newPlay(t, newDisk(), "boot")
	p.change("one", course{})
	p.change("two", course{wait: true})
	p.change("three", course{fails: true})
	p.change("four", course{drop: true})
	p.change("five", course{unchanged: true})
	p.change("six", course{stuck: true})
	p.retry("six", "two")
	p.change("seven", course{})
	p.note(func() { delete(p.history, "one"); delete(p.history, "three") })
	p.check(p.store.Prune(2, 0))
	p.note()
	p.change("eight", course{stuck: true})
	p.abandon("eight")
	p.change("nine", course{wait: true})
	p.note(func() { p.lost = false })
	return p
}

// retry is a rollback that works after one that did not, by another process.
func (p *play) retry(name, old string) {
	p.store = openStore(p.t, p.disk, p.boot)
	j, err := p.store.Pending()
	p.check(err)
	if j == nil || j.Phase != store.RollingBack || j.Attempts != 1 || j.Outcome != store.RollbackFailed {
		p.t.Fatalf("after a rollback that failed pending is %+v", j)
	}
	p.rollBack(name, old, false)
}

// abandon gives a transaction up.
func (p *play) abandon(name string) {
	p.note(func() { p.setBegan(maybe); p.lost = true; delete(p.history, name) })
	_, err := p.store.Abandon()
	p.check(err)
	p.note(func() { p.setBegan(no); p.history[name] = store.RollbackFailed })
}

// TestPrefixes ends the process, and cuts the power, after every operation that
// transactions of every sort do to the disk, and again after every operation of
// the recovery. What is found is exactly the old or the new state, and a
// pending journal if and only if a change may have begun. HOLDFAST_CRASH=1
// crashes every recovery, not only those of a sample.
func TestPrefixes(t *testing.T) {
	p := everyCourse(t)
	var kills, cuts, again int
	for c := range p.disk.Kills() {
		kills++
		again += crash(t, p, c, true)
	}
	for c := range p.disk.Cuts() {
		cuts++
		again += crash(t, p, c, cuts%oneIn(deepEvery) == 0)
	}
	t.Logf("%d operations; %d crashes and %d power cuts, and %d more in their recovery", len(p.disk.Ops()), kills, cuts, again)
}

// deepEvery is how many power cuts there are to one whose recovery is crashed,
// too, and cutsEvery how many faults to one after which the power is cut not
// only at the end.
const (
	deepEvery = 15
	cutsEvery = 7
)

// oneIn is a sample of so many, or all of them on request.
func oneIn(sample int) int {
	if os.Getenv("HOLDFAST_CRASH") != "" {
		return 1
	}
	return sample
}

// crash verifies what a crash left, and that it can be recovered. With deep it
// does the same with every crash in the recovery, and counts those.
func crash(t *testing.T, p *play, c storetest.Crash, deep bool) (count int) {
	t.Helper()
	for _, m := range p.at(c.After) {
		if err := p.verify(c, m); err != nil {
			t.Errorf("%s (%s), host %q: %v", c, lastOp(p.disk, c), m.host, err)
			return count
		}
		at := storetest.Crash{After: c.After, What: c.What, Power: c.Power, Disk: c.Disk.Clone()}
		next, err := p.restart(at, m)
		if err != nil {
			t.Errorf("%s (%s), host %q: %v", c, lastOp(p.disk, c), m.host, err)
			return count
		}
		if !deep {
			continue
		}
		for inner := range next.disk.Kills() {
			count += crash(t, next, inner, false) + 1
		}
		for inner := range next.disk.Cuts() {
			count += crash(t, next, inner, false) + 1
		}
	}
	return count
}

// lastOp is the operation before the crash.
func lastOp(disk *storetest.Disk, c storetest.Crash) string {
	if c.After == 0 {
		return "before the first operation"
	}
	return "after " + disk.Ops()[c.After-1].String()
}
