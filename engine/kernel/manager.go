package kernel

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// managers finds out which links other programs run. It maps a link's index
// or name to the program: NetworkManager, systemd-networkd, ifupdown, dhclient,
// dhcpcd or udhcpc. Only files are read; what another network namespace's
// programs left in a shared /run is not taken for ours.
func (c company) managers(links map[int]string) map[string]string {
	byName := map[string]string{}
	for _, find := range []func(map[int]string, map[string]string){
		c.ifupdown, c.dhcpClients, c.networkd, c.networkManager,
	} {
		find(links, byName)
	}
	return byName
}

// networkManager reads /run/NetworkManager/devices/INDEX (NetworkManager 1.42,
// nm_config_device_state_write).
func (c company) networkManager(links map[int]string, found map[string]string) {
	dir := c.path("/run/NetworkManager/devices")
	if !c.lives("NetworkManager.service", "/run/NetworkManager/NetworkManager.pid", "NetworkManager") {
		return
	}
	for index, name := range links {
		text, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(index)))
		if err == nil && managedByNM(text) {
			found[name] = "NetworkManager"
		}
	}
}

// managedByNM tells whether a device file names a profile that is active on
// the device, or says that NetworkManager made it. A device that is merely
// managed is not in its way: what others put on it counts as external there.
func managedByNM(text []byte) bool {
	for line := range bytes.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(string(line)), "=")
		if key == "connection-uuid" && value != "" || key == "nm-owned" && (value == "true" || value == "1") {
			return true
		}
	}
	return false
}

// networkd reads /run/systemd/netif/links/INDEX: a link with a .network file
// is its own (sd-network(3), sd_network_link_get_network_file).
func (c company) networkd(links map[int]string, found map[string]string) {
	dir := c.path("/run/systemd/netif/links")
	if _, err := os.Stat(dir); err != nil || !c.lives("systemd-networkd.service", "", "systemd-networkd") {
		return
	}
	for index, name := range links {
		text, err := os.ReadFile(filepath.Join(dir, strconv.Itoa(index)))
		if err == nil && bytes.Contains(text, []byte("\nNETWORK_FILE=")) && !bytes.Contains(text, []byte("ADMIN_STATE=unmanaged")) {
			found[name] = "systemd-networkd"
		}
	}
}

// ifupdown reads which interfaces ifup brought up (interfaces(5), ifstate).
// It is no daemon, so the file counts for the first namespace only.
func (c company) ifupdown(links map[int]string, found map[string]string) {
	text, err := os.ReadFile(c.path("/run/network/ifstate"))
	if err != nil || !c.sameNamespace(1) {
		return
	}
	up := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
		up[name] = true
	}
	for _, name := range links {
		if up[name] && name != "lo" {
			found[name] = "ifupdown"
		}
	}
}

// dhcpClients finds clients by the process id files that they leave.
func (c company) dhcpClients(links map[int]string, found map[string]string) {
	for _, client := range []struct{ program, pattern string }{
		{"dhclient", "/run/dhclient*.pid"},
		{"dhcpcd", "/run/dhcpcd*.pid"},
		{"dhcpcd", "/run/dhcpcd/*.pid"},
		{"udhcpc", "/run/udhcpc*.pid"},
	} {
		files, _ := filepath.Glob(c.path(client.pattern))
		for _, file := range files {
			pid, alive := c.process(file, client.program)
			if !alive {
				continue
			}
			words := c.commandLine(pid)
			for _, name := range links {
				if words[name] {
					found[name] = client.program
				}
			}
		}
	}
}

// lives tells whether a daemon runs in our network namespace: by its process
// id file or, failing that, by the processes of its systemd unit.
func (c company) lives(unit, pidFile, program string) bool {
	if pidFile != "" {
		if _, alive := c.process(c.path(pidFile), program); alive {
			return true
		}
	}
	text, err := os.ReadFile(c.path("/sys/fs/cgroup/system.slice/" + unit + "/cgroup.procs"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if pid, err := strconv.Atoi(strings.TrimSpace(line)); err == nil && c.sameNamespace(pid) {
			return true
		}
	}
	return false
}

// process reads a process id file. It is alive if the process runs that
// program in our network namespace.
func (c company) process(file, program string) (pid int, alive bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, false
	}
	pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, false
	}
	comm, err := os.ReadFile(c.proc(pid, "comm"))
	// The kernel keeps 15 bytes of the name.
	name := strings.TrimSpace(string(comm))
	return pid, err == nil && name != "" && strings.HasPrefix(program, name) && c.sameNamespace(pid)
}

// sameNamespace tells whether a process sees the links that we see. Where that
// cannot be read (no rights) it is taken to.
func (c company) sameNamespace(pid int) bool {
	ours := c.namespace
	if ours == "" {
		ours = namespace()
	}
	if ours == "" {
		return true
	}
	theirs, err := os.Readlink(c.proc(pid, "ns/net"))
	return err != nil || ours == theirs
}

// commandLine gives the words that a process was started with.
func (c company) commandLine(pid int) map[string]bool {
	words := map[string]bool{}
	text, err := os.ReadFile(c.proc(pid, "cmdline"))
	if err != nil {
		return words
	}
	for word := range bytes.SplitSeq(text, []byte{0}) {
		words[string(word)] = true
	}
	return words
}

// path is an absolute path of the host.
func (c company) path(name string) string { return filepath.Join("/", c.root, name) }

// proc is a file of a process.
func (c company) proc(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}
