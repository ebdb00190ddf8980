package storetest

import (
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// A tree is what a disk holds: what processes see, and what a power cut leaves.
type tree struct {
	root  *node
	nodes map[int]*node
	steps int // counts the changes of names
}

// A node is a file or a directory.
type node struct {
	id   int
	dir  bool
	mode fs.FileMode

	// data is a file's content, and safe what is durable of it. poisoned is set
	// when a sync failed: what was written stays unsure.
	data, safe []byte
	poisoned   bool

	// names are a directory's, safeNames the durable ones, and pending the
	// changes between them. In a directory in memory nothing is durable.
	entries, safeEntries map[string]*node
	pending              []change
	memory               bool
}

// A change gives a name to a node, or takes it away. What one rename does in
// one directory happens together or not at all.
type change struct {
	step  int
	names map[string]*node // nil takes the name away
	stuck bool             // a sync failed on it
}

func newTree() *tree {
	t := &tree{nodes: map[int]*node{}}
	t.root = t.add(true, fs.ModeDir|0o755)
	return t
}

func (t *tree) add(dir bool, mode fs.FileMode) *node {
	n := &node{id: len(t.nodes) + 1, dir: dir, mode: mode}
	if dir {
		n.entries, n.safeEntries = map[string]*node{}, map[string]*node{}
	}
	t.nodes[n.id] = n
	return n
}

func (n *node) names() []string { return slices.Sorted(maps.Keys(n.entries)) }

// walk appends the paths of the files below a directory.
func (n *node) walk(path string, list []string) []string {
	if !n.dir || len(n.entries) == 0 {
		return append(list, path)
	}
	for _, name := range n.names() {
		list = n.entries[name].walk(filepath.Join(path, name), list)
	}
	return list
}

func (t *tree) find(path string) (*node, error) {
	n := t.root
	for name := range strings.SplitSeq(strings.Trim(filepath.Clean(path), "/"), "/") {
		if name == "" {
			continue
		}
		if !n.dir {
			return nil, syscall.ENOTDIR
		}
		next, ok := n.entries[name]
		if !ok {
			return nil, syscall.ENOENT
		}
		n = next
	}
	return n, nil
}

// at finds the directory of a path, and the name in it.
func (t *tree) at(path string) (*node, string, error) {
	dir, err := t.find(filepath.Dir(path))
	if err == nil && !dir.dir {
		err = syscall.ENOTDIR
	}
	return dir, filepath.Base(path), err
}

func (t *tree) mkdirAll(path string) {
	if _, err := t.find(path); err == nil {
		return
	}
	t.mkdirAll(filepath.Dir(path))
	n, err := t.apply(Op{Kind: Mkdir, Path: path, mode: 0o755})
	if err != nil {
		panic("internal error: storetest: " + err.Error())
	}
	n.memory = path == "/run" || strings.HasPrefix(path, "/run/")
}

// put makes a file or, without content, a directory.
func (t *tree) put(path string, data []byte) {
	dir, name, err := t.at(path)
	if err != nil {
		panic("internal error: storetest: " + err.Error())
	}
	n := t.add(data == nil, 0o600)
	if n.dir {
		n.mode = fs.ModeDir | 0o700
	}
	n.data = data
	t.name(dir, map[string]*node{name: n})
}

// name changes names of a directory.
func (t *tree) name(dir *node, names map[string]*node) {
	t.steps++
	for name, n := range names {
		if n == nil {
			delete(dir.entries, name)
		} else {
			dir.entries[name] = n
		}
	}
	dir.pending = append(dir.pending, change{step: t.steps, names: names})
}

// apply carries an operation out. What is made is given back.
func (t *tree) apply(op Op) (*node, error) {
	switch op.Kind {
	case Write, Sync:
		n := t.nodes[op.node]
		n.write(op)
		return n, nil
	case SyncDir:
		n, err := t.find(op.Path)
		if err == nil {
			n.sync(op.failed)
		}
		return n, err
	case Rename:
		return nil, t.rename(op.Path, op.To)
	}
	dir, name, err := t.at(op.Path)
	if err != nil {
		return nil, err
	}
	there, exists := dir.entries[name]
	switch {
	case op.Kind == Remove && !exists:
		return nil, syscall.ENOENT
	case op.Kind == Remove && there.dir && len(there.entries) > 0:
		return nil, syscall.ENOTEMPTY
	case op.Kind == Remove:
		t.name(dir, map[string]*node{name: nil})
		return nil, nil
	case exists:
		return nil, syscall.EEXIST
	}
	n := t.add(op.Kind == Mkdir, 0o600)
	if n.dir {
		n.mode, n.memory = fs.ModeDir|op.mode, dir.memory
	}
	t.name(dir, map[string]*node{name: n})
	return n, nil
}

// write appends to a file, or syncs it.
func (n *node) write(op Op) {
	switch {
	case op.Kind == Write:
		n.data = append(slices.Clip(n.data), op.Data...)
	case op.failed:
		n.poisoned = true
	case !n.poisoned:
		n.safe = n.data
	}
}

// sync makes the names of a directory durable, those apart that a sync failed
// on before.
func (n *node) sync(failed bool) {
	if failed {
		for i := range n.pending {
			n.pending[i].stuck = true
		}
		return
	}
	var stuck []change
	for _, c := range n.pending {
		if c.stuck {
			stuck = append(stuck, c)
			continue
		}
		n.makeSafe(c, stuck)
	}
	n.pending = stuck
}

// makeSafe makes a change durable; what is stuck before it and speaks of the
// same names is outdated by it.
func (n *node) makeSafe(c change, stuck []change) {
	for name, to := range c.names {
		for _, s := range stuck {
			delete(s.names, name)
		}
		if to == nil {
			delete(n.safeEntries, name)
		} else {
			n.safeEntries[name] = to
		}
	}
}

func (t *tree) rename(from, to string) error {
	source, name, err := t.at(from)
	if err != nil {
		return err
	}
	target, newName, err := t.at(to)
	if err != nil {
		return err
	}
	n, ok := source.entries[name]
	if !ok {
		return syscall.ENOENT
	}
	if old, ok := target.entries[newName]; ok {
		switch {
		case old.dir:
			return syscall.EEXIST // as os.Rename has it
		case n.dir:
			return syscall.ENOTDIR
		}
	}
	if source == target {
		t.name(source, map[string]*node{name: nil, newName: n})
		return nil
	}
	t.name(target, map[string]*node{newName: n})
	t.name(source, map[string]*node{name: nil})
	return nil
}

// settle makes everything durable.
func (t *tree) settle() {
	for _, n := range t.nodes {
		n.safe, n.poisoned = n.data, false
		if n.dir {
			n.safeEntries, n.pending = maps.Clone(n.entries), nil
		}
	}
}

// clone is a copy of a tree that is settled.
func (t *tree) clone() *tree {
	c := &tree{nodes: map[int]*node{}, steps: t.steps}
	for id, n := range t.nodes {
		copied := *n
		copied.pending = nil
		c.nodes[id] = &copied
	}
	for _, n := range c.nodes {
		if !n.dir {
			continue
		}
		entries := make(map[string]*node, len(n.entries))
		for name, child := range n.entries {
			entries[name] = c.nodes[child.id]
		}
		n.entries, n.safeEntries = entries, maps.Clone(entries)
	}
	c.root = c.nodes[t.root.id]
	return c
}
