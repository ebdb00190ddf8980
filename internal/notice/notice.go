// Package notice tells when something in a directory changes, and when the
// reader of a pipe went away: what the kernel tells about files by itself.
package notice

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// interest is what of a directory's entries is told (inotify(7)): writing a
// file under its own name, renaming and removing. IN_DELETE_SELF and
// IN_MOVE_SELF tell that the directory itself went.
const interest = unix.IN_CREATE | unix.IN_CLOSE_WRITE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_DELETE |
	unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR

// Directories calls changed for every burst of changes to the entries of the
// directories, until ctx ends; then it returns nil. In place of one that is not
// there its nearest parent is watched, so that it may come and go. What cannot
// be watched (for want of rights, or because the kernel's limit of watches is
// reached) is not told: changed is called every period anyhow, too. The
// changes of other hosts to a network file system are seen that way only.
func Directories(ctx context.Context, paths []string, period time.Duration, changed func()) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return poll(ctx, period, changed)
	}
	file := os.NewFile(uintptr(fd), "inotify")
	defer func() { _ = file.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = file.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buffer := make([]byte, 16<<10)
	for ctx.Err() == nil {
		watch(fd, paths)
		watch(fd, paths) // what was made while its parent was not watched yet
		changed()
		// The context may end in between: its deadline must not be put off.
		_ = file.SetReadDeadline(time.Now().Add(period))
		if ctx.Err() != nil {
			return nil
		}
		if _, err := file.Read(buffer); err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("read notices of files: %w", err)
		}
	}
	return nil
}

// watch watches every directory, or what of its path is there. To watch again
// what is watched changes nothing.
func watch(fd int, paths []string) {
	for _, path := range paths {
		for {
			_, err := unix.InotifyAddWatch(fd, path, interest)
			parent := filepath.Dir(path)
			if err == nil || parent == path || !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
				break
			}
			path = parent
		}
	}
}

// poll is Directories without notices.
func poll(ctx context.Context, period time.Duration, changed func()) error {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		changed()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// ReaderGone tells whether nobody can read any more what is written to a file:
// the last reader of its pipe closed it, or its terminal hung up. It waits for
// nothing, and is false for other files.
func ReaderGone(file *os.File) bool {
	raw, err := file.SyscallConn()
	if err != nil {
		return false
	}
	gone := false
	_ = raw.Control(func(fd uintptr) {
		list := []unix.PollFd{{Fd: int32(fd)}}
		n, err := unix.Poll(list, 0)
		gone = err == nil && n > 0 && list[0].Revents&(unix.POLLERR|unix.POLLHUP) != 0
	})
	return gone
}
