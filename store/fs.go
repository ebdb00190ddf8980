package store

import (
	"io"
	"io/fs"
)

// FS is the file layer: everything that a Store reads or writes goes through
// it, so that a test can stand between them and the disk. OS is the real one,
// storetest.Disk the one that remembers, breaks and loses power. Errors are
// those of package os: a file that is missing gives fs.ErrNotExist.
type FS interface {
	Reader
	Writer
}

// Reader is the half of FS that needs no rights to write.
type Reader interface {
	// ReadFile reads a regular file. A symbolic link, a directory and other
	// things that are no file give ErrNoFile.
	ReadFile(path string) ([]byte, error)
	// ReadDir lists the names in a directory, sorted.
	ReadDir(path string) ([]string, error)
	// Lstat tells about a file, and about a link itself.
	Lstat(path string) (fs.FileInfo, error)
}

// Writer is the half of FS that changes the disk. What it did can be lost, or
// be on disk in another order, until Sync and SyncDir say otherwise.
type Writer interface {
	// Mkdir makes a directory of that mode, whatever the umask is.
	Mkdir(path string, mode fs.FileMode) error
	// Create makes a new file of mode 0600. It follows no link and fails where
	// anything has the name already.
	Create(path string) (File, error)
	// Rename gives a file another name, in place of what has it.
	Rename(from, to string) error
	// Remove removes a file or an empty directory.
	Remove(path string) error
	// SyncDir waits until the directory's names are on disk.
	SyncDir(path string) error
}

// File is a file that is being written.
type File interface {
	io.WriteCloser
	// Sync waits until the content is on disk; the name is SyncDir's business.
	// After an error the content is lost for good: a second Sync that works
	// says nothing (fsync(2)).
	Sync() error
}
