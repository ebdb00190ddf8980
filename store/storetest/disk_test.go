package storetest_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/store"
	"holdfast/store/storetest"
)

// walk does what can be done with a file layer, right and wrong, and writes
// down how it ends.
func walk(files store.FS, dir string) []string {
	var lines []string
	say := func(what string, err error) {
		word := "ok"
		for name, sort := range map[string]error{"exists": fs.ErrExist, "missing": fs.ErrNotExist, "no file": store.ErrNoFile} {
			if errors.Is(err, sort) {
				word = name
			}
		}
		if err != nil && word == "ok" {
			word = "fails"
		}
		lines = append(lines, what+": "+word)
	}
	write := func(path, text string) {
		f, err := files.Create(dir + path)
		say("create "+path, err)
		if err == nil {
			n, err := f.Write([]byte(text))
			say(fmt.Sprintf("write %d", n), err)
			say("sync", f.Sync())
			say("close", f.Close())
		}
	}
	read := func(path string) {
		data, err := files.ReadFile(dir + path)
		say("read "+path+" "+string(data), err)
	}
	list := func(path string) {
		names, err := files.ReadDir(dir + path)
		say("list "+path+" "+strings.Join(names, " "), err)
	}
	stat := func(path string) {
		info, err := files.Lstat(dir + path)
		if err != nil {
			say("stat "+path, err)
			return
		}
		say(fmt.Sprintf("stat %s %v %v", info.Name(), info.Mode(), info.IsDir()), nil)
	}
	rename := func(from, to string) { say("rename "+from+" "+to, files.Rename(dir+from, dir+to)) }
	remove := func(path string) { say("remove "+path, files.Remove(dir+path)) }
	mkdir := func(path string) { say("mkdir "+path, files.Mkdir(dir+path, 0o700)) }

	mkdir("/a")
	mkdir("/a")
	mkdir("/no/where")
	write("/a/one", "1")
	write("/a/one", "1")
	write("/no/where", "1")
	write("/a/one/below", "1")
	write("/a/two", "22")
	list("/a")
	list("/a/one")
	list("/no")
	read("/a/one")
	read("/a")
	read("/no")
	stat("/a")
	stat("/a/one")
	stat("/no")
	rename("/a/one", "/a/two")
	rename("/a/one", "/a/two")
	rename("/a/two", "/no/where")
	read("/a/two")
	mkdir("/b")
	rename("/a/two", "/b/three")
	rename("/b/three", "/a")
	rename("/a", "/b/three")
	rename("/a", "/c")
	remove("/b")
	remove("/b/three")
	remove("/b/three")
	remove("/b")
	say("sync the directory", files.SyncDir(dir+"/c"))
	say("sync nothing", files.SyncDir(dir+"/no"))
	list("/")
	return lines
}

// TestLikeTheRealOne holds the disk against the host's file system.
func TestLikeTheRealOne(t *testing.T) {
	host := walk(store.OS{}, t.TempDir())
	disk := walk(storetest.NewDisk("/tmp/x"), "/tmp/x")
	if diff := cmp.Diff(host, disk); diff != "" {
		t.Errorf("(-host +disk)\n%s", diff)
	}
}

// found lists what a disk holds as "PATH=CONTENT".
func found(t *testing.T, disk *storetest.Disk) string {
	t.Helper()
	var list []string
	for _, path := range disk.Names("/d") {
		data, err := disk.ReadFile(path)
		if err != nil && !errors.Is(err, store.ErrNoFile) {
			t.Fatal(err)
		}
		list = append(list, strings.TrimPrefix(path, "/d")+"="+string(data))
	}
	return strings.Join(list, " ")
}

// cuts are the different things that a power cut at the end leaves.
func cuts(t *testing.T, disk *storetest.Disk) []string {
	t.Helper()
	all := map[string]bool{}
	for c := range disk.Cuts() {
		if c.After == len(disk.Ops()) {
			all[found(t, c.Disk)] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func create(t *testing.T, disk *storetest.Disk, path, text string, sync bool) {
	t.Helper()
	f, err := disk.Create(path)
	if err == nil {
		_, err = f.Write([]byte(text))
	}
	if err == nil && sync {
		err = f.Sync()
	}
	if err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestCuts looks at what a power cut leaves of content and names that were
// not synced.
func TestCuts(t *testing.T) {
	fresh := func() *storetest.Disk {
		disk := storetest.NewDisk("/d")
		disk.Put("/d/f", []byte("old!"))
		return disk
	}
	for name, c := range map[string]struct {
		do   func(disk *storetest.Disk)
		want []string
	}{
		"a rename overtakes the data": {func(disk *storetest.Disk) {
			create(t, disk, "/d/t", "new!", false)
			check(t, disk.Rename("/d/t", "/d/f"))
			check(t, disk.SyncDir("/d"))
		}, []string{"/f=", "/f=\x00\x00\x00\x00", "/f=ne", "/f=new!"}},
		"names that were not synced": {func(disk *storetest.Disk) {
			create(t, disk, "/d/t", "new!", true)
			check(t, disk.Rename("/d/t", "/d/f"))
		}, []string{"/f=new!", "/f=old!", "/f=old! /t=new!"}},
		"all synced": {func(disk *storetest.Disk) {
			create(t, disk, "/d/t", "new!", true)
			check(t, disk.Rename("/d/t", "/d/f"))
			check(t, disk.SyncDir("/d"))
		}, []string{"/f=new!"}},
		"a sync that failed before one that works": {func(disk *storetest.Disk) {
			check(t, disk.Rename("/d/f", "/d/g"))
			disk.Inject(func(int, storetest.Op) storetest.Verdict { return storetest.Verdict{Err: syscall.EIO} })
			if err := disk.SyncDir("/d"); !errors.Is(err, syscall.EIO) {
				t.Errorf("the sync: %v", err)
			}
			disk.Inject(nil)
			check(t, disk.SyncDir("/d"))
		}, []string{"/f=old!", "/g=old!"}},
		"a directory whose name was not synced": {func(disk *storetest.Disk) {
			check(t, disk.Mkdir("/d/e", 0o700))
			create(t, disk, "/d/e/t", "new!", true)
			check(t, disk.SyncDir("/d/e"))
		}, []string{"/e/t=new! /f=old!", "/f=old!"}},
	} {
		disk := fresh()
		c.do(disk)
		if diff := cmp.Diff(c.want, cuts(t, disk)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// TestPoisoned content stays unsure after a sync that failed, and what is in
// memory is gone after a power cut and there after a kill.
func TestPoisoned(t *testing.T) {
	disk := storetest.NewDisk("/d")
	f, err := disk.Create("/d/f")
	check(t, err)
	_, err = f.Write([]byte("text"))
	check(t, err)
	disk.Inject(func(int, storetest.Op) storetest.Verdict { return storetest.Verdict{Err: syscall.EIO} })
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("sync: %v", err)
	}
	disk.Inject(nil)
	check(t, f.Sync())
	check(t, disk.SyncDir("/d"))
	create(t, disk, "/run/f", "1", true)
	check(t, disk.SyncDir("/run"))
	if diff := cmp.Diff([]string{"/f=", "/f=\x00\x00\x00\x00", "/f=te", "/f=text"}, cuts(t, disk)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for c := range disk.Cuts() {
		if _, err := c.Disk.Lstat("/run/f"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: memory outlives a power cut: %v", c, err)
		}
	}
	var last storetest.Crash
	for last = range disk.Kills() {
		continue
	}
	if _, err := last.Disk.Lstat("/run/f"); err != nil || found(t, last.Disk) != "/f=text" {
		t.Errorf("%s: %v, %s", last, err, found(t, last.Disk))
	}
}

// TestShort writes a part and fails.
func TestShort(t *testing.T) {
	disk := storetest.NewDisk("/d")
	f, err := disk.Create("/d/f")
	check(t, err)
	disk.Inject(func(int, storetest.Op) storetest.Verdict { return storetest.Verdict{Err: syscall.ENOSPC, Short: 3} })
	n, err := f.Write([]byte("hello"))
	disk.Inject(nil)
	if n != 3 || !errors.Is(err, syscall.ENOSPC) || found(t, disk) != "/f=hel" {
		t.Errorf("%d, %v, %s", n, err, found(t, disk))
	}
}
