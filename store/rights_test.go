package store_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/store"
)

// realPlay commits and fails on the real file system.
func realPlay(t *testing.T) store.Options {
	t.Helper()
	dir := t.TempDir()
	options := store.Options{StateDir: filepath.Join(dir, "state"), RunDir: filepath.Join(dir, "run"), Boot: "boot"}
	p := &play{t: t, disk: newDisk(), boot: "boot"}
	p.history = map[string]store.Outcome{}
	var err error
	if p.store, err = store.Open(options); err != nil {
		t.Fatal(err)
	}
	p.change("one", course{})
	p.change("two", course{fails: true})
	p.change("three", course{stuck: true})
	if _, err := p.store.Abandon(); err != nil {
		t.Fatal(err)
	}
	p.change("four", course{stuck: true})
	return options
}

// TestModes looks at every file and directory, under a umask that gives
// everything and one that takes everything.
func TestModes(t *testing.T) {
	for _, umask := range []int{0, 0o377} {
		old := unix.Umask(umask)
		options := realPlay(t)
		unix.Umask(old)
		count := 0
		err := filepath.WalkDir(options.StateDir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			want := fs.FileMode(0o600)
			if entry.IsDir() {
				want = fs.ModeDir | 0o700
			}
			if count++; info.Mode() != want {
				t.Errorf("umask %04o: %s has mode %v, not %v", umask, path, info.Mode(), want)
			}
			return nil
		})
		if err != nil || count < 8 {
			t.Errorf("%d files, %v", count, err)
		}
	}
}

// TestSymlinks puts links to a victim in the place of every file: the victim
// stays as it is.
func TestSymlinks(t *testing.T) {
	options := realPlay(t)
	victim := filepath.Join(t.TempDir(), "victim")
	check(t, os.WriteFile(victim, []byte("mine"), 0o644))
	for _, name := range []string{
		"format", "format.tmp", "generations/00000005.prepared.json.tmp", "generations/00000005.prepared.json", "generations/00000005.json",
		"journal.prepared.json.tmp", "generations/00000005.outcome.json.tmp", "generations/00000004.outcome.json", "../run/phase.json", "../run/phase.json.tmp",
	} {
		path := filepath.Join(options.StateDir, name)
		check(t, errors.Join(ignoreMissing(os.Remove(path)), os.Symlink(victim, path)))
	}
	s, err := store.Open(options)
	check(t, err)
	if _, err := s.Abandon(); err != nil {
		t.Fatal(err)
	}
	for _, outcome := range []store.Outcome{store.Applied, store.RolledBack} {
		check(t, s.Prepare(wholeJournal(), &store.Generation{Running: named("a"), Persistent: named("a")}))
		check(t, s.Begin())
		check(t, s.Mark(store.Waiting, 0, 0))
		if outcome == store.Applied {
			check(t, s.Commit())
		} else {
			check(t, s.Fail(outcome, nil, 0))
		}
		check(t, s.Finish())
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "mine" {
		t.Errorf("the victim is %q, %v", text, err)
	}
	if info, err := os.Stat(victim); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the victim has mode %v, %v", info.Mode(), err)
	}
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// TestUnsafeDirectories are refused.
func TestUnsafeDirectories(t *testing.T) {
	for name, spoil := range map[string]func(options store.Options) error{
		"writable":             func(o store.Options) error { return os.Chmod(o.StateDir, 0o703) },
		"generations writable": func(o store.Options) error { return os.Chmod(filepath.Join(o.StateDir, "generations"), 0o702) },
		"generations elsewhere": func(o store.Options) error {
			from := filepath.Join(o.StateDir, "generations")
			to := o.StateDir + "-other"
			return errors.Join(os.Rename(from, to), os.Symlink(to, from))
		},
		"a file": func(o store.Options) error {
			return errors.Join(os.RemoveAll(o.StateDir), os.WriteFile(o.StateDir, nil, 0o600))
		},
	} {
		options := realPlay(t)
		check(t, spoil(options))
		if _, err := store.Open(options); err == nil {
			t.Errorf("%s: opened", name)
		} else if !isType[*store.UnsafeError](err) && name != "a file" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestOwnGroup may write to the directory: a umask of 002 is common.
func TestOwnGroup(t *testing.T) {
	options := realPlay(t)
	check(t, errors.Join(os.Chown(options.StateDir, -1, os.Getegid()), os.Chmod(options.StateDir, 0o770)))
	if _, err := store.Open(options); err != nil {
		t.Error(err)
	}
}

// TestStateDirElsewhere lets the administrator link the state directory itself.
func TestStateDirElsewhere(t *testing.T) {
	options := realPlay(t)
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(options.StateDir, link))
	options.StateDir = link
	s, err := store.Open(options)
	check(t, err)
	if _, err := s.Abandon(); err != nil {
		t.Error(err)
	}
	g, _, err := s.Newest()
	if err != nil || nameOf(g) != "one" {
		t.Errorf("%v, %v", g, err)
	}
}

// TestNoFile reads none of what is no file, without waiting for it.
func TestNoFile(t *testing.T) {
	dir := t.TempDir()
	check(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	check(t, os.Symlink("pipe", filepath.Join(dir, "link")))
	check(t, os.Mkdir(filepath.Join(dir, "dir"), 0o700))
	for _, name := range []string{"pipe", "link", "dir"} {
		if _, err := (store.OS{}).ReadFile(filepath.Join(dir, name)); !errors.Is(err, store.ErrNoFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnreadable opens a store that the caller may not read, and says so when
// it is read.
func TestUnreadable(t *testing.T) {
	disk := newDisk()
	p := newPlay(t, disk, "boot")
	p.change("one", course{})
	disk.Inject(deny)
	s := openStore(t, disk, "boot")
	if _, _, err := s.Newest(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("newest: %v", err)
	}
	if _, err := s.Pending(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("pending: %v", err)
	}
	if _, _, err := s.History(); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("history: %v", err)
	}
}
