package lock

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// trusted tells whether a process may own the lock: it runs as root or as our
// own user, or it has CAP_NET_ADMIN in our own user namespace. In a namespace
// of its own everybody has it.
func trusted(pid, uid int) bool {
	if uid == 0 || uid == os.Geteuid() {
		return true
	}
	if pid <= 0 || !capable(pid) {
		return false
	}
	ours, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return true
	}
	theirs, err := os.Readlink(process(pid, "ns/user"))
	return err != nil || ours == theirs
}

// capable tells whether a process has CAP_NET_ADMIN.
func capable(pid int) bool {
	set, err := strconv.ParseUint(status(pid, "CapEff:"), 16, 64)
	return err == nil && set&(1<<unix.CAP_NET_ADMIN) != 0
}

// status is a value of /proc/PID/status (proc(5)); empty if there is none.
func status(pid int, key string) string {
	text, err := os.ReadFile(process(pid, "status"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// process is a file of a process.
func process(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// A socket is a line of /proc/net/unix (proc(5)).
type socket struct{ inode, path string }

// sockets are the listening sockets of the network namespace whose names begin
// with a prefix; none where /proc does not tell.
func sockets(prefix string) []socket {
	const inode, flags, path, listening = 6, 3, 7, "00010000" // __SO_ACCEPTCON
	text, err := os.ReadFile("/proc/thread-self/net/unix")
	if err != nil {
		return nil
	}
	var list []socket
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == path+1 && words[flags] == listening && strings.HasPrefix(words[path], prefix) {
			list = append(list, socket{words[inode], words[path]})
		}
	}
	return list
}

// listeners are the addresses that the lock's names stand for: the name
// itself, and those with an ending.
func listeners(address string) []string {
	var list []string
	for _, s := range sockets(address) {
		if s.path == address || strings.HasPrefix(s.path, address+".") {
			list = append(list, s.path)
		}
	}
	return list
}

// silent judges a listener whose queue is full, so that nobody gets to ask it,
// by the process that has the socket open. One that is not found, for want of
// privileges for example, counts as the owner.
func silent(address string) *Owner {
	for _, s := range sockets(address) {
		if s.path != address {
			continue
		}
		files, _ := filepath.Glob("/proc/[0-9]*/fd/*")
		for _, file := range files {
			if target, err := os.Readlink(file); err != nil || target != "socket:["+s.inode+"]" {
				continue
			}
			pid, uid := holderOf(file)
			if !trusted(pid, uid) {
				return nil
			}
			return Owner{PID: pid, UID: uid}.clean()
		}
	}
	return &Owner{}
}

// holderOf is the process of a file below /proc/PID, and its effective user; 0
// where that cannot be told.
func holderOf(file string) (pid, uid int) {
	pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(file))))
	if users := strings.Fields(status(pid, "Uid:")); len(users) > 1 {
		uid, _ = strconv.Atoi(users[1])
	}
	return pid, uid
}
