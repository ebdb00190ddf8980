package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/lab"
)

// rightsHost is a host with a bond that has secrets, and the program where
// everybody may run it.
func rightsHost(t *testing.T) (path string) {
	t.Helper()
	lab.Wire(t, lab.Wiring{NICs: nics})
	for _, line := range []string{
		"link add bond0 type bond mode 802.3ad miimon 100 ad_actor_sys_prio 77 ad_user_port_key 5",
		"link set p1 master bond0", "link set p2 master bond0", "link set bond0 up", "link set p3 up",
		"address add 192.0.2.1/24 dev p3",
	} {
		lab.IP(t, line)
	}
	calm(t)
	dir := "/run/rights"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, program)
	copyFile(t, self, path)
	return path
}

// as runs the program as the user nobody with some capabilities, such as
// "net_admin", and with directories of his own.
func as(t *testing.T, path, capabilities string, want int, args ...string) (out, stderr string) {
	t.Helper()
	runDir := filepath.Join(filepath.Dir(path), "nobody")
	if err := os.MkdirAll(runDir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(runDir, 0o777); err != nil {
		t.Fatal(err)
	}
	words := []string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}
	if capabilities == "" {
		words = append(words, "--bounding-set=-all", "--inh-caps=-all")
	} else {
		words = append(words, "--bounding-set=-all,+"+capabilities, "--inh-caps=-all,+"+capabilities, "--ambient-caps=-all,+"+capabilities)
	}
	words = append(append(words, path, "--run-dir", runDir, "--state-dir", filepath.Join(runDir, "state")), args...)
	p := startProgram(t, func(c *exec.Cmd) {
		c.Path = "/usr/bin/setpriv"
		c.Args = words
		c.Dir = "/"
	})
	p.code(t, want)
	return p.out.String(), p.err.String()
}

// readable writes a document to where everybody may read it.
func readable(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join("/run/rights", "document.yml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRightsShow: show needs no rights. What the kernel hides is left out, and
// is no difference to what root's show printed.
func TestRightsShow(t *testing.T) {
	lab.Require(t)
	path := rightsHost(t)
	roots, _ := runProgram(t, 0, "show", "bond0")
	nobodys, stderr := as(t, path, "", 0, "show", "bond0")
	if stderr != "" {
		t.Errorf("show says %q", stderr)
	}
	for _, hidden := range []string{"ad_actor_sys_prio", "ad_user_port_key"} {
		if !strings.Contains(roots, hidden) || strings.Contains(nobodys, hidden) {
			t.Errorf("%s: root sees\n%s\nnobody sees\n%s", hidden, roots, nobodys)
		}
	}
	for _, open := range []string{"lacp_rate", "mode: 802.3ad", "- p1", "- p2"} {
		if !strings.Contains(nobodys, open) {
			t.Errorf("nobody does not see %s:\n%s", open, nobodys)
		}
	}
	for _, flags := range []string{"-o table", "--tree", "-o json", "--running-config"} {
		as(t, path, "", 0, append([]string{"show"}, strings.Fields(flags)...)...)
	}
	as(t, path, "", 0, "plan", readable(t, nobodys))
	runProgram(t, 0, "plan", readable(t, nobodys))
	as(t, path, "", 2, "plan", readable(t, "interfaces: [{name: p3, mtu: 1400}]"))
	as(t, path, "", 2, "diff", readable(t, "interfaces: [{name: p3, mtu: 1400}]"))
}

// TestRightsApply: without the right to change the network apply says so in
// one error, and touches nothing.
func TestRightsApply(t *testing.T) {
	lab.Require(t)
	path := rightsHost(t)
	before := lab.Picture(t)
	change := readable(t, "interfaces: [{name: d0, type: dummy}, {name: p3, mtu: 1400, ipv4: {enabled: false}}]")
	_, stderr := as(t, path, "", 1, "apply", change)
	if strings.Count(stderr, "error:") != 1 || !strings.Contains(stderr, "CAP_NET_ADMIN") || strings.Count(stderr, "nothing was changed") != 1 {
		t.Errorf("apply says\n%s", stderr)
	}
	_, stderr = as(t, path, "", 1, "apply", "-o", "json", change)
	if !strings.Contains(stderr, `"kind":"permission"`) || !strings.Contains(stderr, `"outcome":"unchanged"`) {
		t.Errorf("apply says\n%s", stderr)
	}
	out, _ := as(t, path, "", 0, "apply", readable(t, "interfaces: [{name: d0, state: absent}]"))
	if !strings.Contains(out, "Nothing to do") {
		t.Errorf("apply says\n%s", out)
	}
	before.Same(t, 0)
}

// TestRightsNetAdmin: CAP_NET_ADMIN alone is enough for what is the network's.
// What belongs to root, a file, is a clear error, and everything is put back.
func TestRightsNetAdmin(t *testing.T) {
	lab.Require(t)
	path := rightsHost(t)
	text := `
interfaces:
- {name: v100, type: vlan, vlan: {base-iface: bond0, id: 100}}
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: v100}, {name: p4}]}
  ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}
- {name: p3, mtu: 1400}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: br0, next-hop-address: 198.51.100.254}]}
`
	as(t, path, "net_admin", 0, "apply", readable(t, text))
	wantAddresses(t, "br0", "inet", "198.51.100.1/24")
	wantAddresses(t, "br0", "inet6", "2001:db8:1::1/64")
	if links := readLinks(t); links["v100"].Master != "br0" || links["p4"].Master != "br0" || links["p3"].MTU != 1400 {
		t.Errorf("the host is not as asked for: %+v", links)
	}
	if off := sysctl(t, "net/ipv6/conf/v100/disable_ipv6"); off != "1" {
		t.Errorf("the port's disable_ipv6 is %s", off)
	}
	wantRoutes(t, "default via 198.51.100.254 dev br0 proto 72")
	as(t, path, "net_admin", 0, "plan", readable(t, text))

	before := lab.Picture(t)
	_, stderr := as(t, path, "net_admin", 3, "apply", readable(t, `
dns-resolver: {config: {server: [192.0.2.53]}}
interfaces: [{name: d0, type: dummy}]
`))
	if !strings.Contains(stderr, "permission denied") || !strings.Contains(stderr, "dns-resolver") {
		t.Errorf("apply says\n%s", stderr)
	}
	before.Same(t, 0)
	as(t, path, "net_admin", 0, "apply", readable(t, "interfaces: [{name: br0, state: absent}, {name: v100, state: absent}]"))
}
