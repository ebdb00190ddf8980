package tests

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/lab"
)

// hang is how long the program may take before it counts as hung: emulation
// is slow, and a change may wait for a spanning tree.
const hang = 10 * time.Minute

// buffer is a bytes.Buffer that may be read while it is written to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// process is the program, running.
type process struct {
	*exec.Cmd
	out, err buffer
	ended    chan struct{} // closed when it has ended
}

// programPath is a path under which this binary is the command line.
func programPath(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), program)
	if err := os.Symlink(self, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// document writes one to a file, and returns its path.
func documentFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "document.yml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// startProgram starts the program with a run directory of its own. It is
// killed when the test ends.
func startProgram(t *testing.T, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	args = append([]string{"--run-dir", t.TempDir(), "--state-dir", t.TempDir()}, args...)
	p := &process{Cmd: exec.Command(programPath(t), args...), ended: make(chan struct{})}
	p.Stdout, p.Stderr = &p.out, &p.err
	if prepare != nil {
		prepare(p.Cmd)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s%s", strings.Join(args, " "), p.out.String(), p.err.String())
		}
	})
	return p
}

// running tells whether the program has not ended yet.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// code waits for the program's end and checks its exit code.
func (p *process) code(t *testing.T, want int) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(hang):
		t.Fatalf("%s does not end:\n%s%s", p, p.out.String(), p.err.String())
	}
	if got := p.ProcessState.ExitCode(); got != want {
		t.Fatalf("%s: exit code %d (%v), want %d:\n%s%s", p, got, p.ProcessState, want, p.out.String(), p.err.String())
	}
}

// runProgram runs the program to its end.
func runProgram(t *testing.T, want int, args ...string) (out, stderr string) {
	t.Helper()
	p := startProgram(t, nil, args...)
	p.code(t, want)
	return p.out.String(), p.err.String()
}

// addressesOf lists a link's addresses of a family ("inet", "inet6") in the
// kernel's order, those that it made itself left out.
func addressesOf(t *testing.T, name, family string) string {
	t.Helper()
	var list []string
	for _, a := range readLinks(t)[name].Addresses {
		if a.Family != family || family == "inet6" && a.Scope == "link" {
			continue
		}
		word := prefix(a.Local, a.Length)
		if a.Secondary {
			word += " secondary"
		}
		list = append(list, word)
	}
	return strings.Join(list, ", ")
}

// wantAddresses checks addressesOf.
func wantAddresses(t *testing.T, name, family, want string) {
	t.Helper()
	if got := addressesOf(t, name, family); got != want {
		t.Errorf("%s: %s addresses %q, want %q", name, family, got, want)
	}
}

// wantRoutes checks that each route is there, written as ip-route(8) does, as
// far as it is given.
func wantRoutes(t *testing.T, routes ...string) {
	t.Helper()
	text := lab.IP(t, "-4 route show table all") + lab.IP(t, "-6 route show table all")
	for _, want := range routes {
		if !strings.Contains("\n"+text, "\n"+want+" ") {
			t.Errorf("the route %q is not there:\n%s", want, text)
		}
	}
}

// sysctl reads a sysctl, named with slashes.
func sysctl(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("/proc/sys", name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// copyFile copies a program to where everybody may run it.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	source, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(target, source)
	if err := errors.Join(err, target.Close()); err != nil {
		t.Fatal(err)
	}
}
