package tests

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"holdfast/cli"
)

var update = flag.Bool("update", false, "rewrite what the scripts expect")

// program is the name under which this binary is the command line.
const program = "holdfast"

// namespaceMark is set in a process that has a network namespace of its own.
const namespaceMark = "HOLDFAST_TEST_NAMESPACE"

// directories is set for scripts: the program keeps what it has to below this
// directory, unless it is told where.
const directories = "HOLDFAST_TEST_DIRECTORIES"

func TestMain(m *testing.M) {
	if role := os.Getenv(crashRole); role != "" {
		os.Exit(crashMain(role))
	}
	if filepath.Base(os.Args[0]) == program {
		if dir := os.Getenv(directories); dir != "" && !slices.Contains(os.Args, "--state-dir") {
			os.Args = slices.Insert(os.Args, 1, "--run-dir", dir+"/run", "--state-dir", dir+"/state")
		}
		os.Exit(cli.Main())
	}
	os.Exit(m.Run())
}

// TestCLI runs the scripts in testdata/cli: the command line as scripts and
// people use it, in a network namespace of its own.
func TestCLI(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	scripts(t, "testdata/cli")
}

// inNamespace tells whether this process is in a network namespace of its own.
// Where it is not, it runs the test again in a process that is, and passes on
// what came of it.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceMark) != "" {
		return true
	}
	pattern := "^" + regexp.QuoteMeta(t.Name()) + "$"
	if _, sub, ok := strings.Cut(flag.Lookup("test.run").Value.String(), "/"); ok {
		pattern += "/" + sub
	}
	args := []string{"-test.run=" + pattern, "-test.parallel=1", /* the scripts share one namespace and its lock */
		"-test.v=" + strconv.FormatBool(testing.Verbose()), fmt.Sprintf("-update=%t", *update)}
	child := exec.Command(os.Args[0], args...)
	child.Env = append(os.Environ(), namespaceMark+"=1")
	child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Getuid() != 0 {
		child.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		child.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		child.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	output, err := child.CombinedOutput()
	switch {
	case errors.Is(err, syscall.EPERM):
		t.Skip("this machine does not let this user make a network namespace")
	case err != nil:
		t.Errorf("in a network namespace of its own: %v\n%s", err, output)
	default:
		t.Logf("in a network namespace of its own:\n%s", output)
	}
	return false
}

// scripts runs the scripts of a folder.
func scripts(t *testing.T, dir string) {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, program)); err != nil {
		t.Fatal(err)
	}
	buildWires(t)
	before := settledPicture(t)
	testscript.Run(t, testscript.Params{
		Dir:           dir,
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", bin+":/usr/sbin:/sbin:"+os.Getenv("PATH"))
			env.Setenv("NO_COLOR", "")
			env.Setenv(directories, env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": code,
			"unchanged": func(ts *testscript.TestScript, _ bool, _ []string) {
				after, err := hostPicture()
				ts.Check(err)
				if diff := cmp.Diff(strings.Split(before, "\n"), strings.Split(after, "\n")); diff != "" {
					ts.Fatalf("the host was changed (-before +after)\n%s", diff)
				}
			},
		},
	})
}

// code is the script command `code N COMMAND…`: the command must end with
// exit code N.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// wires is the host of the scripts: two NICs (as the kernel's pairs), and a
// bridge with an address and a port. No address is made by the kernel, so that
// nothing changes by itself.
const wires = `
link set lo up
link add eth0 address 52:54:00:00:00:10 type veth peer name far0 address 52:54:00:00:00:20
link add eth1 address 52:54:00:00:00:11 type veth peer name far1 address 52:54:00:00:00:21
link add br0 address 52:54:00:00:00:01 type bridge
link set eth0 addrgenmode none
link set eth1 addrgenmode none
link set far0 addrgenmode none
link set far1 addrgenmode none
link set br0 addrgenmode none
link set eth1 master br0
link set far0 up
link set far1 up
link set eth0 up
link set eth1 up
link set br0 up
addr add 192.0.2.10/24 dev eth0
addr add 198.51.100.10/24 dev br0
`

func buildWires(t *testing.T) {
	t.Helper()
	ip := exec.Command("ip", "-batch", "-")
	ip.Stdin = strings.NewReader(wires)
	if output, err := ip.CombinedOutput(); err != nil {
		t.Fatalf("ip -batch: %v\n%s", err, output)
	}
}

// settledPicture waits until the links are up, which the kernel says with a
// delay of a second at most, and nothing moves any more.
func settledPicture(t *testing.T) string {
	t.Helper()
	last := ""
	for limit := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		now, err := hostPicture()
		if err != nil {
			t.Fatal(err)
		}
		if now == last && strings.Count(now, `"operstate":"UP"`) == 10 { // five links, in ip link and in ip addr
			return now
		}
		last = now
		if time.Now().After(limit) {
			t.Fatalf("the links do not come up:\n%s", now)
		}
	}
}

// moving is what changes by itself in ip(8)'s JSON: timers.
var moving = regexp.MustCompile(`"[a-z_]*timer":[0-9.]+,?`)

// hostPicture is the host as ip(8) sees it.
func hostPicture() (string, error) {
	var all strings.Builder
	for _, args := range []string{"-d link", "addr", "route show table all", "-6 route show table all", "rule", "-6 rule"} {
		output, err := exec.Command("ip", append([]string{"-j"}, strings.Fields(args)...)...).Output()
		if err != nil {
			return "", fmt.Errorf("ip -j %s: %w", args, err)
		}
		all.WriteString(strings.ReplaceAll(moving.ReplaceAllString(string(output), ""), "},{", "},\n{"))
	}
	return all.String(), nil
}
