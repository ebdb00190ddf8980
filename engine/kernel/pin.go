package kernel

import (
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/plan"
	"holdfast/state"
)

// A bridge, a VLAN and a bond have the address of a port or of the link below
// until somebody sets one, which pins it, also with the same value. Netlink does
// not tell which of the two it is; only a file per link does, and so it is read
// of links that are taken down, and never to show the host.

// addressSet is NET_ADDR_SET (include/uapi/linux/netdevice.h): the address was
// set with dev_set_mac_address, or given when the link was made.
const addressSet = "3"

// followsOthers tells whether a link's address may be another one's.
func followsOthers(l *rawLink) bool {
	return l.Kind == kindBridge || l.Kind == kindVLAN || l.Kind == kindBond
}

// pinnedAmong gives the pinned addresses of the links of a snapshot that are
// named, by name. It is nil where /sys does not show the snapshot's network
// namespace: then nothing is known.
func pinnedAmong(s *snapshot, names map[string]bool) map[string]string {
	var asked []*rawLink
	for _, l := range s.Links {
		if names[l.Name] && followsOthers(l) {
			asked = append(asked, l)
		}
	}
	if len(asked) == 0 || !shownInSys(asked) {
		return nil
	}
	pinned := make(map[string]string, len(asked))
	for _, l := range asked {
		if readSys(l.Name, "addr_assign_type") == addressSet {
			pinned[l.Name] = l.MAC
		}
	}
	return pinned
}

// sample is of how many links it is looked whether /sys means them.
const sample = 16

// shownInSys tells whether /sys shows these links and not others of their names
// in another network namespace: a sysfs belongs to that in which it was mounted
// (sysfs(5)).
func shownInSys(links []*rawLink) bool {
	step := len(links)/sample + 1
	for n := 0; n < len(links); n += step {
		l := links[n]
		if readSys(l.Name, "ifindex") != strconv.Itoa(l.Index) || !strings.EqualFold(readSys(l.Name, "address"), l.MAC) {
			return false
		}
	}
	return true
}

// readSys reads a file of a link in /sys; empty if there is none.
func readSys(link, file string) string {
	var b [64]byte
	path := filepath.Join("/sys/class/net", link, file)
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer func() { _ = unix.Close(fd) }()
	n, err := unix.Read(fd, b[:])
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b[:n]))
}

// pinnedBefore gives the pinned addresses of links that a plan makes anew and
// whose address it keeps, by name; it is asked before the first step.
func pinnedBefore(s *snapshot, p *plan.Plan) map[string]string {
	before := map[string]state.MAC{}
	for n := range p.Steps {
		if step := &p.Steps[n]; step.Verb == plan.CreateLink && step.Was != nil {
			before[step.Object] = step.Was.MAC
		}
	}
	if len(before) == 0 || p.Target == nil {
		return nil
	}
	kept := map[string]bool{}
	for _, i := range p.Target.Interfaces {
		if mac, anew := before[i.Name]; anew && mac == i.MAC {
			kept[i.Name] = true
		}
	}
	return pinnedAmong(s, kept)
}
