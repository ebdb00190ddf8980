package tests

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/lab"
	"holdfast/server"
)

// daemonHost is a host where the daemon runs, and the program where everybody
// may run it.
type daemonHost struct {
	dir, program string
	daemon       *process
}

// holdfastGroup is the number of the group holdfast on the host.
const holdfastGroup = "4711"

func newDaemonHost(t *testing.T) *daemonHost {
	t.Helper()
	path := rightsHost(t)
	group := filepath.Join(t.TempDir(), "group")
	if err := os.WriteFile(group, []byte("root:x:0:\n"+server.Group+":x:"+holdfastGroup+":\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(group, "/etc/group", "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/etc/group", unix.MNT_DETACH) })
	dir := filepath.Join(filepath.Dir(path), t.Name()) // where everybody may go
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	h := &daemonHost{dir: dir, program: path}
	h.start(t)
	return h
}

// flags are those that find the host's directories.
func (h *daemonHost) flags(args ...string) []string {
	return append([]string{"--run-dir", h.dir + "/run", "--state-dir", h.dir + "/state"}, args...)
}

// start starts the daemon, and waits until it is ready.
func (h *daemonHost) start(t *testing.T) {
	t.Helper()
	h.daemon = startProgram(t, nil, h.flags("daemon", "--config", h.dir+"/none.yaml")...)
	lab.Await(t, "the daemon is ready", 0, func() bool { return strings.Contains(h.daemon.err.String(), "msg=ready") })
}

// ask runs a command as root, or as another user with the words of setpriv(1),
// and wants its exit code; what it says is returned.
func (h *daemonHost) ask(t *testing.T, want int, privileges []string, args ...string) string {
	t.Helper()
	p := startProgram(t, func(c *exec.Cmd) {
		c.Path, c.Args, c.Dir = h.program, append([]string{h.program}, h.flags(args...)...), "/"
		if privileges != nil {
			c.Path, c.Args = "/usr/bin/setpriv", append(append([]string{"setpriv"}, privileges...), c.Args...)
		}
	})
	p.code(t, want)
	return p.out.String() + p.err.String()
}

// The users beside root.
var (
	stranger = []string{"--reuid=65534", "--regid=65534", "--clear-groups"}
	member   = []string{"--reuid=65534", "--regid=65534", "--groups=" + holdfastGroup}
)

func contain(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("no %q in\n%s", word, text)
		}
	}
}

// TestDaemonUsers lets root, a member of the group and a stranger ask.
func TestDaemonUsers(t *testing.T) {
	lab.Require(t)
	h := newDaemonHost(t)
	change := documentFile(t, "interfaces:\n- {name: br9, type: linux-bridge, bridge: {port: []}}\n")
	if err := os.Chmod(filepath.Dir(change), 0o755); err != nil {
		t.Fatal(err)
	}
	readable := h.dir + "/change.yml"
	copyFile(t, change, readable)
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	contain(t, h.ask(t, 1, stranger, "apply", readable), "may read and not change the network", "nothing was changed")
	contain(t, h.ask(t, 2, stranger, "plan", readable), "br9")
	if text := h.ask(t, 0, stranger, "show", "bond0"); strings.Contains(text, "ad_actor_sys_prio") {
		t.Errorf("a stranger sees what the kernel hides from them:\n%s", text)
	}
	contain(t, h.ask(t, 0, member, "show", "bond0"), "ad_actor_sys_prio: 77")
	contain(t, h.ask(t, 0, member, "apply", readable), "Applied:")
	contain(t, h.ask(t, 0, nil, "history"), "br9 made", "api unix")
	contain(t, h.ask(t, 0, stranger, "diff"), "No difference")
	if here, there := h.ask(t, 0, nil, "show", "--standalone"), h.ask(t, 0, nil, "show"); here != there {
		t.Errorf("in this process:\n%s\nby the daemon:\n%s", here, there)
	}
	contain(t, h.ask(t, 0, nil, "show", "--tree"), "br9")
	contain(t, h.ask(t, 0, member, "unpersist", "br9"), "temporary")
	contain(t, h.ask(t, 0, nil, "show", "-o", "table"), "temporary")
}

// TestDaemonPending kills the daemon, and ends it, while a change waits to be
// confirmed: the next one takes it up.
func TestDaemonPending(t *testing.T) {
	lab.Require(t)
	h := newDaemonHost(t)
	change := func(mtu string) string {
		return documentFile(t, "interfaces:\n- {name: p3, mtu: "+mtu+"}\n")
	}
	mtu := func(want string) {
		t.Helper()
		contain(t, lab.IP(t, "link show dev p3"), "mtu "+want+" ")
	}
	contain(t, h.ask(t, 0, nil, "apply", "--confirm", "1h", change("1400")), "Pending:")
	mtu("1400")
	if err := h.daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-h.daemon.ended
	h.start(t)
	lab.Await(t, "the change is confirmed", 0, func() bool {
		p := startProgram(t, nil, h.flags("confirm")...)
		<-p.ended
		return p.ProcessState.ExitCode() == 0
	})
	mtu("1400")
	contain(t, h.ask(t, 0, nil, "history"), "applied")

	contain(t, h.ask(t, 0, nil, "apply", "--confirm", "1h", change("1300")), "Pending:")
	if err := h.daemon.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.daemon.code(t, 0)
	mtu("1300")
	contain(t, h.ask(t, 0, nil, "rollback"), "Rolled back:") // without a daemon
	mtu("1400")

	h.start(t)
	contain(t, h.ask(t, 0, nil, "apply", "--confirm", "20s", change("1290")), "Pending:")
	if err := h.daemon.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-h.daemon.ended
	h.start(t)
	lab.Await(t, "the time to confirm has passed", 0, func() bool {
		text, err := lab.Try("ip", "link", "show", "dev", "p3")
		return err == nil && strings.Contains(text, "mtu 1400 ")
	})
}

// TestDaemonInterrupt interrupts an apply by the daemon half-way.
func TestDaemonInterrupt(t *testing.T) {
	lab.Require(t)
	h := newDaemonHost(t)
	file := documentFile(t, `
interfaces:
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: true, forward-delay: 30}}, port: [{name: p3}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}
`)
	p := startProgram(t, nil, h.flags("apply", file)...)
	awaitTentative(t, p)
	if err := p.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.code(t, 3)
	contain(t, p.err.String(), "rolled back:")
	if text, err := lab.Try("ip", "link", "show", "dev", "br0"); err == nil {
		t.Errorf("br0 is still there: %s", text)
	}
}

// TestDaemonActivated gives the daemon its socket, as systemd does.
func TestDaemonActivated(t *testing.T) {
	lab.Require(t)
	dir := t.TempDir()
	socket, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "given.sock"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	file, err := socket.File()
	if err != nil {
		t.Fatal(err)
	}
	socket.SetUnlinkOnClose(false)
	_ = socket.Close()
	d := startProgram(t, func(c *exec.Cmd) {
		c.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@"`, c.Path}, c.Args[1:]...)
		c.Path, c.ExtraFiles = "/bin/sh", []*os.File{file}
	}, "daemon", "--config", dir+"/none.yaml")
	_ = file.Close()
	p := startProgram(t, nil, "show", "lo", "--socket", filepath.Join(dir, "given.sock"))
	p.code(t, 0)
	contain(t, p.out.String(), "127.0.0.1")
	if err := d.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	d.code(t, 0)
	if _, err := os.Stat(filepath.Join(dir, "given.sock")); err != nil {
		t.Errorf("the socket is systemd's to remove: %v", err)
	}
}
