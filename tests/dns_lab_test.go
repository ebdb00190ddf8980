package tests

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast"
	"holdfast/engine"
	"holdfast/lab"
)

// names is a change of the resolver and the host name together with a link.
const namesChange = `
dns-resolver: {config: {server: [192.0.2.53, "2001:db8::53"], search: [a.example, b.example]}}
hostname: {running: renamed, config: renamed}
interfaces: [{name: d0, type: dummy, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]
`

// write writes a file, and the folders above it; a text that begins with "->"
// makes a symbolic link.
func writeFile(t *testing.T, path, text string) {
	t.Helper()
	_ = os.Remove(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	target, link := strings.CutPrefix(text, "->")
	err := error(nil)
	if link {
		err = os.Symlink(target, path)
	} else {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantFile checks a file's content.
func wantFile(t *testing.T, path, want string) {
	t.Helper()
	if text, err := os.ReadFile(path); err != nil || string(text) != want {
		t.Errorf("%s: %q, %v, want %q", path, text, err, want)
	}
}

// wantHostname checks the name that the kernel has.
func wantHostname(t *testing.T, want string) {
	t.Helper()
	if name, err := os.Hostname(); err != nil || name != want {
		t.Errorf("the host name is %q, %v, want %q", name, err, want)
	}
}

// byHand is a resolv.conf that an administrator wrote.
const byHand = "# by hand\nnameserver 198.51.100.53\nsortlist 192.0.2.0\noptions rotate\n\n; the end"

// TestDNSPlainFile: the resolver and the host name are part of the same
// transaction as the links. Foreign lines stay, and a rollback gives every
// byte back.
func TestDNSPlainFile(t *testing.T) {
	lab.Require(t)
	writeFile(t, "/etc/resolv.conf", byHand)
	writeFile(t, "/etc/hostname", "# of old\nlab\n")
	if err := os.Chmod("/etc/resolv.conf", 0o604); err != nil {
		t.Fatal(err)
	}
	failLast(t, namesChange)
	wantFile(t, "/etc/resolv.conf", byHand)
	wantFile(t, "/etc/hostname", "# of old\nlab\n")
	wantHostname(t, "lab")

	host := openHost(t)
	apply(t, host, namesChange)
	wantFile(t, "/etc/resolv.conf", "# by hand\nsearch a.example b.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions rotate\nsortlist 192.0.2.0\n\n; the end\n")
	wantHostname(t, "renamed")
	if text, _ := os.ReadFile("/etc/hostname"); !strings.HasSuffix(string(text), "renamed\n") {
		t.Errorf("/etc/hostname: %q", text)
	}
	if info, err := os.Stat("/etc/resolv.conf"); err != nil || info.Mode().Perm() != 0o604 {
		t.Errorf("the file's mode was changed: %v, %v", info.Mode(), err)
	}
	again(t, host, namesChange)

	text, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		t.Fatal(err)
	}
	failLast(t, `
dns-resolver: {config: {server: [203.0.113.53], search: [], options: [ndots:3]}}
hostname: {running: other}
interfaces: [{name: d0, type: dummy, mtu: 1400}, {name: d1, type: dummy}]
`)
	wantFile(t, "/etc/resolv.conf", string(text))
	wantHostname(t, "renamed")
}

// TestDNSNoFile: where there is no resolv.conf one is made, and a rollback
// removes it.
func TestDNSNoFile(t *testing.T) {
	lab.Require(t)
	if err := os.Remove("/etc/resolv.conf"); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	failLast(t, namesChange)
	if _, err := os.Stat("/etc/resolv.conf"); !os.IsNotExist(err) {
		t.Errorf("resolv.conf is there: %v", err)
	}
	host := openHost(t)
	apply(t, host, namesChange)
	wantFile(t, "/etc/resolv.conf", "search a.example b.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n")
	again(t, host, namesChange)
}

// TestDNSResolved: where systemd-resolved owns the file, known by its link, the
// configuration goes into a drop-in of its own; the stub is no configuration.
func TestDNSResolved(t *testing.T) {
	lab.Require(t)
	const dropIn = "/etc/systemd/resolved.conf.d/90-holdfast.conf"
	stub := "# This is /run/systemd/resolve/stub-resolv.conf\nnameserver 127.0.0.53\noptions edns0 trust-ad\n"
	writeFile(t, "/run/systemd/resolve/stub-resolv.conf", stub)
	writeFile(t, "/run/systemd/resolve/resolv.conf", "nameserver 203.0.113.1\n")
	writeFile(t, "/etc/resolv.conf", "->../run/systemd/resolve/stub-resolv.conf")
	host := openHost(t)
	shown, err := host.Show(t.Context(), holdfast.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if shown.DNS == nil || shown.DNS.Running == nil || strings.Join(shown.DNS.Running.Server, " ") != "203.0.113.1" || len(shown.DNS.Config.Server) > 0 {
		t.Errorf("shown: %+v", shown.DNS)
	}
	failLast(t, namesChange)
	if _, err := os.Stat(dropIn); !os.IsNotExist(err) {
		t.Errorf("the drop-in is there after a rollback: %v", err)
	}
	apply(t, host, namesChange)
	text, err := os.ReadFile(dropIn)
	if err != nil || !strings.Contains(string(text), "\nDNS=192.0.2.53 2001:db8::53\n") || !strings.Contains(string(text), "\nDomains=a.example b.example\n") {
		t.Errorf("%s: %q, %v", dropIn, text, err)
	}
	wantFile(t, "/run/systemd/resolve/stub-resolv.conf", stub)
	if target, err := os.Readlink("/etc/resolv.conf"); err != nil || target != "../run/systemd/resolve/stub-resolv.conf" {
		t.Errorf("the link points to %q, %v", target, err)
	}
	again(t, host, namesChange)
}

// resolvconf stands in for Debian's program of that name: it keeps records in
// interface/ and makes a resolv.conf of them.
const resolvconfScript = `#!/bin/sh -e
dir=/run/resolvconf
mkdir -p $dir/interface
case $1 in
-a) cat >$dir/interface/$2 ;;
-d) rm -f $dir/interface/$2 ;;
esac
cat $dir/interface/* >$dir/resolv.conf 2>/dev/null || :
`

// TestDNSResolvconf: where resolvconf owns the file it is told what to write.
func TestDNSResolvconf(t *testing.T) {
	lab.Require(t)
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "resolvconf"), []byte(resolvconfScript), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	writeFile(t, "/run/resolvconf/interface/eth0.dhclient", "nameserver 203.0.113.1\n")
	writeFile(t, "/run/resolvconf/resolv.conf", "nameserver 203.0.113.1\n")
	writeFile(t, "/etc/resolv.conf", "->../run/resolvconf/resolv.conf")
	failLast(t, namesChange)
	wantFile(t, "/etc/resolv.conf", "nameserver 203.0.113.1\n")
	host := openHost(t)
	apply(t, host, namesChange)
	want := "search a.example b.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\n"
	wantFile(t, "/run/resolvconf/interface/holdfast", want)
	wantFile(t, "/etc/resolv.conf", "nameserver 203.0.113.1\n"+want)
	if target, err := os.Readlink("/etc/resolv.conf"); err != nil || target != "../run/resolvconf/resolv.conf" {
		t.Errorf("the link points to %q, %v", target, err)
	}
	again(t, host, namesChange)
}

// TestDNSOwnedByNetworkManager: a file that would be written over is refused,
// and nothing else of the change remains.
func TestDNSOwnedByNetworkManager(t *testing.T) {
	lab.Require(t)
	writeFile(t, "/etc/resolv.conf", "# Generated by NetworkManager\nnameserver 203.0.113.1\n")
	before := lab.Picture(t)
	result, err := openHost(t).Apply(t.Context(), parse(t, namesChange), holdfast.ApplyOptions{})
	fault, ok := errors.AsType[*engine.Error](err)
	if !ok || fault.Kind != engine.Conflict || !strings.Contains(err.Error(), "NetworkManager") {
		t.Errorf("%v", err)
	}
	if result.Outcome != holdfast.RolledBack && result.Outcome != holdfast.Unchanged {
		t.Errorf("outcome %s", result.Outcome)
	}
	before.Same(t, 0)
}

// TestHostnameThroughHostnamed: where systemd runs the host name is set
// through hostnamed, which others listen to.
//
//lab:run --systemd
func TestHostnameThroughHostnamed(t *testing.T) {
	lab.Require(t)
	t.Cleanup(func() { lab.Run(t, "hostnamectl", "hostname", "lab") })
	host := openHost(t)
	text := "hostname: {running: by-bus, config: by-bus}"
	apply(t, host, text)
	wantHostname(t, "by-bus")
	if name := strings.TrimSpace(lab.Run(t, "hostnamectl", "--static")); name != "by-bus" {
		t.Errorf("hostnamectl says %q", name)
	}
	again(t, host, text)
	failLast(t, "hostname: {running: other, config: other}\ninterfaces: [{name: d0, type: dummy}]")
	wantHostname(t, "by-bus")
	if name := strings.TrimSpace(lab.Run(t, "hostnamectl", "--static")); name != "by-bus" {
		t.Errorf("after the rollback hostnamectl says %q", name)
	}
}
