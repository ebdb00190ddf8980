package resolver

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// write replaces a file's content, atomically where that is possible: a
// symbolic link is followed, the mode is kept, and a file that is a mount
// point of its own (as in containers) is written in place.
func write(path, text string) error {
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		target, err = path, nil
	}
	if err != nil {
		return err
	}
	err = renameio.WriteFile(target, []byte(text), 0o644, renameio.IgnoreUmask(), renameio.WithExistingPermissions())
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) {
		return os.WriteFile(target, []byte(text), 0o644)
	}
	return err
}
