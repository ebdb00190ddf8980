package kernel

import (
	"errors"

	"golang.org/x/sys/unix"

	"holdfast/state"
)

// vethInfoPeer is VETH_INFO_PEER (include/uapi/linux/veth.h).
const vethInfoPeer = 1

// createVeth appends the other end: a link message of its own.
func createVeth(e *encoder, i *state.Interface, t *linkTable) error {
	peer := t.byName[i.Veth.Peer]
	if peer == nil {
		return errors.New("internal error: the peer has no number")
	}
	e.nest(vethInfoPeer, func(e *encoder) {
		e.b = append(e.b, ifHeader{index: peer.index}.encode().b...)
		e.text(unix.IFLA_IFNAME, peer.name)
	})
	return nil
}
