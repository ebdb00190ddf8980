package kernel

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/plan"
	"holdfast/state"
)

// wantSysctls compares net.ipv6.conf.d0.KEY. A value may name several that are
// fine: "2|3".
func wantSysctls(t *testing.T, want map[string]string) {
	t.Helper()
	for key, values := range want {
		b, err := os.ReadFile("/proc/sys/net/ipv6/conf/d0/" + key)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(b)); !slices.Contains(strings.Split(values, "|"), got) {
			t.Errorf("%s is %s, want %s", key, got, values)
		}
	}
}

// wantLinkLocal tells whether d0 must have an address of its own making.
func wantLinkLocal(t *testing.T, want bool) {
	t.Helper()
	if out := lab.IP(t, "-6 addr show dev d0"); strings.Contains(out, "fe80::") != want {
		t.Errorf("link-local address: want %t:\n%s", want, out)
	}
}

// ipStep makes a step of switches of d0.
func ipStep(v6 *state.IPv6, keys ...string) plan.Step {
	i := dummyLink("d0")
	i.IPv6 = v6
	return plan.Step{Verb: plan.ChangeIP, Object: "d0", Link: i, Keys: keys}
}

// enabled is a section with the stack on.
func enabled() *state.IPv6 { return &state.IPv6{IP: state.IP{Enabled: new(true)}} }

func TestSwitchIPv6(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	apply(t, e, steps(create(dummyLink("d0")), ipStep(nil, plan.KeyIPv6)))
	wantSysctls(t, map[string]string{"disable_ipv6": "1"})
	before := e.Writes()
	apply(t, e, steps(ipStep(nil, plan.KeyIPv6)))
	if e.Writes() != before {
		t.Error("a value that is there was written")
	}
	apply(t, e, steps(ipStep(enabled(), plan.KeyIPv6)))
	wantSysctls(t, map[string]string{"disable_ipv6": "0"})
	if n := e.Writes() - before; n != 1 {
		t.Errorf("%d writes, want 1", n)
	}
}

func TestQuietPort(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	apply(t, e, steps(create(dummyLink("d0")), ipStep(nil, plan.KeyQuiet), verb(plan.SetUp, "d0")))
	wantSysctls(t, map[string]string{"accept_ra": "0", "addr_gen_mode": "1"})
	wantLinkLocal(t, false)
	apply(t, e, steps(ipStep(nil, plan.KeyRestore)))
	wantSysctls(t, map[string]string{"accept_ra": "1", "addr_gen_mode": "0"})
	wantLinkLocal(t, true)
}

func TestAutoconfAndReset(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	off := enabled()
	off.Autoconf, off.AddrGenMode = new(false), new("stable-privacy")
	apply(t, e, steps(ipStep(off, plan.KeyAutoconf, plan.KeyAddrGenMode)))
	wantSysctls(t, map[string]string{"accept_ra": "0", "autoconf": "0", "addr_gen_mode": "2|3"})
	lab.Sysctl(t, "net/ipv6/conf/d0/dad_transmits", "7")
	apply(t, e, steps(ipStep(nil, plan.KeyReset)))
	wantSysctls(t, map[string]string{"accept_ra": "1", "autoconf": "1", "addr_gen_mode": "0", "dad_transmits": "1", "disable_ipv6": "0"})
}

func TestTokenAndForwarding(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 up type veth peer name d1") // a dummy has no neighbours, so no token
	forward := ipStep(&state.IPv6{Token: new("::53")}, plan.KeyToken, plan.KeyForwarding)
	forward.Link.IPv4 = &state.IPv4{Forwarding: new(true)}
	apply(t, e, steps(forward))
	if out := lab.Run(t, "ip", "token", "show", "dev", "d0"); !strings.Contains(out, "::53") {
		t.Errorf("token: %s", out)
	}
	if b, err := os.ReadFile("/proc/sys/net/ipv4/conf/d0/forwarding"); err != nil || strings.TrimSpace(string(b)) != "1" {
		t.Errorf("forwarding is %s, %v", b, err)
	}
}

func TestWithoutPrivilege(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	lab.IP(t, "link add d0 type dummy")
	fault := withoutCapability(t, func() error {
		return e.Apply(t.Context(), steps(verb(plan.SetUp, "d0")), nil)
	})
	if fault == nil || fault.Kind != engine.Permission || !strings.Contains(fault.Error(), "CAP_NET_ADMIN") {
		t.Errorf("fault %v", fault)
	}
	if e.Writes() != 0 {
		t.Errorf("%d writes", e.Writes())
	}
}

// withoutCapability runs do on a thread that lacks CAP_NET_ADMIN. The thread
// ends with it.
func withoutCapability(t *testing.T, do func() error) *engine.Error {
	t.Helper()
	result := make(chan error)
	go func() { result <- onBareThread(do) }()
	err := <-result
	var fault *engine.Error
	if err != nil && !errors.As(err, &fault) {
		t.Fatal(err)
	}
	return fault
}

func TestModuleFiles(t *testing.T) {
	dir := t.TempDir()
	deps := "kernel/drivers/net/bonding/bonding.ko.xz: kernel/net/tls/tls.ko.xz kernel/lib/crc.ko.xz\nkernel/net/tls/tls.ko.xz: kernel/lib/crc.ko.xz\nkernel/lib/crc.ko.xz:\n"
	if err := os.WriteFile(dir+"/modules.dep", []byte(deps), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/modules.builtin", []byte("kernel/net/8021q/8021q.ko\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := moduleFiles(dir, "bonding")
	if err != nil {
		t.Fatal(err)
	}
	want := dir + "/kernel/lib/crc.ko.xz " + dir + "/kernel/net/tls/tls.ko.xz " + dir + "/kernel/drivers/net/bonding/bonding.ko.xz"
	if got := strings.Join(files, " "); got != want {
		t.Errorf("files %s, want %s", got, want)
	}
	if !builtin(dir, "8021q") || builtin(dir, "bonding") {
		t.Error("wrong modules are built in")
	}
	if _, err := moduleFiles(dir, "nothing"); err == nil || !strings.Contains(err.Error(), `no module "nothing"`) {
		t.Errorf("error %v", err)
	}
}

func TestLoadBonding(t *testing.T) {
	lab.Require(t, lab.Root)
	// Networks of tests before may still be on their way out, with their bonds.
	lab.Await(t, "bonding is unloaded", 0, func() bool { return unix.DeleteModule("bonding", unix.O_NONBLOCK) == nil })
	e := openTest(t)
	apply(t, e, steps(create(bond("hf0", state.ActiveBackup, nil))))
	defer lab.IP(t, "link del hf0")
	if isThere("bond0") {
		t.Error("loading the module made a bond0")
	}
	expect(t, "hf0", map[string]any{"linkinfo.info_data.mode": "active-backup"})
}

func TestAnnouncements(t *testing.T) {
	lab.Require(t)
	far := lab.Namespace(t, "far")
	lab.IP(t, "link add v0 up type veth peer name v1 netns far")
	far.IP(t, "link set v1 up")
	lab.Await(t, "carrier", 0, func() bool { return strings.Contains(lab.IP(t, "link show v0"), "LOWER_UP") })
	e, err := Open(Options{})
	if err != nil {
		t.Fatal(err)
	}
	// The other side knows the addresses from somebody else.
	far.IP(t, "addr add 192.0.2.2/24 dev v1")
	far.IP(t, "addr add 2001:db8::2/64 dev v1 nodad")
	far.IP(t, "neigh add 192.0.2.1 lladdr 02:00:00:00:00:66 nud stale dev v1")
	far.IP(t, "neigh add 2001:db8::1 lladdr 02:00:00:00:00:66 nud stale dev v1")
	mac := look(t, "v0", "address").(string)
	add := func(cidr string) plan.Step { return addressStep("v0", cidr) }
	apply(t, e, levelled([]plan.Step{add("192.0.2.1/24"), add("2001:db8::1/64")}))
	for _, address := range []string{"192.0.2.1", "2001:db8::1"} {
		lab.Await(t, "the other side learns "+address, 0, func() bool {
			return strings.Contains(far.IP(t, "neigh show "+address), mac)
		})
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
}
