package machine_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"holdfast/lab/channel"
)

// command gives the lab's binary, which the Makefile names; without it the test is skipped: it boots machines.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	binary := os.Getenv("HOLDFAST_LAB_SELF_TEST")
	if binary == "" {
		t.Skip("boots labs: runs by `make lab-self-test` only")
	}
	c := exec.Command(binary, args...)
	c.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
	return c
}

// temporary is the folder that the command makes its temporary files in.
func temporary(c *exec.Cmd) string { return strings.TrimPrefix(c.Env[len(c.Env)-1], "TMPDIR=") }

func code(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(err)
	return 0
}

// mustBeClean sees that nothing of the command is left: no temporary file, and no QEMU that names its folder.
func mustBeClean(t *testing.T, c *exec.Cmd) {
	t.Helper()
	dir := temporary(c)
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
	if running(t, dir) {
		t.Error("QEMU is still there")
	}
}

// TestExitCodeAndOutput runs two at once: each has its own streams, exit code and standard input.
func TestExitCodeAndOutput(t *testing.T) {
	for i := range 2 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			c := command(t, "run", "--", "sh", "-c", `echo "out $HOLDFAST_LAB $(pwd)"; echo err >&2; exit $(cat)`)
			var stdout, stderr bytes.Buffer
			c.Stdin = strings.NewReader(strconv.Itoa(40 + i))
			c.Stdout, c.Stderr = &stdout, &stderr
			if got := code(t, c.Run()); got != 40+i {
				t.Errorf("exit code %d", got)
			}
			here, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			if stdout.String() != "out 1 "+here+"\n" || stderr.String() != "err\n" {
				t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
			}
			mustBeClean(t, c)
		})
	}
}

func TestTimeLimit(t *testing.T) {
	c := command(t, "run", "--timeout", "2s", "--", "sleep", "1000")
	if got := code(t, c.Run()); got != 124 {
		t.Errorf("exit code %d", got)
	}
	mustBeClean(t, c)
}

// begun starts a command in a lab that would go on for long, and waits for the output that comes before its end.
func begun(t *testing.T) *exec.Cmd {
	t.Helper()
	c := command(t, "run", "--", "sh", "-c", "echo begun; exec sleep 1000")
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	first := make([]byte, len("begun\n"))
	if _, err := io.ReadFull(output, first); err != nil || string(first) != "begun\n" {
		t.Errorf("output %q, %v", first, err)
	}
	return c
}

// TestInterruptAndLiveOutput interrupts a command whose output was there before its end.
func TestInterruptAndLiveOutput(t *testing.T) {
	c := begun(t)
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if got := code(t, c.Wait()); got != 130 {
		t.Errorf("exit code %d", got)
	}
	mustBeClean(t, c)
}

// TestKilled sees that QEMU ends with its starter, even when that had no chance to end it.
func TestKilled(t *testing.T) {
	c := begun(t)
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	for end := time.Now().Add(time.Minute); running(t, temporary(c)); {
		if time.Now().After(end) {
			t.Fatal("QEMU goes on without its starter")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// running tells whether there is a QEMU that has files in the folder.
func running(t *testing.T, dir string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		text, err := os.ReadFile(path)
		if err == nil && bytes.HasPrefix(text, []byte("qemu")) && bytes.Contains(text, []byte(dir)) {
			return true
		}
	}
	return false
}

// TestDiskOutlivesPowerCut writes to a disk, cuts the power, and reads it in the next machine. What is written to
// other files is gone, and was never written on this machine.
func TestDiskOutlivesPowerCut(t *testing.T) {
	disk := filepath.Join(t.TempDir(), "disk")
	elsewhere := filepath.Join(t.TempDir(), "file")
	binary := os.Getenv("HOLDFAST_LAB_SELF_TEST")
	c := command(t, "run", "--disk", disk, "--", "sh", "-c",
		"echo kept > /disk/a; sync; echo lost > "+elsewhere+"; "+binary+" power-cut")
	if got := code(t, c.Run()); got != 137 {
		t.Errorf("exit code %d", got)
	}
	output, err := command(t, "run", "--disk", disk, "--", "cat", "/disk/a").Output()
	if err != nil || string(output) != "kept\n" {
		t.Errorf("the disk has %q, %v", output, err)
	}
	if _, err := os.Stat(elsewhere); err == nil {
		t.Error("the lab has written a file of this machine")
	}
}

// TestFrames sends frames of every size class through a pipe.
func TestFrames(t *testing.T) {
	var wire bytes.Buffer
	conn := channel.New(&wire)
	sizes := []int{0, 1, 1 << 20, 1<<20 + 1}
	for i, size := range sizes {
		if err := conn.Send(channel.Stdout, uint32(i), make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
	got := make([]int, len(sizes))
	for wire.Len() > 0 {
		frame, err := conn.Receive()
		if err != nil {
			t.Fatal(err)
		}
		if frame.Kind != channel.Stdout {
			t.Errorf("kind %c", frame.Kind)
		}
		got[frame.Job] += len(frame.Payload)
	}
	for i, size := range sizes {
		if got[i] != size {
			t.Errorf("frame %d: %d bytes, want %d", i, got[i], size)
		}
	}
}
