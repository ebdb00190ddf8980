package cli

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
)

// refuse tells whether an error says that this user may not use the directories.
func (g *globals) refuse(err error) bool {
	at, ok := errors.AsType[*fs.PathError](err)
	if !ok || !errors.Is(at, fs.ErrPermission) {
		return false
	}
	for _, dir := range []string{g.stateDir, g.runDir} {
		if dir != "" && strings.HasPrefix(at.Path+"/", dir+"/") {
			return true
		}
	}
	return false
}

// diskHint says what to do about a directory that cannot be written to; empty
// if an error is about something else.
func diskHint(err error) string {
	at, ok := errors.AsType[*fs.PathError](err)
	if !ok {
		return ""
	}
	dir := filepath.Dir(at.Path)
	const other = ", or name another directory with --state-dir"
	switch {
	case errors.Is(at, syscall.ENOSPC), errors.Is(at, syscall.EDQUOT):
		return "make room on the disk of " + dir + other
	case errors.Is(at, syscall.EROFS):
		return "make " + dir + " writable" + other
	case errors.Is(at, syscall.EIO):
		return "the disk of " + dir + " is failing: repair it" + other
	case errors.Is(at, syscall.ENOTDIR):
		return dir + " is not a directory: name one with --state-dir and --run-dir"
	}
	return ""
}
