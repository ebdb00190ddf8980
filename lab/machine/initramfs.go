package machine

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"holdfast/lab/channel"
)

// archive writes a cpio archive of the format "newc" (the kernel's driver-api/early-userspace/buffer-format).
type archive struct {
	w     *bufio.Writer
	inode int
	err   error
}

const (
	modeDir  = 0o040755
	modeFile = 0o100755
)

func (a *archive) add(name string, mode int, body []byte) {
	a.inode++
	a.write([]byte(fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(body), 0, 0, 0, 0, len(name)+1, 0, name)))
	a.write(body)
}

// write pads to four bytes.
func (a *archive) write(p []byte) {
	if a.err != nil {
		return
	}
	_, a.err = a.w.Write(append(slices.Clip(p), make([]byte, (4-len(p)%4)%4)...))
}

// writeInitramfs makes the initial file system: this program as /init, the modules without which the machine's own
// file system cannot be reached, and the boot's description.
func writeInitramfs(w io.Writer, kernel Kernel, boot channel.Boot) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	program, err := os.ReadFile(self)
	if err != nil {
		return err
	}
	early, err := kernel.Resolve("virtio_pci", "virtio_console", "virtio_rng", "9pnet_virtio", "9p", "overlay")
	if err != nil {
		return err
	}
	a := archive{w: bufio.NewWriterSize(w, 1<<20)}
	for _, dir := range []string{"dev", "proc", "modules"} {
		a.add(dir, modeDir, nil)
	}
	a.add("init", modeFile, program)
	for _, module := range early {
		body, err := os.ReadFile(filepath.Join(kernel.Modules, kernel.Release, module.Path))
		if err != nil {
			return err
		}
		path := "modules/" + filepath.Base(module.Path)
		a.add(path, modeFile, body)
		boot.Early = append(boot.Early, channel.Module{Path: "/" + path, Parameters: module.Parameters})
	}
	text, err := json.Marshal(boot)
	if err != nil {
		return err
	}
	a.add("boot.json", modeFile, text)
	a.add("TRAILER!!!", 0, nil)
	if a.err != nil {
		return a.err
	}
	return a.w.Flush()
}
