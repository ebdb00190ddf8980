package agent

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/lab/channel"
)

// settle makes a host of the bare root: links in /dev, sysctls, a host name, the disk, the NICs' names.
func settle(boot channel.Boot) error {
	for name, target := range map[string]string{"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"} {
		_ = os.Symlink("/proc/self/fd"+target, "/dev/"+name)
	}
	now := unix.NsecToTimeval(boot.Now.UnixNano())
	_ = unix.Settimeofday(&now)
	if err := unix.Sethostname([]byte(boot.Host)); err != nil {
		return err
	}
	// No tunnel devices of modules in new namespaces, and no delay for routers' answers to a dead one.
	_ = os.WriteFile("/proc/sys/net/core/fb_tunnels_only_for_init_net", []byte("2"), 0o644)
	if err := identity(boot.Host); err != nil {
		return err
	}
	if err := mountDisk(boot.Disk); err != nil {
		return err
	}
	if err := nameNICs(boot.NICs); err != nil {
		return err
	}
	return SetUp("lo")
}

// identity gives the lab a machine id, since an empty one makes systemd take the boot for the first, and a name, and
// takes away what makes programs take it for a container.
func identity(host string) error {
	_ = os.Remove("/.dockerenv")
	if err := os.WriteFile("/etc/hostname", []byte(host+"\n"), 0o644); err != nil {
		return err
	}
	return os.WriteFile("/etc/machine-id", []byte("686f6c64666173746c61620000000001\n"), 0o644)
}

// mountDisk mounts the one virtio disk; no automatic flushes that would hide a missing fsync.
func mountDisk(target string) error {
	if target == "" {
		return nil
	}
	return mount{"/dev/vda", target, "ext4", 0, "noauto_da_alloc"}.do()
}

// nameNICs calls QEMU's NICs eth0… and their peers sw0…, by their MACs: the kernel's order is not the order of the
// arguments. First all get a name that cannot collide.
func nameNICs(count int) error {
	if count == 0 {
		return nil
	}
	names := map[string]string{}
	for i := range count {
		names[HostMAC(i)], names[SwitchMAC(i)] = fmt.Sprintf("eth%d", i), fmt.Sprintf("sw%d", i)
	}
	links, err := net.Interfaces()
	if err != nil {
		return err
	}
	found := map[string]string{}
	for _, link := range links {
		want, ok := names[link.HardwareAddr.String()]
		if !ok {
			continue
		}
		found[fmt.Sprintf("tmp%d", link.Index)] = want
		if err := rename(link.Name, fmt.Sprintf("tmp%d", link.Index)); err != nil {
			return err
		}
	}
	for from, to := range found {
		if err := rename(from, to); err != nil {
			return err
		}
	}
	if len(found) != 2*count {
		return fmt.Errorf("found %d of %d NICs", len(found), 2*count)
	}
	return nil
}

// HostMAC is the MAC of QEMU's NIC number i of the host under test.
func HostMAC(i int) string { return fmt.Sprintf("52:54:00:00:01:%02x", i) }

// SwitchMAC is the MAC of the NIC at the other end of that NIC's cable.
func SwitchMAC(i int) string { return fmt.Sprintf("52:54:00:00:02:%02x", i) }

// ifreqName is struct ifreq with a new name, which x/sys/unix has no accessor for (netdevice(7), SIOCSIFNAME).
type ifreqName struct {
	name, newName [unix.IFNAMSIZ]byte
	_             [8]byte
}

func rename(from, to string) error {
	var request ifreqName
	copy(request.name[:], from)
	copy(request.newName[:], to)
	if err := ioctl(unix.SIOCSIFNAME, &request); err != nil {
		return fmt.Errorf("rename %s to %s: %w", from, to, err)
	}
	return nil
}

// SetUp sets a link of the current network namespace up.
func SetUp(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request); err != nil {
		return fmt.Errorf("set %s up: %w", name, err)
	}
	return nil
}

// port finds the virtio-serial port of the channel by its name.
func port() (*os.File, error) {
	names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
	if err != nil {
		return nil, err
	}
	for _, path := range names {
		text, err := os.ReadFile(path)
		if err == nil && strings.TrimSpace(string(text)) == channel.PortName {
			return os.OpenFile("/dev/"+filepath.Base(filepath.Dir(path)), os.O_RDWR, 0)
		}
	}
	return nil, fmt.Errorf("no virtio-serial port called %s", channel.PortName)
}
