package kernel

import (
	"bytes"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"holdfast/state"
)

// ancestors bounds how far up the tree of processes a session is looked for.
const ancestors = 16

// sessionAddress is the host's own address that the caller's ssh session came
// in by; the zero address if there is none. sudo drops SSH_CONNECTION, so the
// environments of the processes above are read too.
func sessionAddress() netip.Addr {
	if address, ok := serverAddress(os.Getenv("SSH_CONNECTION")); ok {
		return address
	}
	pid := os.Getppid()
	for range ancestors {
		if pid <= 1 {
			break
		}
		env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err == nil {
			if address, ok := serverAddress(variable(env, "SSH_CONNECTION=")); ok {
				return address
			}
		}
		pid = parent(pid)
	}
	return netip.Addr{}
}

// serverAddress takes the third word of SSH_CONNECTION (ssh(1)): the server's
// address.
func serverAddress(connection string) (netip.Addr, bool) {
	words := strings.Fields(connection)
	if len(words) != 4 {
		return netip.Addr{}, false
	}
	address, err := netip.ParseAddr(words[2])
	return address.Unmap(), err == nil
}

// variable finds a variable in an environment as /proc/PID/environ has it.
func variable(env []byte, prefix string) string {
	for entry := range bytes.SplitSeq(env, []byte{0}) {
		if value, ok := strings.CutPrefix(string(entry), prefix); ok {
			return value
		}
	}
	return ""
}

// parent is a process's parent (proc(5), stat): the second word after the
// command's closing parenthesis. 0 if it cannot be read.
func parent(pid int) int {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	ppid, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return ppid
}

// markSession sets Facts.Session on the link that has the address, and on
// everything that the link sits on.
func markSession(s *state.State, address netip.Addr) {
	if !address.IsValid() {
		return
	}
	byName := make(map[string]*state.Interface, len(s.Interfaces))
	var carriers []string
	for _, i := range s.Interfaces {
		byName[i.Name] = i
		if hasAddress(i, address) {
			carriers = append(carriers, i.Name)
		}
	}
	for len(carriers) > 0 {
		i := byName[carriers[0]]
		carriers = carriers[1:]
		if i == nil || i.Facts == nil || i.Facts.Session {
			continue
		}
		i.Facts.Session = true
		carriers = append(carriers, below(i)...)
	}
}

// hasAddress tells whether the interface has the address.
func hasAddress(i *state.Interface, address netip.Addr) bool {
	var list []state.Address
	switch {
	case address.Is4() && i.IPv4 != nil:
		list = i.IPv4.Address
	case address.Is6() && i.IPv6 != nil:
		list = i.IPv6.Address
	}
	for _, a := range list {
		if a.IP == address.WithZone("") {
			return true
		}
	}
	return false
}

// below names what an interface sits on.
func below(i *state.Interface) []string {
	var names []string
	switch {
	case i.VLAN != nil:
		names = append(names, i.VLAN.BaseIface)
	case i.Bond != nil:
		names = i.Bond.Port
	case i.Bridge != nil:
		for _, port := range i.Bridge.Port {
			names = append(names, port.Name)
		}
	}
	return names
}
