// Package store keeps on disk what must survive: the generations of the owned
// configuration, the history of what was tried, and the journal of the
// transaction that is pending.
//
// Each file is written under a temporary name, synced, given its name and made
// durable by a sync of its directory, so that whatever is killed, and whenever
// the power fails, the old or the new is there, never a mixture. The two moments
// that decide are a rename each, which needs no room on the disk: Begin gives
// the journal the name that says that the host may be changed, Commit gives the
// prepared generation the name that says that it is in force. Between Begin and
// the end of the change nothing is written but a mark in the run directory,
// since the state directory may lie on storage that is reached over the network
// that is being changed.
//
// docs/store.md describes the files.
package store

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Options say where a store lies.
type Options struct {
	// StateDir is the directory of what outlives a reboot. It is made, with
	// mode 0700, when something is written.
	StateDir string
	// RunDir is the directory of what does not outlive it.
	RunDir string
	// FS is the file layer; nil is OS.
	FS FS
	// Boot is the id of this boot; the kernel's if empty.
	Boot string
	// Logger is told about damage and about what could not be cleaned away;
	// nil is nobody.
	Logger *slog.Logger
}

// Store is a state directory with its run directory. Reading takes no lock,
// needs no right to write, and never waits for a writer. Whoever writes must
// hold the lock of the network namespace: a Store orders the writers of its
// process, and knows nothing of others.
type Store struct {
	fs               FS
	stateDir, runDir string
	boot             string
	logger           *slog.Logger

	// writing is held by every method that writes.
	writing sync.Mutex

	mu sync.Mutex
	// now is the transaction that this Store carries, nil if none; it spares
	// reading the disk while the network is half-way.
	now *Journal
}

// Open opens a store. It makes nothing on disk; directories that are missing
// read as empty ones. A directory of a newer format is refused with a
// *VersionError, one that others may write to with an *UnsafeError. Whoever may
// not read the directory learns that from what it reads.
func Open(options Options) (*Store, error) {
	if options.StateDir == "" || options.RunDir == "" {
		return nil, errors.New("a store needs a state directory and a run directory")
	}
	s := &Store{
		fs: options.FS, boot: options.Boot, logger: options.Logger,
		stateDir: filepath.Clean(options.StateDir), runDir: filepath.Clean(options.RunDir),
	}
	if s.fs == nil {
		s.fs = OS{}
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if s.boot == "" {
		s.boot = bootID()
	}
	if _, err := s.format(); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	for _, dir := range []string{s.stateDir, s.generations()} {
		if err := s.safe(dir); err != nil && !errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
	}
	return s, nil
}

// bootID is the kernel's id of this boot (random(4)), empty if it is not known.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// formatPrefix begins the one line of the format file.
const formatPrefix = "holdfast store "

// format tells the version of the directory's format, 0 if none is written
// down. A damaged one is 0, too: each file tells its own version.
func (s *Store) format() (int, error) {
	path := s.inState(formatName)
	text, err := s.fs.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case isDamage(err):
		s.logger.Warn("the format of the state directory cannot be read", "file", path, "err", err)
		return 0, nil
	case err != nil:
		return 0, err
	}
	line := strings.TrimSuffix(string(text), "\n")
	version, err := strconv.Atoi(strings.TrimPrefix(line, formatPrefix))
	if err != nil || !strings.HasPrefix(line, formatPrefix) || version < 1 {
		s.logger.Warn("the format of the state directory cannot be read", "file", path, "err", fmt.Errorf("%q is no format", line))
		return 0, nil
	}
	if version > Version {
		return version, Damage{Path: path, Err: &VersionError{Version: version}}
	}
	return version, nil
}

// safe tells whether a directory, if it is there, can be read from: nobody but
// its owner may write to it.
func (s *Store) safe(dir string) error {
	info, err := s.fs.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case s.elsewhere(dir, info):
		return nil
	case !info.IsDir():
		return &UnsafeError{Path: dir, Why: "is no directory"}
	case othersWrite(info):
		return &UnsafeError{Path: dir, Why: fmt.Sprintf("others may write to it (mode %04o)", info.Mode().Perm())}
	}
	return nil
}

// othersWrite tells whether somebody else may write to a directory: everybody, or
// a group that is neither root's nor the caller's own.
func othersWrite(info fs.FileInfo) bool {
	switch perm := info.Mode().Perm(); {
	case perm&0o002 != 0:
		return true
	case perm&0o020 == 0:
		return false
	}
	_, gid, ok := owner(info)
	return ok && gid != 0 && gid != os.Getegid()
}

// elsewhere tells whether the administrator put the state directory at another
// place, whose rights are then his business. What lies in it is never a link.
func (s *Store) elsewhere(dir string, info fs.FileInfo) bool {
	return info.Mode()&fs.ModeSymlink != 0 && dir == s.stateDir
}

// ours tells whether a directory can be written to: it must be safe, and belong
// to the caller or to root.
func (s *Store) ours(dir string) error {
	if err := s.safe(dir); err != nil {
		return err
	}
	info, err := s.fs.Lstat(dir)
	if err != nil || s.elsewhere(dir, info) {
		return err
	}
	if uid, _, ok := owner(info); ok && uid != 0 && uid != os.Geteuid() {
		return &UnsafeError{Path: dir, Why: fmt.Sprintf("belongs to user %d", uid)}
	}
	return nil
}
