// Package hostfile reads and writes the host's name: /etc/hostname and the
// kernel's own, through systemd-hostnamed where it is there.
package hostfile

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"holdfast/internal/systemd"
)

// Hostname is the host's name and where it is kept.
type Hostname struct {
	// Root is put before every path; empty is the host's own root.
	Root string
	// Kernel sets the running name; nil is sethostname(2).
	Kernel func(name string) error
}

// path is where the static name is kept (hostname(5)).
func (h *Hostname) path() string { return filepath.Join("/", h.Root, "etc/hostname") }

// Static reads the configured name, empty where there is none: the first line
// that is no comment.
func (h *Hostname) Static() (string, error) {
	data, err := os.ReadFile(h.path())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line, nil
		}
	}
	return "", nil
}

// Running reads the name in force (uname(2)).
func Running() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(name.Nodename[:]), nil
}

// SetStatic configures a name; empty removes it.
func (h *Hostname) SetStatic(ctx context.Context, name string) error {
	if done, err := h.byBus(ctx, func(b *systemd.Bus) error { return b.SetStaticHostname(ctx, name) }); done {
		return err
	}
	if name == "" {
		err := os.Remove(h.path())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return h.write(name + "\n")
}

// SetRunning sets the name in force.
func (h *Hostname) SetRunning(ctx context.Context, name string) error {
	if done, err := h.byBus(ctx, func(b *systemd.Bus) error { return b.SetHostname(ctx, name) }); done {
		return err
	}
	if h.Kernel != nil {
		return h.Kernel(name)
	}
	return unix.Sethostname([]byte(name))
}

// write replaces the file, in place where it is a mount point of its own.
func (h *Hostname) write(text string) error {
	err := renameio.WriteFile(h.path(), []byte(text), 0o644, renameio.IgnoreUmask(), renameio.WithExistingPermissions())
	if errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EXDEV) {
		return os.WriteFile(h.path(), []byte(text), 0o644)
	}
	return err
}

// byBus asks systemd-hostnamed where systemd runs the host. done is false
// where there is nobody to ask.
func (h *Hostname) byBus(ctx context.Context, ask func(*systemd.Bus) error) (done bool, err error) {
	if !systemd.Booted(h.Root) {
		return false, nil
	}
	bus, err := systemd.Connect(ctx)
	if errors.Is(err, systemd.ErrNoBus) {
		return false, nil
	}
	if err != nil {
		return true, err
	}
	err = ask(bus)
	return true, errors.Join(err, bus.Close())
}

// Image is what a rollback needs to bring the names back.
type Image struct {
	// Running is the name in force.
	Running string `json:"running"`
	// Static is the configured name.
	Static string `json:"static"`
}

// Save takes a picture of both names.
func (h *Hostname) Save() (Image, error) {
	running, err := Running()
	if err != nil {
		return Image{}, err
	}
	static, err := h.Static()
	return Image{Running: running, Static: static}, err
}

// Restore brings the picture back; what does not differ is not written.
func (h *Hostname) Restore(ctx context.Context, image Image) error {
	now, err := h.Save()
	if err != nil {
		return err
	}
	if now.Static != image.Static {
		err = h.SetStatic(ctx, image.Static)
	}
	if now.Running != image.Running {
		err = errors.Join(err, h.SetRunning(ctx, image.Running))
	}
	return err
}
