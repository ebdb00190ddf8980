package server

import (
	"errors"
	"fmt"
	"net"
	"os/user"
	"slices"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/api"
)

// Group is the group whose members may change the network.
const Group = "holdfast"

// Access says who may do what.
type Access struct {
	// Read and Write list names of TLS clients: the common name of the
	// certificate, or a DNS name of it. Who may write may read.
	Read, Write []string
	// Group is the number of the group that may write; negative is none.
	Group int
}

// GroupID is the number of the group holdfast, -1 if the host has none.
func GroupID() int {
	group, err := user.LookupGroup(Group)
	if err != nil {
		return -1
	}
	id, err := strconv.Atoi(group.Gid)
	if err != nil {
		return -1
	}
	return id
}

// Listener is where connections come from.
type Listener struct {
	net.Listener
	// TLS is nil for a unix socket.
	TLS *TLS
	// identify is for tests: who is at the other end.
	identify func(net.Conn) (peer, error)
}

// peer is who is at the other end of a connection.
type peer struct {
	// local is set on the unix socket; the ids are of use there only.
	local  bool
	uid    int
	groups []int
	// address is where a connection over TCP comes from.
	address string
	// names are those of the certificate, the common name first.
	names []string
}

// key tells peers apart for their share of what there is.
func (p peer) key() string {
	if p.local {
		return "uid " + strconv.Itoa(p.uid)
	}
	return p.address
}

// identity tells peers apart by who they are, wherever they come from.
func (p peer) identity() string {
	if p.local || len(p.names) == 0 {
		return p.key()
	}
	return "tls " + p.names[0]
}

// rights are what the peer may do; empty for nothing.
func (a *Access) rights(p peer) api.Right {
	if p.local {
		if p.uid == 0 || a.Group >= 0 && slices.Contains(p.groups, a.Group) {
			return api.Write
		}
		return api.Read
	}
	in := func(list []string) bool {
		return slices.ContainsFunc(p.names, func(name string) bool { return slices.Contains(list, name) })
	}
	switch {
	case in(a.Write):
		return api.Write
	case in(a.Read):
		return api.Read
	}
	return ""
}

// who is the peer as the history keeps it.
func (p peer) who(command string) holdfast.Who {
	if !p.local {
		who := holdfast.Who{UID: -1, Command: command, Via: "api tls " + p.address}
		if len(p.names) > 0 {
			who.User = p.names[0]
		}
		return who
	}
	who := holdfast.Who{UID: p.uid, Command: command, Via: "api unix"}
	if u, err := user.LookupId(strconv.Itoa(p.uid)); err == nil {
		who.User = u.Username
	}
	return who
}

// identify asks the kernel who is at the other end of a connection.
func identify(c net.Conn) (peer, error) {
	local, ok := c.(*net.UnixConn)
	if !ok {
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		return peer{address: host}, err
	}
	raw, err := local.SyscallConn()
	if err != nil {
		return peer{}, err
	}
	p := peer{local: true}
	var asked error
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, asked = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); asked != nil {
			return
		}
		p.uid, p.groups = int(cred.Uid), []int{int(cred.Gid)}
		var more []int
		if more, asked = peerGroups(int(fd)); asked == nil {
			p.groups = append(p.groups, more...)
		}
	})
	if err = errors.Join(err, asked); err != nil {
		return peer{}, fmt.Errorf("ask who is at the other end: %w", err)
	}
	return p, nil
}

// maxGroups is NGROUPS_MAX (limits.h): no process has more.
const maxGroups = 65536

// peerGroups are the supplementary groups of the process at the other end,
// which SO_PEERCRED leaves out (unix(7), SO_PEERGROUPS since Linux 4.13).
func peerGroups(fd int) ([]int, error) {
	ids := make([]uint32, 64)
	for {
		size := uint32(len(ids) * 4)
		_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_PEERGROUPS,
			uintptr(unsafe.Pointer(&ids[0])), uintptr(unsafe.Pointer(&size)), 0)
		switch {
		case errno == unix.ERANGE && len(ids) < maxGroups: // size is what is needed
			ids = make([]uint32, max(int(size/4), 2*len(ids)))
		case errno == unix.ENODATA: // a peer that has none to show
			return nil, nil
		case errno != 0:
			return nil, errno
		default:
			groups := make([]int, size/4)
			for i := range groups {
				groups[i] = int(ids[i])
			}
			return groups, nil
		}
	}
}
