package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"holdfast/lab/agent"
	"holdfast/lab/channel"
)

// Options say what kind of machine is wanted. The zero value is a plain one.
type Options struct {
	NICs     int           // QEMU NICs of the host under test (eth0…), each wired to one for a switch (sw0…); at most 8
	Driver   string        // their model as QEMU calls it; empty is virtio-net-pci
	Systemd  bool          // boots systemd as process 1: 10 s and more instead of 4
	Disk     string        // a file with an ext4 file system, made if it does not exist, which outlives the machine; on DiskDir inside
	Memory   string        // as QEMU's -m; empty is 3G, taken as it is used
	Append   string        // further arguments of the kernel, ipv6.disable=1 for example
	Outputs  []string      // folders of this machine that the lab writes for real; everything else is a copy on write
	BootTime time.Duration // how long a boot may take before it counts as hung; 0 is 2 minutes, with systemd 5
	Note     func(string)  // what people should know, such as a boot that is tried again; nil: nobody
}

// DiskDir is where the disk is mounted inside.
const DiskDir = "/disk"

// maxNICs keeps the numbers of hubs, ports and MACs simple.
const maxNICs = 8

// virtio is the default NIC. It knows no speed unless told, and a bond gives LACP only to NICs that do.
const (
	virtio   = "virtio-net-pci"
	linkMode = ",speed=10000,duplex=full"
)

func (o Options) complete() (Options, error) {
	if o.Driver == "" {
		o.Driver = virtio
	}
	if o.Memory == "" {
		o.Memory = "3G"
	}
	if o.BootTime == 0 {
		o.BootTime = 2 * time.Minute
		if o.Systemd {
			o.BootTime = 5 * time.Minute
		}
	}
	if o.Note == nil {
		o.Note = func(string) {}
	}
	if o.NICs < 0 || o.NICs > maxNICs {
		return o, fmt.Errorf("%d NICs: 0 to %d are possible", o.NICs, maxNICs)
	}
	for i, dir := range o.Outputs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return o, err
		}
		if err := os.MkdirAll(abs, 0o755); err != nil {
			return o, err
		}
		o.Outputs[i] = abs
	}
	return o, makeDisk(o.Disk)
}

// makeDisk makes a sparse file with an empty ext4 in it where there is none.
func makeDisk(path string) error {
	if path == "" {
		return nil
	}
	if _, err := os.Stat(path); err == nil || !os.IsNotExist(err) {
		return err
	}
	temporary := path + ".new"
	if err := os.WriteFile(temporary, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(temporary, 512<<20); err != nil {
		return err
	}
	mkfs := exec.Command("mkfs.ext4", "-q", "-F", temporary)
	mkfs.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	if output, err := mkfs.CombinedOutput(); err != nil {
		return fmt.Errorf("mkfs.ext4 %s: %w: %s", path, err, output)
	}
	return os.Rename(temporary, path)
}

// late are the modules that every lab has loaded, with parameters that keep them from making links by themselves.
var late = []string{
	"bonding max_bonds=0", "dummy numdummies=0", "ifb numifbs=0", "8021q", "bridge", "veth", "tun",
}

func (o Options) boot(kernel Kernel) (channel.Boot, error) {
	boot := channel.Boot{
		Modules: kernel.Modules, Release: kernel.Release, Outputs: o.Outputs, NICs: o.NICs, Systemd: o.Systemd,
		Host: "lab", Now: time.Now(),
	}
	names := late
	if o.NICs > 0 {
		driver := "virtio_net"
		if o.Driver != virtio {
			driver = o.Driver
		}
		names = append([]string{"virtio_net", driver}, names...)
	}
	if o.Disk != "" {
		boot.Disk = DiskDir
		names = append([]string{"virtio_blk", "crc32c_generic", "ext4"}, names...)
	}
	modules, err := kernel.Resolve(names...)
	for _, module := range modules {
		path := filepath.Join("/lib/modules", kernel.Release, module.Path)
		boot.Late = append(boot.Late, channel.Module{Path: path, Parameters: module.Parameters})
	}
	return boot, err
}

// arguments are QEMU's. Its two streams come as open files: 3 carries the frames, 4 is QMP.
func (o Options) arguments(kernel Kernel, dir string) []string {
	args := []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		"-machine", "q35,accel=tcg", "-cpu", "max", "-smp", "1", "-m", o.Memory,
		"-kernel", kernel.Image, "-initrd", filepath.Join(dir, "initramfs"),
		"-append", strings.TrimSpace("console=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0 random.trust_cpu=on nokaslr " + o.Append),
		"-serial", "file:" + filepath.Join(dir, "console"),
		"-chardev", "socket,id=qmp,fd=4", "-mon", "chardev=qmp,mode=control",
		"-device", "virtio-rng-pci",
		"-device", "virtio-serial-pci", "-chardev", "socket,id=lab,fd=3",
		"-device", "virtserialport,chardev=lab,name=" + channel.PortName,
		"-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
		"-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
	}
	for i, output := range o.Outputs {
		tag := "out" + strconv.Itoa(i)
		args = append(args,
			"-fsdev", "local,id="+tag+",path="+output+",security_model=none,multidevs=remap",
			"-device", "virtio-9p-pci,fsdev="+tag+",mount_tag="+tag)
	}
	if o.Disk != "" {
		args = append(args, "-drive", "if=virtio,format=raw,file="+o.Disk)
	}
	for i := range o.NICs {
		args = append(args, o.nic(i)...)
	}
	return args
}

// nic is one cable: a hub with the host's NIC, which sits behind a port of its own so that it can be unplugged, and
// the switch's.
func (o Options) nic(i int) []string {
	n := strconv.Itoa(i)
	driver := o.Driver
	if driver == virtio {
		driver += linkMode
	}
	return []string{
		"-netdev", "hubport,id=hn" + n + ",hubid=" + n,
		"-netdev", "hubport,id=sn" + n + ",hubid=" + n,
		"-device", "pcie-root-port,id=port" + n + ",chassis=" + strconv.Itoa(i+1) + ",slot=" + strconv.Itoa(i+1),
		"-device", driver + ",netdev=hn" + n + ",id=nic" + n + ",bus=port" + n + ",mac=" + agent.HostMAC(i),
		"-device", virtio + linkMode + ",netdev=sn" + n + ",id=sw" + n + ",mac=" + agent.SwitchMAC(i),
	}
}
