package kernel

import (
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/plan"
)

// encodeAddName adds an alternative name (kernel 5.5).
func encodeAddName(s *plan.Step, t *linkTable) (work, error) {
	return altName(s, t, "add alternative name ", unix.RTM_NEWLINKPROP, netlink.Create|netlink.Excl|netlink.Append)
}

// encodeRemoveName removes an alternative name.
func encodeRemoveName(s *plan.Step, t *linkTable) (work, error) {
	return altName(s, t, "remove alternative name ", unix.RTM_DELLINKPROP, 0)
}

func altName(s *plan.Step, t *linkTable, op string, typ uint16, flags netlink.HeaderFlags) (work, error) {
	l, err := t.find(s.Object)
	if err != nil {
		return nil, err
	}
	e := ifHeader{index: l.index}.encode()
	e.nest(unix.IFLA_PROP_LIST, func(e *encoder) { e.text(unix.IFLA_ALT_IFNAME, s.AltName) })
	return wave(send(op+s.AltName, e.message(typ, flags))), nil
}
