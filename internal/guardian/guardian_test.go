package guardian_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/internal/guardian"
)

// role tells the test's program that it is run by a test: as the guardian,
// which writes what it learned into a file, or as the process that it watches.
const role = "HOLDFAST_TEST_GUARDIAN"

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(role) == "":
		os.Exit(m.Run())
	case os.Args[len(os.Args)-1] == "guard":
		killed, err := guardian.Watch()
		session, _ := unix.Getsid(0)
		_ = os.WriteFile(os.Getenv(role), fmt.Appendf(nil, "killed %v error %v leader %v", killed, err, session == os.Getpid()), 0o600)
	default:
		g, err := guardian.Start("guard")
		if err != nil {
			panic(err)
		}
		if os.Args[len(os.Args)-1] == "done" {
			g.Dismiss()
			g.Dismiss()
			return
		}
		fmt.Println("ready")
		select {}
	}
}

func run(t *testing.T, args ...string) (*exec.Cmd, string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "learned")
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), role+"="+file)
	return cmd, file
}

// learned waits for what the guardian wrote.
func learned(t *testing.T, file string) string {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "leader") {
			return string(text)
		}
	}
	t.Fatal("the guardian wrote nothing")
	return ""
}

func TestDone(t *testing.T) {
	cmd, file := run(t, "done")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if got := learned(t, file); got != "killed false error <nil> leader true" {
		t.Error(got)
	}
}

func TestKilled(t *testing.T) {
	cmd, file := run(t, "wait")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("the guardian ended while the process lived")
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if got := learned(t, file); got != "killed true error <nil> leader true" {
		t.Error(got)
	}
}

func TestAlone(t *testing.T) {
	cmd, file := run(t, "guard")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	if got := learned(t, file); !strings.Contains(got, "started by holdfast itself") {
		t.Error(got)
	}
}
