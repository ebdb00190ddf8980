package tests

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"holdfast"
	"holdfast/lab"
)

// standIn starts a process that a program of that name is taken for, by its
// name and its words.
func standIn(t *testing.T, name string, words ...string) (pid int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\nsleep 100000\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	pid = lab.Start(t, append([]string{path}, words...)...).Process.Pid
	lab.Await(t, name+" runs", 0, func() bool {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		return err == nil && strings.TrimSpace(string(comm)) == name
	})
	return pid
}

// ifindex is a link's number.
func ifindex(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("/sys/class/net/" + name + "/ifindex")
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// refused checks that changes of a link are refused with the owner's name,
// that others are not, and that they are carried out when they are forced.
func refused(t *testing.T, host *holdfast.Host, name, owner string) {
	t.Helper()
	before := lab.Picture(t).Without([]string{"neighbours"})
	for _, text := range []string{
		"interfaces: [{name: " + name + ", mtu: 1400}]",
		"interfaces: [{name: " + name + ", ipv4: {enabled: true, address: [{ip: 198.51.100.9, prefix-length: 24}]}}]",
		"interfaces: [{name: br7, type: linux-bridge, bridge: {port: [{name: " + name + "}]}}]",
	} {
		result, err := host.Apply(t.Context(), parse(t, text), holdfast.ApplyOptions{})
		if err == nil || result.Outcome != holdfast.Unchanged || !strings.Contains(err.Error(), owner) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: outcome %s, %v", text, result.Outcome, err)
		}
	}
	if diff := lab.Diff(before, lab.Picture(t).Without([]string{"neighbours"})); diff != "" {
		t.Errorf("the host was changed (-before +after)\n%s", diff)
	}
	apply(t, host, "interfaces: [{name: besides, type: dummy}]")
	apply(t, host, "interfaces: [{name: besides, state: absent}]")
	forced := "interfaces: [{name: " + name + ", mtu: 1400}]"
	if _, err := host.Apply(t.Context(), parse(t, forced), holdfast.ApplyOptions{Force: true}); err != nil {
		t.Errorf("forced: %v", err)
	}
	if mtu := readLinks(t)[name].MTU; mtu != 1400 {
		t.Errorf("forced: the MTU is %d", mtu)
	}
	again(t, host, forced)
}

// TestCompanyDHCPClient: a link with a DHCP client is its client's.
func TestCompanyDHCPClient(t *testing.T) {
	for program, file := range map[string]string{
		"dhclient": "/run/dhclient.p1.pid", "dhcpcd": "/run/dhcpcd/p1.pid", "udhcpc": "/run/udhcpc.p1.pid",
	} {
		t.Run(program, func(t *testing.T) {
			lab.Require(t)
			host, _ := trapHost(t, "address add 192.0.2.1/24 dev p1 valid_lft 3600 preferred_lft 3600")
			pid := standIn(t, program, "-q", "p1")
			writeFile(t, file, strconv.Itoa(pid)+"\n")
			t.Cleanup(func() { _ = os.Remove(file) })
			apply(t, host, "interfaces: [{name: p2, mtu: 1400}]")
			refused(t, host, "p1", program)
			wantAddresses(t, "p1", "inet", "192.0.2.1/24")
		})
	}
	t.Run("that has ended", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t)
		writeFile(t, "/run/dhclient.p1.pid", "999999\n")
		t.Cleanup(func() { _ = os.Remove("/run/dhclient.p1.pid") })
		apply(t, host, "interfaces: [{name: p1, mtu: 1400}]")
	})
	t.Run("program", func(t *testing.T) {
		lab.Require(t)
		trapHost(t)
		pid := standIn(t, "dhclient", "p1")
		writeFile(t, "/run/dhclient.pid", strconv.Itoa(pid)+"\n")
		t.Cleanup(func() { _ = os.Remove("/run/dhclient.pid") })
		change := documentFile(t, "interfaces: [{name: p1, mtu: 1400}]")
		_, stderr := runProgram(t, 1, "apply", change)
		for _, word := range []string{"p1", "is run by dhclient", "--force", "nothing was changed"} {
			if !strings.Contains(stderr, word) {
				t.Errorf("apply does not say %q: %s", word, stderr)
			}
		}
		runProgram(t, 0, "apply", "--force", change)
	})
}

// TestCompanyNetworkManager: a device that NetworkManager runs with a profile
// is its own; one that it merely knows is not.
func TestCompanyNetworkManager(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	pid := standIn(t, "NetworkManager", "--no-daemon")
	writeFile(t, "/run/NetworkManager/NetworkManager.pid", strconv.Itoa(pid)+"\n")
	writeFile(t, "/run/NetworkManager/devices/"+ifindex(t, "p1"),
		"[device]\nmanaged=1\nconnection-uuid=5a1b3c62-0d0d-4f3e-9a53-111111111111\nnm-owned=0\n")
	writeFile(t, "/run/NetworkManager/devices/"+ifindex(t, "p2"), "[device]\nmanaged=1\nnm-owned=0\n")
	apply(t, host, "interfaces: [{name: p2, mtu: 1400}]")
	refused(t, host, "p1", "NetworkManager")
}

// TestCompanyIfupdown: what ifup brought up is ifupdown's.
func TestCompanyIfupdown(t *testing.T) {
	lab.Require(t, lab.Root)
	const file = "/run/network/ifstate"
	t.Cleanup(func() {
		_ = os.Remove(file)
		for _, name := range []string{"company0", "company1", "besides", "br7"} {
			_, _ = lab.Try("ip", "link", "del", name)
		}
	})
	lab.IP(t, "link add company0 type dummy")
	lab.IP(t, "link add company1 type dummy")
	lab.IP(t, "link set company0 up")
	writeFile(t, file, "lo=lo\ncompany0=company0\n")
	host := openHost(t)
	apply(t, host, "interfaces: [{name: company1, mtu: 1400}]")
	refused(t, host, "company0", "ifupdown")
}

// TestCompanyNetworkd: a link that systemd-networkd has a file for is its own.
//
//lab:run --systemd
func TestCompanyNetworkd(t *testing.T) {
	lab.Require(t, lab.Root)
	const file = "/etc/systemd/network/10-company.network"
	t.Cleanup(func() {
		_, _ = lab.Try("systemctl", "stop", "systemd-networkd.socket", "systemd-networkd.service")
		_ = os.Remove(file)
		for _, name := range []string{"company0", "company1", "besides", "br7"} {
			_, _ = lab.Try("ip", "link", "del", name)
		}
	})
	writeFile(t, file, "[Match]\nName=company0\n[Network]\nAddress=192.0.2.77/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n")
	lab.IP(t, "link add company0 type dummy")
	lab.IP(t, "link add company1 type dummy")
	lab.Run(t, "systemctl", "start", "systemd-networkd")
	lab.Await(t, "systemd-networkd has configured its link", 0, func() bool {
		text, err := os.ReadFile("/run/systemd/netif/links/" + ifindex(t, "company0"))
		return err == nil && strings.Contains(string(text), "ADMIN_STATE=configured") && addressesOf(t, "company0", "inet") == "192.0.2.77/24"
	})
	host := openHost(t)
	apply(t, host, "interfaces: [{name: company1, mtu: 1400}]")
	refused(t, host, "company0", "systemd-networkd")
	wantAddresses(t, "company0", "inet", "192.0.2.77/24")
}
