package store_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"holdfast/store"
	"holdfast/store/storetest"
)

// deny is what a caller without rights gets of the state directory.
func deny(_ int, op storetest.Op) storetest.Verdict {
	if strings.HasPrefix(op.Path, stateDir+"/") {
		return storetest.Verdict{Err: syscall.EACCES}
	}
	return storetest.Verdict{}
}

// threeGenerations is a disk with three that were committed and one that was
// rolled back between the last two.
func threeGenerations(t *testing.T) *storetest.Disk {
	p := newPlay(t, newDisk(), "boot")
	p.change("one", course{})
	p.change("two", course{})
	p.change("three", course{fails: true})
	p.change("four", course{})
	return p.disk
}

func generation(number int, part string) string {
	return fmt.Sprintf("%s/generations/%08d%s.json", stateDir, number, part)
}

// damaging are ways in which a file can be damaged.
var damaging = map[string]func(data []byte) []byte{
	"empty":       func([]byte) []byte { return []byte{} },
	"truncated":   func(data []byte) []byte { return data[:len(data)/2] },
	"bit flipped": func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
	"zeroes":      func(data []byte) []byte { return make([]byte, len(data)) },
	"a directory": func([]byte) []byte { return nil },
	"another's":   func([]byte) []byte { return []byte(`{"sha256":"","content":{}}`) },
}

// TestDamagedGenerations are skipped and reported; the one before is used.
func TestDamagedGenerations(t *testing.T) {
	for name, spoil := range damaging {
		disk := threeGenerations(t)
		spoilFile(t, disk, generation(4, ""), spoil)
		s := openStore(t, disk, "boot")
		g, damages, err := s.Newest()
		if err != nil || nameOf(g) != "two" || len(damages) != 1 || damages[0].Path != generation(4, "") || damages[0].Hint() == "" {
			t.Errorf("%s: %q, %v, %v", name, nameOf(g), damages, err)
		}
		if _, err := s.Generation(4); !isType[store.Damage](err) {
			t.Errorf("%s: generation 4: %v", name, err)
		}
		spoilFile(t, disk, generation(3, ".outcome"), spoil)
		entries, damages, err := s.History()
		if err != nil || len(entries) != 2 || len(damages) != 2 {
			t.Errorf("%s: history: %+v, %v, %v", name, entries, damages, err)
		}
		goOnDamaged(t, name, disk, spoil)
	}
}

// goOnDamaged commits on a disk with damage, and adds some below what is in
// force.
func goOnDamaged(t *testing.T, name string, disk *storetest.Disk, spoil func([]byte) []byte) {
	t.Helper()
	p := goOn(t, disk)
	if next, err := p.store.Next(); next != 5 || err != nil {
		t.Errorf("%s: the next is %d, %v", name, next, err)
	}
	if p.change("five", course{}); p.host != "five" {
		t.Errorf("%s: after the damage nothing can be committed", name)
	}
	spoilFile(t, disk, generation(1, ""), spoil)
	spoilFile(t, disk, generation(2, ""), spoil)
	if g, damages, err := p.store.Newest(); err != nil || nameOf(g) != "five" || damages != nil {
		t.Errorf("%s: %q, %v, %v", name, nameOf(g), damages, err)
	}
}

func spoilFile(t *testing.T, disk *storetest.Disk, path string, spoil func([]byte) []byte) {
	t.Helper()
	data, err := disk.ReadFile(path)
	if err != nil && !errors.Is(err, store.ErrNoFile) {
		t.Fatal(err)
	}
	disk.Put(path, spoil(data))
}

// TestUnreadableGeneration skips one that the disk does not give back.
func TestUnreadableGeneration(t *testing.T) {
	disk := threeGenerations(t)
	disk.Inject(func(_ int, op storetest.Op) storetest.Verdict {
		if op.Path == generation(4, "") {
			return storetest.Verdict{Err: syscall.EIO}
		}
		return storetest.Verdict{}
	})
	g, damages, err := openStore(t, disk, "boot").Newest()
	if err != nil || nameOf(g) != "two" || len(damages) != 1 {
		t.Errorf("%q, %v, %v", nameOf(g), damages, err)
	}
}

// TestSwappedGenerations do not pass for each other.
func TestSwappedGenerations(t *testing.T) {
	disk := threeGenerations(t)
	data, err := disk.ReadFile(generation(1, ""))
	check(t, err)
	disk.Put(generation(4, ""), data)
	g, damages, err := openStore(t, disk, "boot").Newest()
	if err != nil || nameOf(g) != "two" || len(damages) != 1 {
		t.Errorf("%q, %v, %v", nameOf(g), damages, err)
	}
}

// TestStrangeNames are nobody's generations.
func TestStrangeNames(t *testing.T) {
	disk := threeGenerations(t)
	for _, name := range []string{"5.json", "00000005.json~", "00000005.jsn", "00000005.committed.json", "999999999999999999.json", "-0000005.json", "00000005..json", "readme"} {
		disk.Put(stateDir+"/generations/"+name, []byte("{}"))
	}
	s := openStore(t, disk, "boot")
	if entries, damages, err := s.History(); err != nil || len(entries) != 4 || damages != nil {
		t.Errorf("%+v, %v, %v", entries, damages, err)
	}
	if next, err := s.Next(); next != 5 || err != nil {
		t.Errorf("the next is %d, %v", next, err)
	}
}

// newer are whole files of a format that comes after this one.
func newer(t *testing.T, disk *storetest.Disk, path, kind string) {
	t.Helper()
	disk.Put(path, store.Sealed(t, fmt.Sprintf(`{"kind":%q,"version":2,"all":"new"}`, kind)))
}

// TestNewerVersions are refused where they count, and reported elsewhere.
func TestNewerVersions(t *testing.T) {
	disk := threeGenerations(t)
	newer(t, disk, generation(1, ""), "generation")
	s := openStore(t, disk, "boot")
	if g, damages, err := s.Newest(); err != nil || nameOf(g) != "four" || damages != nil {
		t.Errorf("%q, %v, %v", nameOf(g), damages, err)
	}
	if entries, damages, err := s.History(); err != nil || len(entries) != 3 || len(damages) != 1 {
		t.Errorf("%+v, %v, %v", entries, damages, err)
	}
	newer(t, disk, generation(4, ""), "generation")
	if _, _, err := s.Newest(); !isType[*store.VersionError](err) {
		t.Errorf("a newest that is newer than this program: %v", err)
	}
	disk.Put(stateDir+"/format", []byte("holdfast store 2\n"))
	_, err := store.Open(store.Options{StateDir: stateDir, RunDir: runDir, FS: disk})
	if !isType[*store.VersionError](err) || !strings.Contains(err.Error(), stateDir+"/format") {
		t.Errorf("opened a newer directory: %v", err)
	}
	if err := s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}); !isType[*store.VersionError](err) {
		t.Errorf("wrote into a newer directory: %v", err)
	}
}

// TestDamagedFormat is written anew; the files tell their own version.
func TestDamagedFormat(t *testing.T) {
	for _, text := range []string{"", "holdfast store\n", "holdfast store 0\n", "store 1", "\x00\x00"} {
		disk := threeGenerations(t)
		disk.Put(stateDir+"/format", []byte(text))
		p := goOn(t, disk)
		if p.change("five", course{}); p.host != "five" {
			t.Errorf("%q: not committed", text)
		}
		if line, err := disk.ReadFile(stateDir + "/format"); string(line) != "holdfast store 1\n" {
			t.Errorf("%q became %q, %v", text, line, err)
		}
	}
}

// TestDamagedJournal stops everything until it is set aside, and takes its
// prepared generation along.
func TestDamagedJournal(t *testing.T) {
	spoils := maps.Clone(damaging)
	spoils["newer"] = func([]byte) []byte { return store.Sealed(t, `{"kind":"journal","version":2}`) }
	for name, spoil := range spoils {
		disk := threeGenerations(t)
		p := goOn(t, disk)
		p.change("five", course{stuck: true})
		spoilFile(t, disk, stateDir+"/journal.json", spoil)
		s := openStore(t, disk, "boot")
		_, err := s.Pending()
		journal, ok := errors.AsType[*store.JournalError](err)
		if !ok || journal.Path != stateDir+"/journal.json" || !strings.Contains(journal.Hint(), "--abandon") {
			t.Fatalf("%s: pending: %v", name, err)
		}
		if err := s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}); !isType[*store.PendingError](err) {
			t.Errorf("%s: prepared: %v", name, err)
		}
		if err := s.Prune(1, 0); err == nil {
			t.Errorf("%s: pruned", name)
		}
		path, err := s.Abandon()
		if err != nil || filepath.Base(path) != "journal-damaged.json" {
			t.Errorf("%s: set aside at %q, %v", name, path, err)
		}
		if j, err := s.Pending(); j != nil || err != nil {
			t.Errorf("%s: pending still: %v, %v", name, j, err)
		}
		if p := goOn(t, disk); p.change("six", course{}) != store.Applied {
			t.Errorf("%s: not committed", name)
		}
	}
}

// TestDamagedJournalWhileApplying makes history say that the end is unknown.
func TestDamagedJournalWhileApplying(t *testing.T) {
	disk := threeGenerations(t)
	s := openStore(t, disk, "boot")
	check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
	check(t, s.Begin())
	disk.Put(stateDir+"/journal.json", []byte("{"))
	s = openStore(t, disk, "boot")
	if _, err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	entries, _, err := s.History()
	if err != nil || len(entries) != 5 || entries[4].Outcome != store.Unknown || entries[4].Transaction != "tx-1" {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestDamagedJournalAfterFailedCommit does not take for committed what the disk
// refused and somebody began to roll back.
func TestDamagedJournalAfterFailedCommit(t *testing.T) {
	disk := threeGenerations(t)
	s := openStore(t, disk, "boot")
	check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
	check(t, s.Begin())
	renamed := false
	disk.Inject(func(_ int, op storetest.Op) storetest.Verdict {
		if renamed && strings.HasPrefix(op.Path, stateDir) {
			return storetest.Verdict{Err: syscall.EROFS}
		}
		renamed = renamed || op.Kind == storetest.Rename
		return storetest.Verdict{}
	})
	if err := s.Commit(); !errors.Is(err, syscall.EROFS) {
		t.Fatalf("commit: %v", err)
	}
	disk.Inject(nil)
	if !slices.Contains(disk.Names(stateDir), generation(5, "")) {
		t.Fatalf("the commit left %v", disk.Names(stateDir))
	}
	if _, err := s.Generation(5); !isType[*store.NumberError](err) {
		t.Errorf("generation 5: %v", err)
	}
	disk.Put(stateDir+"/journal.json", []byte("{"))
	s = openStore(t, disk, "boot")
	if _, err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	entries, _, err := s.History()
	if err != nil || len(entries) != 5 || entries[4].Outcome != store.Unknown {
		t.Errorf("%+v, %v", entries, err)
	}
	if g, _, err := s.Newest(); err != nil || nameOf(g) != "four" {
		t.Errorf("%q, %v", nameOf(g), err)
	}
}

// TestDamagedPreparedJournal does no harm: nothing began.
func TestDamagedPreparedJournal(t *testing.T) {
	disk := threeGenerations(t)
	s := openStore(t, disk, "boot")
	check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
	disk.Put(stateDir+"/journal.prepared.json", []byte("{"))
	s = openStore(t, disk, "boot")
	j, err := s.Pending()
	if err != nil || j.Phase != store.Prepared {
		t.Fatalf("%+v, %v", j, err)
	}
	check(t, s.Drop())
	if slices.ContainsFunc(disk.Names(stateDir), func(path string) bool { return strings.Contains(path, "prepared") }) {
		t.Errorf("left behind: %v", disk.Names(stateDir))
	}
}

// TestDamagedOutcome of a pending transaction leaves open what became of it.
func TestDamagedOutcome(t *testing.T) {
	disk := threeGenerations(t)
	p := goOn(t, disk)
	p.change("five", course{stuck: true})
	disk.Put(generation(5, ".outcome"), []byte("{"))
	j, err := openStore(t, disk, "boot").Pending()
	if err != nil || j.Phase != store.RollingBack || j.Outcome != store.Unknown {
		t.Errorf("%+v, %v", j, err)
	}
}
