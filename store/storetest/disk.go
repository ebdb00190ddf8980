// Package storetest is a disk for the tests of whoever uses a store: it lies in
// memory, remembers every operation, can fail at any of them, and tells what a
// process that is killed, or a power cut, leaves of it.
//
// What it promises is no more than POSIX does. Content that was not synced is
// lost, cut short or zeroes after a power cut, whatever name the file has by
// then: renames overtake data, as on ext4 with noauto_da_alloc. Names that were
// given or taken since their directory was synced are there or not, each by
// itself. What a sync failed on is never safe again, also when a later sync
// works.
package storetest

import (
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"holdfast/store"
)

// Kind is what an operation does.
type Kind string

// The kinds of operations. Read is any that changes nothing.
const (
	Mkdir   Kind = "mkdir"
	Create  Kind = "create"
	Write   Kind = "write"
	Sync    Kind = "sync"
	Rename  Kind = "rename"
	Remove  Kind = "remove"
	SyncDir Kind = "syncdir"
	Read    Kind = "read"
)

// Op is one operation.
type Op struct {
	Kind Kind
	// Path is what it works on, and To the new name of a rename.
	Path, To string
	// Data is what is written.
	Data []byte

	mode   fs.FileMode
	node   int  // the file that is written or synced
	failed bool // a sync that failed
}

// String is the kind and the paths.
func (o Op) String() string {
	text := string(o.Kind) + " " + o.Path
	if o.To != "" {
		text += " " + o.To
	}
	return text
}

// Verdict is how an operation ends.
type Verdict struct {
	// Err is what it fails with; nil lets it be.
	Err error
	// Late carries the operation out although it fails.
	Late bool
	// Short writes that many bytes before it fails.
	Short int
}

// Disk is a disk in memory. Its methods may be called from several goroutines.
// Paths are absolute.
type Disk struct {
	mu     sync.Mutex
	live   *tree
	base   *tree // live before the first of ops
	ops    []Op
	calls  int
	inject func(call int, op Op) Verdict
}

var _ store.FS = (*Disk)(nil)

// NewDisk is a disk with these directories. Those below /run are in memory: a
// power cut empties them.
func NewDisk(dirs ...string) *Disk {
	d := &Disk{live: newTree()}
	for _, dir := range append([]string{"/run"}, dirs...) {
		d.live.mkdirAll(dir)
	}
	return d.settled()
}

// settled makes everything durable, and begins to remember anew.
func (d *Disk) settled() *Disk {
	d.live.settle()
	d.base, d.ops, d.calls = d.live.clone(), nil, 0
	return d
}

// Clone is a disk with the same content, all of it durable, that has nothing to
// remember and no faults.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	return (&Disk{live: d.live.clone()}).settled()
}

// Inject asks how each operation shall end. Calls are counted from 0, reads and
// those that fail included. Nil heals the disk.
func (d *Disk) Inject(verdict func(call int, op Op) Verdict) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inject, d.calls = verdict, 0
}

// Ops are the operations that changed the disk, in order.
func (d *Disk) Ops() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.ops)
}

// do carries an operation out, unless it is to fail.
func (d *Disk) do(op Op) (*node, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var verdict Verdict
	if d.inject != nil {
		verdict = d.inject(d.calls, op)
	}
	d.calls++
	if verdict.Err == nil || verdict.Late {
		n, err := d.run(op)
		if err == nil && verdict.Err != nil {
			err = &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: verdict.Err}
		}
		return n, err
	}
	switch op.Kind {
	case Write:
		op.Data = op.Data[:min(verdict.Short, len(op.Data))]
		_, _ = d.run(op)
	case Sync, SyncDir:
		op.failed = true
		_, _ = d.run(op)
	}
	return nil, &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: verdict.Err}
}

// run changes the live disk and remembers that.
func (d *Disk) run(op Op) (*node, error) {
	if op.Kind == Read {
		n, err := d.live.find(op.Path)
		return n, pathError(op, err)
	}
	n, err := d.live.apply(op)
	if err == nil {
		d.ops = append(d.ops, op)
	}
	return n, pathError(op, err)
}

func pathError(op Op, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: err}
}

// ReadFile reads a file.
func (d *Disk) ReadFile(path string) ([]byte, error) {
	n, err := d.do(Op{Kind: Read, Path: path})
	if err != nil {
		return nil, err
	}
	if n.dir {
		return nil, &fs.PathError{Op: "read", Path: path, Err: store.ErrNoFile}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(n.data), nil
}

// ReadDir lists the names in a directory, sorted.
func (d *Disk) ReadDir(path string) ([]string, error) {
	n, err := d.do(Op{Kind: Read, Path: path})
	if err != nil {
		return nil, err
	}
	if !n.dir {
		return nil, &fs.PathError{Op: "readdir", Path: path, Err: syscall.ENOTDIR}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return n.names(), nil
}

// Lstat tells about a file.
func (d *Disk) Lstat(path string) (fs.FileInfo, error) {
	n, err := d.do(Op{Kind: Read, Path: path})
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return info{name: filepath.Base(path), mode: n.mode, size: int64(len(n.data))}, nil
}

// Mkdir makes a directory.
func (d *Disk) Mkdir(path string, mode fs.FileMode) error {
	_, err := d.do(Op{Kind: Mkdir, Path: path, mode: mode})
	return err
}

// Create makes a new file.
func (d *Disk) Create(path string) (store.File, error) {
	n, err := d.do(Op{Kind: Create, Path: path})
	if err != nil {
		return nil, err
	}
	return &file{disk: d, path: path, node: n.id}, nil
}

// Rename gives a file another name.
func (d *Disk) Rename(from, to string) error {
	_, err := d.do(Op{Kind: Rename, Path: from, To: to})
	return err
}

// Remove removes a file or an empty directory.
func (d *Disk) Remove(path string) error {
	_, err := d.do(Op{Kind: Remove, Path: path})
	return err
}

// SyncDir makes the names in a directory durable.
func (d *Disk) SyncDir(path string) error {
	_, err := d.do(Op{Kind: SyncDir, Path: path})
	return err
}

// Put writes a file past everything, durable at once; nothing remembers it.
// Nil content makes a directory.
func (d *Disk) Put(path string, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.live.put(path, data)
	d.settled()
}

// Names lists the paths of all files below a directory, sorted; a directory that is
// empty counts as one.
func (d *Disk) Names(dir string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	n, err := d.live.find(dir)
	if err != nil {
		return nil
	}
	return n.walk(filepath.Clean(dir), nil)
}

// file is one that is being written.
type file struct {
	disk *Disk
	path string
	node int
}

// Write appends.
func (f *file) Write(data []byte) (int, error) {
	var short int
	f.disk.mu.Lock()
	before := f.disk.size(f.node)
	f.disk.mu.Unlock()
	_, err := f.disk.do(Op{Kind: Write, Path: f.path, Data: slices.Clone(data), node: f.node})
	if err == nil {
		return len(data), nil
	}
	f.disk.mu.Lock()
	short = f.disk.size(f.node) - before
	f.disk.mu.Unlock()
	return short, err
}

func (d *Disk) size(node int) int { return len(d.live.nodes[node].data) }

// Sync makes the content durable.
func (f *file) Sync() error {
	_, err := f.disk.do(Op{Kind: Sync, Path: f.path, node: f.node})
	return err
}

// Close does nothing: it makes nothing durable.
func (f *file) Close() error { return nil }

// info is what Lstat tells.
type info struct {
	name string
	mode fs.FileMode
	size int64
}

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
