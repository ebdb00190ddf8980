// Package agent is the lab's inside: process 1 of the virtual machine, which builds the root file system, and the
// server that runs the jobs which the outside sends. It is part of the same binary as the lab's command.
package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/lab/channel"
)

// root is where the lab's file system is put together before it becomes /.
const root = "/box/root"

// Init is process 1: it never returns. What goes wrong before there is a channel goes to the console, and the machine
// is powered off, which the outside sees.
func Init() {
	if err := initialise(); err != nil {
		say("lab: %v", err)
		time.Sleep(200 * time.Millisecond) // let the console drain; nothing waits for it
		powerOff()
	}
	reap()
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }

func powerOff() {
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func initialise() error {
	boot, err := readBoot("/boot.json")
	if err != nil {
		return err
	}
	if err := mountAll(early); err != nil {
		return err
	}
	if err := loadAll(boot.Early, ""); err != nil {
		return err
	}
	if err := buildRoot(boot); err != nil {
		return err
	}
	if err := changeRoot(); err != nil {
		return err
	}
	if err := loadAll(boot.Late, ""); err != nil {
		return err
	}
	if err := settle(boot); err != nil {
		return err
	}
	if boot.Systemd {
		return becomeSystemd()
	}
	return startServer()
}

func readBoot(path string) (channel.Boot, error) {
	var boot channel.Boot
	text, err := os.ReadFile(path)
	if err != nil {
		return boot, err
	}
	return boot, json.Unmarshal(text, &boot)
}

// mount is one line of what mount(8) would be told.
type mount struct {
	source, target, kind string
	flags                uintptr
	data                 string
}

func (m mount) do() error {
	if err := os.MkdirAll(m.target, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(m.source, m.target, m.kind, m.flags, m.data); err != nil {
		return fmt.Errorf("mount %s on %s: %w", m.kind, m.target, err)
	}
	return nil
}

func mountAll(list []mount) error {
	for _, m := range list {
		if err := m.do(); err != nil {
			return err
		}
	}
	return nil
}

var early = []mount{
	{"proc", "/proc", "proc", 0, ""},
	{"dev", "/dev", "devtmpfs", 0, ""},
}

// buildRoot lays an overlay, whose upper side is memory, over the machine's own file system.
func buildRoot(boot channel.Boot) error {
	const p9 = "trans=virtio,version=9p2000.L,msize=512000,"
	err := mountAll([]mount{
		{"tmpfs", "/box", "tmpfs", 0, "mode=755"},
		{"root", "/box/lower", "9p", unix.MS_RDONLY, p9 + "cache=loose"},
	})
	if err != nil {
		return err
	}
	for _, dir := range []string{"/box/upper", "/box/work"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	list := []mount{
		{"overlay", root, "overlay", 0, "lowerdir=/box/lower,upperdir=/box/upper,workdir=/box/work"},
		{"proc", root + "/proc", "proc", 0, ""},
		{"sys", root + "/sys", "sysfs", 0, ""},
		{"cgroup2", root + "/sys/fs/cgroup", "cgroup2", 0, ""},
		{"dev", root + "/dev", "devtmpfs", 0, ""},
		{"devpts", root + "/dev/pts", "devpts", 0, "ptmxmode=666,mode=620,gid=5"},
		{"tmpfs", root + "/dev/shm", "tmpfs", 0, ""},
		{"tmpfs", root + "/run", "tmpfs", 0, "mode=755"},
		{root + boot.Modules, filepath.Join(libraries(), "modules"), "", unix.MS_BIND, ""},
	}
	for i, dir := range boot.Outputs {
		list = append(list, mount{fmt.Sprintf("out%d", i), root + dir, "9p", 0, p9 + "cache=none"})
	}
	return mountAll(list)
}

// libraries is where modules are looked for: /lib is a link on machines with a merged /usr.
func libraries() string {
	if target, err := os.Readlink(root + "/lib"); err == nil {
		return filepath.Join(root, target)
	}
	return root + "/lib"
}

// changeRoot makes the new file system the root of process 1, and so of the kernel's own helpers (modprobe), which
// share its root.
func changeRoot() error {
	self, err := os.ReadFile("/init")
	if err != nil {
		return err
	}
	boot, err := os.ReadFile("/boot.json")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(root+channel.Dir, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(root+channel.Agent, self, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(root+bootFile, boot, 0o644); err != nil {
		return err
	}
	return errors.Join(
		os.Chdir(root),
		unix.Mount(".", "/", "", unix.MS_MOVE, ""),
		unix.Chroot("."),
		os.Chdir("/"),
	)
}

const bootFile = channel.Dir + "/boot.json"

func loadAll(modules []channel.Module, prefix string) error {
	for _, m := range modules {
		if err := load(prefix+m.Path, m.Parameters); err != nil {
			return fmt.Errorf("module %s: %w", m.Path, err)
		}
	}
	return nil
}

func load(path, parameters string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	err = unix.FinitModule(int(file.Fd()), parameters, 0)
	if errors.Is(err, unix.EEXIST) {
		return nil
	}
	return err
}

// becomeSystemd replaces process 1 by the machine's systemd, with the agent as one of its services.
func becomeSystemd() error {
	if err := writeUnits(); err != nil {
		return err
	}
	const systemd = "/lib/systemd/systemd"
	return fmt.Errorf("%s: %w", systemd, syscall.Exec(systemd, []string{systemd, "--unit=lab.target"}, environment()))
}

func environment() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=linux"}
}

// startServer starts the server as a child: process 1 only reaps.
func startServer() error {
	_, err := syscall.ForkExec(channel.Agent, []string{channel.Agent, "serve"}, &syscall.ProcAttr{
		Dir:   "/",
		Env:   environment(),
		Files: []uintptr{0, 1, 2},
	})
	return err
}

// reap waits for orphans for ever; when the server has gone too there is nothing left to do.
func reap() {
	for {
		_, err := syscall.Wait4(-1, nil, 0, nil)
		if errors.Is(err, syscall.ECHILD) {
			powerOff()
		}
	}
}
