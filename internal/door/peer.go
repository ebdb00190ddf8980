package door

import (
	"net"
	"os/user"
	"strconv"

	"golang.org/x/sys/unix"
)

// Peer is who asks, as the kernel tells it (SO_PEERCRED, unix(7)).
type Peer struct {
	// PID is the process, 0 if it lives in a PID namespace that is not seen.
	PID int
	// UID is the user that it ran as when it came.
	UID int
}

// Name is the user's name, or number.
func (p Peer) Name() string {
	number := strconv.Itoa(p.UID)
	if u, err := user.LookupId(number); err == nil {
		return u.Username
	}
	return number
}

func peer(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var who Peer
	var failure error
	err = raw.Control(func(fd uintptr) {
		var cred *unix.Ucred
		if cred, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); failure == nil {
			who = Peer{PID: int(cred.Pid), UID: int(cred.Uid)}
		}
	})
	if err == nil {
		err = failure
	}
	return who, err
}
