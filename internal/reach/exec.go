package reach

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Program is one of the administrator's own probes.
type Program struct {
	// Folder is where they are; it and all above it must be as the program is.
	Folder string
	// Name is that of the file, not a path.
	Name string
}

// maxOutput is how much is kept of what a program says; graceful is how long
// one that was killed may keep its output open.
const (
	maxOutput = 4 << 10
	graceful  = time.Second
)

// Exec runs a program and wants it to end with exit code 0. Only regular files
// are run that nobody but root can change: they and every folder above belong to
// root and are not writable for group or others, where a folder with the sticky
// bit will do. The program gets a clean environment, / as its folder, no input,
// and is killed with its children when the context ends.
func Exec(ctx context.Context, p Program) error { return execOwned(ctx, p, 0) }

// execOwned is Exec for files of that owner.
func execOwned(ctx context.Context, p Program, owner uint32) error {
	path, err := p.path(owner)
	if err != nil {
		return err
	}
	said := &tail{}
	command := exec.CommandContext(ctx, path)
	command.Dir = "/"
	command.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", "HOLDFAST_PROBE=" + p.Name}
	command.Stdout, command.Stderr = said, said
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
	command.WaitDelay = graceful
	err = command.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it ended well, but left children that hold its output
		_ = command.Cancel()
		return nil
	}
	return execError(ctx, err, said)
}

// path is the program's, when nobody but the owner can change what it means.
func (p Program) path(owner uint32) (string, error) {
	if p.Name == "" || p.Name != filepath.Base(p.Name) || p.Name == "." || p.Name == ".." {
		return "", permanent{"not the name of a file: " + p.Name}
	}
	folder, err := filepath.EvalSymlinks(p.Folder)
	if err != nil || !filepath.IsAbs(folder) {
		return "", permanent{"there is no probe folder " + p.Folder}
	}
	for at := folder; ; at = filepath.Dir(at) {
		if err := checkFolder(at, owner); err != nil {
			return "", err
		}
		if at == "/" {
			break
		}
	}
	path := filepath.Join(folder, p.Name)
	return path, checkProgram(path, owner)
}

// checkFolder refuses a folder in which others could put another file in the
// program's place. root may own what lies above the owner's folders.
func checkFolder(path string, owner uint32) error {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return permanent{path + ": " + err.Error()}
	}
	if st.Uid != owner && st.Uid != 0 {
		return permanent{path + " does not belong to root"}
	}
	if st.Mode&0o022 != 0 && st.Mode&unix.S_ISVTX == 0 {
		return permanent{fmt.Sprintf("%s can be written by others than root (mode %04o)", path, st.Mode&0o7777)}
	}
	return nil
}

// checkProgram refuses what is not a program, or not root's alone.
func checkProgram(path string, owner uint32) error {
	var st unix.Stat_t
	switch err := unix.Lstat(path, &st); {
	case errors.Is(err, unix.ENOENT):
		return permanent{"there is no program " + path}
	case err != nil:
		return permanent{path + ": " + err.Error()}
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return permanent{path + " is not a regular file"}
	case st.Uid != owner:
		return permanent{path + " does not belong to root"}
	case st.Mode&0o022 != 0:
		return permanent{fmt.Sprintf("%s can be written by others than root (mode %04o)", path, st.Mode&0o7777)}
	case st.Mode&0o111 == 0:
		return permanent{fmt.Sprintf("%s is not executable (mode %04o)", path, st.Mode&0o7777)}
	}
	return nil
}

// execError says how a program ended, with the last line that it said.
func execError(ctx context.Context, err error, said *tail) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return silent{"not done"}
	}
	e, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		if e, ok := errors.AsType[*os.PathError](err); ok {
			err = e.Err
		}
		return errors.New("run it: " + err.Error())
	}
	if status, ok := e.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return errors.New("ended by signal " + status.Signal().String() + said.quoted())
	}
	return fmt.Errorf("exit code %d%s", e.ExitCode(), said.quoted())
}

// tail keeps the end of what is written to it.
type tail struct{ kept []byte }

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.kept = append(t.kept, p...)
	if len(t.kept) > 2*maxOutput {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-maxOutput:]...)
	}
	return len(p), nil
}

// quoted is the last line, behind a colon, or nothing.
func (t *tail) quoted() string {
	line := bytes.TrimSpace(t.kept)
	if i := bytes.LastIndexByte(line, '\n'); i >= 0 {
		line = line[i+1:]
	}
	text := strings.TrimSpace(string(line))
	if text == "" {
		return ""
	}
	return ": " + text
}
