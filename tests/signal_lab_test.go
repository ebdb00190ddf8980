package tests

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/lab"
	"holdfast/state"
)

// slowChange is a document whose apply takes long, and not by chance: it waits
// for duplicate detection on a bridge that is silent for twice the forward
// delay, in seconds.
func slowChange(delay int) string {
	return fmt.Sprintf(`
dns-resolver: {config: {server: [192.0.2.53]}}
hostname: {running: slow}
interfaces:
- {name: bond0, type: bond, mtu: 9000, link-aggregation: {mode: active-backup, port: [p1, p2]}}
- {name: v100, type: vlan, mtu: 1500, vlan: {base-iface: bond0, id: 100}}
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: true, forward-delay: %d}}, port: [{name: v100}, {name: p3}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}
routes: {config: [{destination: 203.0.113.0/24, next-hop-interface: br0, next-hop-address: 192.0.2.254}]}
`, delay)
}

// patient is a forward delay that no test outlives: apply is in the middle of
// its change whenever the test looks.
const patient = 30

// awaitTentative waits until the slow change waits for its address. On a
// machine that was held up for so long the change may have ended meanwhile.
func awaitTentative(t *testing.T, p *process) {
	t.Helper()
	lab.Await(t, "apply waits for duplicate detection", 0, func() bool {
		if !p.running() {
			t.Logf("apply has ended already")
			return true
		}
		text, err := lab.Try("ip", "-6", "-o", "address", "show", "dev", "br0", "tentative")
		return err == nil && strings.Contains(text, "2001:db8:1::1")
	})
}

// signalHost is a host with an address on a NIC that the slow change takes.
func signalHost(t *testing.T) {
	t.Helper()
	lab.Wire(t, lab.Wiring{NICs: nics})
	for _, nic := range nics {
		lab.IP(t, "link", "set", nic, "up")
	}
	lab.IP(t, "address add 192.0.2.1/24 dev p1")
	lab.IP(t, "-6 address add 2001:db8:1::1/64 dev p1 nodad")
	lab.IP(t, "route add default via 192.0.2.254")
	if err := os.WriteFile("/etc/resolv.conf", []byte("# by hand\nnameserver 198.51.100.53\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	calm(t)
}

// TestSignalRollsBack: SIGINT and SIGTERM in the middle of a change put
// everything back, and the exit code says so.
func TestSignalRollsBack(t *testing.T) {
	for _, s := range []syscall.Signal{unix.SIGINT, unix.SIGTERM} {
		t.Run(unix.SignalName(s), func(t *testing.T) {
			lab.Require(t)
			signalHost(t)
			before := lab.Picture(t)
			p := startProgram(t, nil, "apply", documentFile(t, slowChange(patient)))
			awaitTentative(t, p)
			if err := p.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			p.code(t, 3)
			before.Same(t, 0)
			if text := p.err.String(); !strings.Contains(text, s.String()) {
				t.Errorf("the signal is not told: %s", text)
			}
		})
	}
}

// TestSignalWhileApplying interrupts a change before its last step.
func TestSignalWhileApplying(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	before := lab.Picture(t)
	vlans := "interfaces:\n"
	for id := range 100 {
		vlans += fmt.Sprintf("- {name: v-%d, type: vlan, vlan: {base-iface: p4, id: %d}}\n", id, id+1)
	}
	p := startProgram(t, nil, "apply", documentFile(t, slowChange(patient)), documentFile(t, vlans))
	lab.Await(t, "the first VLAN is there", 0, func() bool {
		_, err := os.Stat("/sys/class/net/v-0")
		return err == nil || !p.running()
	})
	_ = p.Process.Signal(unix.SIGTERM)
	p.code(t, 3)
	before.Same(t, 0)
}

// completes checks that a change that has waited for its address went through
// to its end.
func completes(t *testing.T, p *process, text string) {
	t.Helper()
	p.code(t, 0)
	host := openHost(t)
	draft, err := host.Plan(t.Context(), parse(t, text), holdfast.PlanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !draft.Plan.Empty() {
		t.Errorf("the change is not complete: %+v", draft.Plan.Steps)
	}
	for _, i := range []string{"br0", "bond0", "v100"} {
		if _, found := readLinks(t)[i]; !found {
			t.Errorf("%s is not there", i)
		}
	}
}

// TestSignalChangesNothing: an ssh session that dies takes nothing with it: the
// terminal hangs up, and nobody reads what is said.
func TestSignalChangesNothing(t *testing.T) {
	text := slowChange(4)
	for _, s := range []syscall.Signal{unix.SIGHUP, unix.SIGPIPE} {
		t.Run(unix.SignalName(s), func(t *testing.T) {
			lab.Require(t)
			signalHost(t)
			p := startProgram(t, nil, "apply", documentFile(t, text))
			awaitTentative(t, p)
			for range 3 {
				_ = p.Process.Signal(s)
			}
			completes(t, p, text)
		})
	}
}

// TestSignalNobodyReads: the streams end, or were never open.
func TestSignalNobodyReads(t *testing.T) {
	text := slowChange(4)
	t.Run("nobody reads", func(t *testing.T) {
		lab.Require(t)
		signalHost(t)
		near, far, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p := startProgram(t, func(c *exec.Cmd) {
			c.Stdout, c.Stderr = far, far
			c.Env = append(os.Environ(), "HOLDFAST_LOG=debug") // so that it has much to say
		}, "apply", documentFile(t, text))
		_ = far.Close()
		awaitTentative(t, p)
		_ = near.Close()
		completes(t, p, text)
	})
	t.Run("streams are closed", func(t *testing.T) {
		lab.Require(t)
		signalHost(t)
		p := startProgram(t, func(c *exec.Cmd) {
			c.Args = append([]string{"sh", "-c", `exec "$@" <&- >&- 2>&-`, "sh", c.Path}, c.Args[1:]...)
			c.Path = "/bin/sh"
		}, "apply", documentFile(t, text))
		completes(t, p, text)
	})
}

// TestSignalTerminalGone: the terminal that the program runs on goes away.
func TestSignalTerminalGone(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	near, far := terminal(t)
	text := slowChange(4)
	p := startProgram(t, func(c *exec.Cmd) {
		c.Stdin, c.Stdout, c.Stderr = far, far, far
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	}, "apply", documentFile(t, text))
	_ = far.Close()
	awaitTentative(t, p)
	if err := near.Close(); err != nil {
		t.Fatal(err)
	}
	completes(t, p, text)
}

// terminal makes a pseudo terminal (pty(7)).
func terminal(t *testing.T) (near, far *os.File) {
	t.Helper()
	near, err := os.OpenFile("/dev/pts/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(int(near.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(near.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	far, err = os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return near, far
}

// parseOrError parses a document that may be wrong.
func parseOrError(text string) (*state.State, error) { return state.Parse("test", []byte(text)) }
