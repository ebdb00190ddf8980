package reach

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// probeFolder is a folder with programs, by their names.
func probeFolder(t *testing.T, programs map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	chmod(t, folder, 0o755)
	for name, text := range programs {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		chmod(t, path, 0o755)
	}
	return folder
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// run is Exec as if the tests' user were root.
func run(t *testing.T, limit time.Duration, folder, name string) error {
	t.Helper()
	return execOwned(within(t, limit), Program{Folder: folder, Name: name}, uint32(os.Getuid()))
}

func TestExec(t *testing.T) {
	folder := probeFolder(t, map[string]string{
		"good":     "echo fine",
		"bad":      "echo first; echo the storage is gone >&2; exit 3",
		"silent":   "exit 1",
		"killed":   "kill -TERM $$",
		"noisy":    "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 9",
		"clean":    `test "$(env | grep -v '^_=\|^PWD=\|^SHLVL=\|^OLDPWD=' | cut -d= -f1 | sort | tr '\n' ' ')" = "HOLDFAST_PROBE LANG PATH " && test "$(pwd)" = / && test -z "$(cat)"`,
		"children": "sleep 1000 & exit 0",
	})
	t.Setenv("HOLDFAST_SECRET", "x")
	for name, want := range map[string]string{
		"good":     "",
		"bad":      "exit code 3: the storage is gone",
		"silent":   "exit code 1",
		"killed":   "ended by signal terminated",
		"noisy":    "exit code 9: line 2999",
		"clean":    "",
		"children": "",
	} {
		t.Run(name, func(t *testing.T) { check(t, run(t, patience, folder, name), want) })
	}
}

// TestExecLate holds that a program that takes too long is ended with its
// children: they keep a pipe open until then.
func TestExecLate(t *testing.T) {
	alive := filepath.Join(t.TempDir(), "alive")
	if err := unix.Mkfifo(alive, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe, err := os.OpenFile(alive, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pipe.Close() }()
	folder := probeFolder(t, map[string]string{"slow": "exec 3>" + alive + "; sleep 1000 & sleep 1000"})
	check(t, run(t, time.Second, folder, "slow"), "late: not done")
	if err := pipe.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := pipe.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("children live on: read %d, %v", n, err)
	}
}

func TestExecRefuses(t *testing.T) {
	folder := probeFolder(t, map[string]string{"group": "", "others": "", "plain": "", "target": ""})
	chmod(t, filepath.Join(folder, "group"), 0o775)
	chmod(t, filepath.Join(folder, "others"), 0o757)
	chmod(t, filepath.Join(folder, "plain"), 0o644)
	if err := errors.Join(os.Symlink("target", filepath.Join(folder, "link")), os.Mkdir(filepath.Join(folder, "folder"), 0o755)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"group":    "FOLDER/group can be written by others than root (mode 0775)",
		"others":   "FOLDER/others can be written by others than root (mode 0757)",
		"plain":    "FOLDER/plain is not executable (mode 0644)",
		"link":     "FOLDER/link is not a regular file",
		"folder":   "FOLDER/folder is not a regular file",
		"missing":  "there is no program FOLDER/missing",
		"../group": "not the name of a file: ../group",
		"..":       "not the name of a file: ..",
		"":         "not the name of a file: ",
	} {
		t.Run(name, func(t *testing.T) {
			err := run(t, patience, folder, name)
			check(t, err, strings.ReplaceAll(want, "FOLDER", folder))
			var p interface{ Permanent() bool }
			if !errors.As(err, &p) || !p.Permanent() {
				t.Errorf("%v is worth another try", err)
			}
		})
	}
	t.Run("open folder", func(t *testing.T) {
		open := probeFolder(t, map[string]string{"good": ""})
		chmod(t, open, 0o777)
		check(t, run(t, patience, open, "good"), open+" can be written by others than root (mode 0777)")
		chmod(t, open, 0o777|os.ModeSticky)
		check(t, run(t, patience, open, "good"), "")
	})
	t.Run("no folder", func(t *testing.T) {
		check(t, run(t, patience, "/nothing/here", "good"), "there is no probe folder /nothing/here")
	})
	t.Run("somebody else's", func(t *testing.T) {
		err := execOwned(within(t, patience), Program{Folder: folder, Name: "target"}, uint32(os.Getuid())+1)
		if err == nil || !strings.HasSuffix(err.Error(), " does not belong to root") {
			t.Errorf("error %v", err)
		}
	})
}
