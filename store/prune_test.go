package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/store"
	"holdfast/store/storetest"
)

// kept lists what is left, as "NUMBER part".
func kept(disk *storetest.Disk) string {
	var list []string
	for _, path := range disk.Names(stateDir + "/generations") {
		name := strings.TrimLeft(path[strings.LastIndex(path, "/")+1:], "0")
		list = append(list, strings.TrimSuffix(name, ".json"))
	}
	return strings.Join(list, " ")
}

// tenTries commits the odd numbers and rolls the even ones back.
func tenTries(t *testing.T) *play {
	p := newPlay(t, newDisk(), "boot")
	for i := range 10 {
		p.change(fmt.Sprintf("change-%d", i+1), course{fails: i%2 == 1})
	}
	return p
}

// TestPruneByNumber keeps so many of those that were committed, and of those
// that were not.
func TestPruneByNumber(t *testing.T) {
	for keep, want := range map[int]string{
		0:  "1 2.outcome 3 4.outcome 5 6.outcome 7 8.outcome 9 10.outcome",
		50: "1 2.outcome 3 4.outcome 5 6.outcome 7 8.outcome 9 10.outcome",
		3:  "5 6.outcome 7 8.outcome 9 10.outcome",
		1:  "9 10.outcome",
	} {
		p := tenTries(t)
		check(t, p.store.Prune(keep, 0))
		if diff := cmp.Diff(want, kept(p.disk)); diff != "" {
			t.Errorf("keep %d (-want +got)\n%s", keep, diff)
		}
		if next, err := p.store.Next(); next != 11 || err != nil {
			t.Errorf("the next is %d, %v", next, err)
		}
	}
}

// TestPruneByAge removes what is older, but never the newest that was
// committed, nor the last number.
func TestPruneByAge(t *testing.T) {
	p := newPlay(t, newDisk(), "boot")
	ages := []time.Duration{50, 40, 30, 20, 10}
	for i, age := range ages {
		j := p.journal(fmt.Sprintf("change-%d", i+1))
		j.Time = time.Now().Add(-age * time.Hour)
		check(t, p.store.Prepare(j, &store.Generation{Running: named("a"), Persistent: named("a")}))
		check(t, p.store.Begin())
		if i == len(ages)-1 {
			check(t, p.store.Fail(store.RolledBack, nil, 0))
		} else {
			check(t, p.store.Commit())
		}
		check(t, p.store.Finish())
	}
	for _, step := range []struct {
		age  time.Duration
		want string
	}{
		{60 * time.Hour, "1 2 3 4 5.outcome"},
		{35 * time.Hour, "3 4 5.outcome"},
		{15 * time.Hour, "4 5.outcome"},
		{time.Hour, "4 5.outcome"},
	} {
		check(t, p.store.Prune(0, step.age))
		if diff := cmp.Diff(step.want, kept(p.disk)); diff != "" {
			t.Errorf("age %v (-want +got)\n%s", step.age, diff)
		}
	}
}

// TestPruneWhilePending keeps what the pending transaction would go back to,
// also when it is committed and only its bookkeeping lacks.
func TestPruneWhilePending(t *testing.T) {
	p := tenTries(t)
	check(t, p.store.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
	check(t, p.store.Begin())
	check(t, p.store.Prune(1, time.Nanosecond))
	if diff := cmp.Diff("9 10.outcome 11.prepared", kept(p.disk)); diff != "" {
		t.Errorf("applying (-want +got)\n%s", diff)
	}
	check(t, p.store.Commit())
	check(t, openStore(t, p.disk, "boot").Prune(1, time.Nanosecond))
	if diff := cmp.Diff("9 11", kept(p.disk)); diff != "" {
		t.Errorf("committed (-want +got)\n%s", diff)
	}
	check(t, p.store.Finish())
	check(t, p.store.Prune(1, time.Nanosecond))
	if diff := cmp.Diff("11", kept(p.disk)); diff != "" {
		t.Errorf("finished (-want +got)\n%s", diff)
	}
}

// TestPruneDamaged keeps the newest that can be read, and lets damaged ones go
// when all that stay are newer; those of a newer format stay.
func TestPruneDamaged(t *testing.T) {
	p := tenTries(t)
	for _, number := range []int{3, 7, 9} {
		p.disk.Put(generation(number, ""), []byte("{"))
	}
	newer(t, p.disk, generation(1, ""), "generation")
	check(t, p.store.Prune(1, 0))
	if diff := cmp.Diff("1 5 7 9 10.outcome", kept(p.disk)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if g, _, err := p.store.Newest(); err != nil || nameOf(g) != "change-5" {
		t.Errorf("%q, %v", nameOf(g), err)
	}
}

// TestPruneNothing works on an empty store.
func TestPruneNothing(t *testing.T) {
	disk := newDisk()
	check(t, openStore(t, disk, "boot").Prune(1, time.Second))
	if ops := disk.Ops(); len(ops) > 0 {
		t.Errorf("it did %v", ops)
	}
}
