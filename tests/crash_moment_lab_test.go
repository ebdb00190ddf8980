package tests

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/engine/kernel"
	"holdfast/plan"
	"holdfast/store"
)

// A bomb counts the moments of a process: between two of them it does one
// thing to the disk or to the network. At one of them it goes off.
type bomb struct {
	// at is the moment that it goes off at, counted from 1; 0 is never.
	at int
	// also is killed with this process, 0 is nobody; instead keeps this process
	// alive.
	also    int
	instead bool

	mu    sync.Mutex
	count int
}

// moment counts one, after what the words say.
func (b *bomb) moment(words ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count++
	if b.count == b.at {
		b.explode(fmt.Sprint(words...))
	}
}

// ahead tells whether the bomb goes off in the next n moments, and before which
// of them, counted from 0. If not, they are counted.
func (b *bomb) ahead(n int) (which int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if which = b.at - b.count - 1; which >= 0 && which < n {
		b.count += which
		return which, true
	}
	b.count += n
	return 0, false
}

// explode kills: nothing is closed, written back, or said to anybody.
func (b *bomb) explode(where string) {
	fmt.Fprintf(os.Stderr, "%safter %s\n", died, where)
	if b.also != 0 {
		_ = unix.Kill(b.also, unix.SIGKILL)
	}
	if !b.instead {
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
}

// files is the file system with a moment after each thing that is done to it.
type files struct {
	store.OS
	bomb *bomb
}

func (f files) did(what, path string) { f.bomb.moment(what, " ", filepath.Base(path)) }

// Mkdir makes a directory.
func (f files) Mkdir(path string, mode os.FileMode) error {
	defer f.did("mkdir", path)
	return f.OS.Mkdir(path, mode)
}

// Create makes a file.
func (f files) Create(path string) (store.File, error) {
	made, err := f.OS.Create(path)
	f.did("create", path)
	return file{made, f, path}, err
}

// Rename gives a file another name.
func (f files) Rename(from, to string) error {
	defer f.did("rename to", to)
	return f.OS.Rename(from, to)
}

// Remove removes a file.
func (f files) Remove(path string) error {
	err := f.OS.Remove(path)
	if err == nil {
		f.did("remove", path)
	}
	return err
}

// SyncDir waits for a directory.
func (f files) SyncDir(path string) error {
	defer f.did("sync directory", path)
	return f.OS.SyncDir(path)
}

// file is one that is being written: first one half, then the other.
type file struct {
	store.File
	files files
	path  string
}

// Write writes.
func (f file) Write(p []byte) (int, error) {
	n, err := f.File.Write(p[:len(p)/2])
	f.files.did("write half of", f.path)
	if err != nil {
		return n, err
	}
	m, err := f.File.Write(p[len(p)/2:])
	f.files.did("write", f.path)
	return n + m, err
}

// Sync waits for the content.
func (f file) Sync() error {
	defer f.files.did("sync", f.path)
	return f.File.Sync()
}

// mined is the kernel engine with a moment at each step, each checkpoint, and
// all through a rollback.
type mined struct {
	*kernel.Engine
	bomb *bomb
	// fails lets the last step be refused.
	fails bool
}

// Apply carries the plan out; it may end before any of its steps, with the
// others of the step's level done or not.
func (m *mined) Apply(ctx context.Context, p *plan.Plan, progress func(engine.Progress)) error {
	steps := len(p.Steps)
	at, dies := m.bomb.ahead(steps)
	switch {
	case dies && m.bomb.instead:
		m.bomb.moment("steps begin")
	case dies:
		f := &faulty{failAt: at, level: at%2 == 1}
		cut := *p
		cut.Steps = f.cut(p.Steps)
		if err := m.Engine.Apply(ctx, &cut, progress); !strings.Contains(err.Error(), string(injected)) {
			return err
		}
		m.bomb.moment(at, " of ", steps, " steps")
	case m.fails:
		f := &faulty{Engine: m.Engine, failAt: steps - 1}
		err := f.Apply(ctx, p, progress)
		m.bomb.moment("the last step failed")
		return err
	}
	err := m.Engine.Apply(ctx, p, progress)
	m.bomb.moment("apply")
	return err
}

// Checkpoint takes one.
func (m *mined) Checkpoint(ctx context.Context) (engine.Checkpoint, error) {
	c, err := m.Engine.Checkpoint(ctx)
	m.bomb.moment("checkpoint")
	return &minedCheckpoint{c, m.bomb}, err
}

// Reopen gives one back.
func (m *mined) Reopen(ctx context.Context, stored []byte) (engine.Checkpoint, error) {
	c, err := m.Engine.Reopen(ctx, stored)
	m.bomb.moment("reopen")
	return &minedCheckpoint{c, m.bomb}, err
}

type minedCheckpoint struct {
	engine.Checkpoint
	bomb *bomb
}

// depths are how long a rollback goes on before it is killed in its midst.
// Where exactly that is, is the machine's business.
var depths = []time.Duration{
	5 * time.Millisecond, 30 * time.Millisecond, 80 * time.Millisecond, 150 * time.Millisecond,
	300 * time.Millisecond, 600 * time.Millisecond,
}

// Rollback goes back.
func (c *minedCheckpoint) Rollback(ctx context.Context) error {
	at, dies := c.bomb.ahead(len(depths))
	if !dies {
		err := c.Checkpoint.Rollback(ctx)
		c.bomb.moment("rollback")
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Checkpoint.Rollback(ctx) }()
	select {
	case <-time.After(depths[at]):
		c.bomb.moment("rollback for ", depths[at])
		return <-ended
	case err := <-ended:
		c.bomb.moment("rollback, and ", depths[at], " had not passed")
		return err
	}
}

// Release lets it go.
func (c *minedCheckpoint) Release(ctx context.Context) error {
	defer c.bomb.moment("release")
	return c.Checkpoint.Release(ctx)
}

// Store gives the stored form.
func (c *minedCheckpoint) Store() ([]byte, error) {
	defer c.bomb.moment("store the checkpoint")
	return c.Checkpoint.Store()
}
