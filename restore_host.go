package holdfast

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"holdfast/state"
)

// settle waits until udev has handled what is there, so that links have their
// names: it keeps a file while its queue is not empty (systemd-udevd(8),
// udevadm settle). Without udev there is nothing to wait for.
func settle(ctx context.Context, limit time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat("/run/udev/queue"); err != nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// rootLinks names the NICs that the root file system may be reached by: where
// it lies on the network, all that have addresses before anything is restored.
func rootLinks(current *state.State) map[string]bool {
	if !rootOnNetwork() {
		return nil
	}
	links := map[string]bool{}
	for _, i := range current.Interfaces {
		if i.Type != state.TypeLoopback && i.State == state.Up && hasAddress(i) {
			links[i.Name] = true
		}
	}
	return links
}

func hasAddress(i *state.Interface) bool {
	if i.IPv4 != nil && len(i.IPv4.Address) > 0 {
		return true
	}
	if i.IPv6 == nil {
		return false
	}
	for _, a := range i.IPv6.Address {
		if !a.IP.IsLinkLocalUnicast() {
			return true
		}
	}
	return false
}

// networkFileSystems are those that need the network (mount(8), _netdev).
var networkFileSystems = map[string]bool{
	"nfs": true, "nfs4": true, "cifs": true, "smb3": true, "ceph": true, "glusterfs": true, "fuse.glusterfs": true,
}

// rootOnNetwork tells whether the root file system is one of the network, or
// may lie on a disk of the network: an iSCSI session was there at boot.
func rootOnNetwork() bool {
	if sessions, err := filepath.Glob("/sys/class/iscsi_session/*"); err == nil && len(sessions) > 0 {
		return true
	}
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[1] == "/" && networkFileSystems[fields[2]] {
			return true
		}
	}
	return false
}
