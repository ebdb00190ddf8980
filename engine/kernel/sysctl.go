package kernel

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"holdfast/engine"
)

// sysctls writes net.ipv4.conf.LINK.KEY and net.ipv6.conf.LINK.KEY, for what
// netlink has no way to change. It keeps the folders open: they are those of
// the network namespace that they were opened in.
type sysctls struct {
	v4, v6 *os.File // nil if the kernel has no such folder
	writes *atomic.Int64
}

// openSysctls opens the folders; writes is counted up for each value written.
func openSysctls(writes *atomic.Int64) *sysctls {
	return &sysctls{v4: openDir("/proc/sys/net/ipv4/conf"), v6: openDir("/proc/sys/net/ipv6/conf"), writes: writes}
}

// openDir gives nil for a folder that is not there: an IPv6-less kernel, or no
// /proc at all, with which much can still be shown.
func openDir(path string) *os.File {
	f, err := os.OpenFile(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	return f
}

func (s *sysctls) close() error {
	var errs []error
	for _, f := range []*os.File{s.v4, s.v6} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// dir is the folder of a family.
func (s *sysctls) dir(family uint8) *os.File {
	if family == unix.AF_INET6 {
		return s.v6
	}
	return s.v4
}

// get reads a value without its line end.
func (s *sysctls) get(family uint8, link, key string) (string, error) {
	f, err := s.open(family, link, key, unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	value, err := readValue(f)
	return value, errors.Join(err, f.Close())
}

// set writes a value unless it is there already. Without IPv6 in the kernel
// the error is unix.EAFNOSUPPORT.
func (s *sysctls) set(family uint8, link, key, value string) error {
	f, err := s.open(family, link, key, unix.O_RDWR)
	if err != nil {
		return err
	}
	old, err := readValue(f)
	if err == nil && old != value {
		_, err = f.WriteAt([]byte(value), 0)
		s.writes.Add(1)
	}
	return errors.Join(err, f.Close())
}

func (s *sysctls) open(family uint8, link, key string, flags int) (*os.File, error) {
	dir := s.dir(family)
	if dir == nil {
		return nil, unix.EAFNOSUPPORT
	}
	path := link + "/" + key
	fd, err := unix.Openat(int(dir.Fd()), path, flags|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: dir.Name() + "/" + path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

func readValue(f *os.File) (string, error) {
	var b [128]byte
	n, err := f.ReadAt(b[:], 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(string(b[:n])), err
}

// setSysctl makes a task that writes a value. The value "default" is what
// conf/default has.
func setSysctl(family uint8, link, key, value string) task {
	version := "ipv4"
	if family == unix.AF_INET6 {
		version = "ipv6"
	}
	op := fmt.Sprintf("set net.%s.conf.%s.%s = %s", version, link, key, value)
	return task{op: op, call: func(_ context.Context, e *Engine) error {
		wanted := value
		if value == "default" {
			var err error
			if wanted, err = e.sysctl.get(family, "default", key); err != nil {
				return sysctlError(op, link, err)
			}
		}
		return sysctlError(op, link, e.sysctl.set(family, link, key, wanted))
	}}
}

// sysctlError is newOpError, but for what only files say.
func sysctlError(op, link string, err error) error {
	if errors.Is(err, unix.EAFNOSUPPORT) {
		return &engine.Error{
			Op: op, Object: link, Kind: engine.Unsupported, Err: err,
			Hint: "IPv6 is switched off in this kernel (ipv6.disable=1), or /proc/sys is not there",
		}
	}
	return newOpError(op, link, err)
}
