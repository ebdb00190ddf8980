package tests

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/lab"
)

// kept are the directories that several runs of the program share.
type kept struct{ run, state string }

func newKept(t *testing.T) *kept {
	t.Helper()
	return &kept{run: t.TempDir(), state: t.TempDir()}
}

// boot gives an empty run directory, as another start of the host does.
func (k *kept) boot(t *testing.T) {
	t.Helper()
	k.run = t.TempDir()
}

// start starts the program with the directories.
func (k *kept) start(t *testing.T, prepare func(*exec.Cmd), args ...string) *process {
	t.Helper()
	return startProgram(t, prepare, append([]string{"--run-dir", k.run, "--state-dir", k.state}, args...)...)
}

// program runs the program with the directories to its end.
func (k *kept) program(t *testing.T, want int, args ...string) (out, stderr string) {
	t.Helper()
	p := k.start(t, nil, args...)
	p.code(t, want)
	return p.out.String(), p.err.String()
}

// uplink is a change that moves the address of the signals' host onto a bridge.
const uplink = `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [p1, p2]}}
- {name: v100, type: vlan, vlan: {base-iface: bond0, id: 100}}
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: v100}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
- {name: p1, type: veth, ipv4: {enabled: false}, ipv6: {enabled: false}}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: br0, next-hop-address: 192.0.2.254}]}
`

// awaitPending waits until the change of a process waits to be confirmed.
func (k *kept) awaitPending(t *testing.T, p *process) {
	t.Helper()
	lab.Await(t, "the change waits to be confirmed", hang, func() bool {
		if !p.running() {
			t.Fatalf("it has ended:\n%s%s", p.out.String(), p.err.String())
		}
		_, stderr := k.program(t, 0, "history")
		return strings.Contains(stderr, "to be confirmed")
	})
	wantAddresses(t, "br0", "inet", "192.0.2.1/24")
}

// says checks that a text tells something.
func says(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not told in:\n%s", want, text)
		}
	}
}

// settled checks that nothing is pending, and that the host is what history
// says.
func (k *kept) settled(t *testing.T) {
	t.Helper()
	if _, stderr := k.program(t, 0, "history"); stderr != "" {
		t.Errorf("history says %s", stderr)
	}
	k.program(t, 0, "diff")
}

// TestConfirm keeps a change by the word of another process, and refuses others
// meanwhile.
func TestConfirm(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	k := newKept(t)
	p := k.start(t, nil, "apply", "--confirm", "1h", documentFile(t, uplink))
	k.awaitPending(t, p)
	_, stderr := k.program(t, 1, "apply", documentFile(t, "interfaces: [{name: p3, type: veth, mtu: 1400}]"))
	says(t, stderr, "is being changed by", ", apply, for ", "pending: generation 1", "`holdfast confirm` keeps it", "nothing was changed")
	_, stderr = k.program(t, 1, "confirm", "another")
	says(t, stderr, `there is no pending transaction "another"`)
	out, _ := k.program(t, 0, "confirm")
	says(t, out, "Confirmed: the change is kept (generation 1, transaction")
	p.code(t, 0)
	says(t, p.out.String(), "confirmed after", "generation 1")
	wantAddresses(t, "br0", "inet", "192.0.2.1/24")
	k.settled(t)
	_, stderr = k.program(t, 1, "rollback")
	says(t, stderr, "no change is pending")
}

// TestConfirmUndone takes a change back: by the word of another process, by the
// clock, and by an interrupt from the terminal.
func TestConfirmUndone(t *testing.T) {
	t.Run("another process", func(t *testing.T) {
		lab.Require(t)
		signalHost(t)
		before := lab.Picture(t)
		k := newKept(t)
		p := k.start(t, nil, "apply", "--confirm", "1h", documentFile(t, uplink))
		k.awaitPending(t, p)
		out, _ := k.program(t, 0, "rollback")
		says(t, out, "Rolled back: the host is as it was before (generation 1, transaction")
		p.code(t, 3)
		says(t, p.err.String(), "asked for the rollback", "rolled back: the host is as it was before")
		before.Same(t, 0)
		out, stderr := k.program(t, 0, "history")
		says(t, out, "rolled-back")
		if stderr != "" {
			t.Errorf("history says %s", stderr)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		lab.Require(t)
		signalHost(t)
		before := lab.Picture(t)
		k := newKept(t)
		_, stderr := k.program(t, 3, "apply", "--confirm", "45s", documentFile(t, uplink))
		says(t, stderr, "not confirmed within 45s", "rolled back: the host is as it was before")
		before.Same(t, 0)
	})
	t.Run("interrupt", func(t *testing.T) {
		lab.Require(t)
		signalHost(t)
		before := lab.Picture(t)
		k := newKept(t)
		near, far := terminal(t)
		defer near.Close()
		p := k.start(t, func(c *exec.Cmd) {
			c.Stdin = far
			c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		}, "apply", "--confirm", "1h", documentFile(t, uplink))
		k.awaitPending(t, p)
		if err := p.Process.Signal(unix.SIGINT); err != nil {
			t.Fatal(err)
		}
		p.code(t, 3)
		says(t, p.err.String(), "Ctrl-C undoes it", "going back to where the host was")
		before.Same(t, 0)
	})
}

// TestConfirmTerminalGone lets a change wait on when the terminal that it was
// asked for from goes away, whatever signals that sends.
func TestConfirmTerminalGone(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	k := newKept(t)
	near, far := terminal(t)
	p := k.start(t, func(c *exec.Cmd) {
		c.Stdin = far
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}, "apply", "--confirm", "1h", documentFile(t, uplink))
	_ = far.Close()
	k.awaitPending(t, p)
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	_ = p.Process.Signal(unix.SIGHUP)
	if err := p.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	lab.Await(t, "the signal is told", 0, func() bool {
		return strings.Contains(p.err.String(), "the change goes on waiting to be confirmed") || !p.running()
	})
	k.program(t, 0, "confirm")
	p.code(t, 0)
	k.settled(t)
}

// TestReturn goes back to an earlier generation, and forth again.
func TestReturn(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	k := newKept(t)
	k.program(t, 0, "apply", documentFile(t, uplink))
	k.program(t, 0, "apply", documentFile(t, `
interfaces:
- {name: bond0, mtu: 9000}
- {name: v200, type: vlan, vlan: {base-iface: bond0, id: 200}}
- {name: br0, ipv4: {enabled: true, address: [{ip: 192.0.2.2, prefix-length: 24}]}}
- {name: v100, mtu: 1500}
`))
	out, _ := k.program(t, 2, "history", "diff", "1", "2")
	says(t, out, "192.0.2.1/24", "192.0.2.2/24", "v200", "absent")
	out, _ = k.program(t, 0, "rollback", "--to", "1")
	says(t, out, "Applied:", "generation 3")
	wantAddresses(t, "br0", "inet", "192.0.2.1/24")
	wantRoutes(t, "default via 192.0.2.254 dev br0")
	if _, there := readLinks(t)["v200"]; there {
		t.Error("v200 is still there")
	}
	k.settled(t)
	k.program(t, 0, "history", "diff", "1", "3")
	k.program(t, 0, "rollback", "--to", "2")
	wantAddresses(t, "br0", "inet", "192.0.2.2/24")
	k.settled(t)
}
