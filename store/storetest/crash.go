package storetest

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// Crash is a disk as it is found after a crash.
type Crash struct {
	// After counts the operations that came before it.
	After int
	// What tells what became of that which was not durable.
	What string
	// Power is set when the power was cut: directories in memory are empty,
	// and it is another boot.
	Power bool
	// Disk is what is found.
	Disk *Disk
}

// String tells where the crash was.
func (c Crash) String() string { return fmt.Sprintf("after %d operations, %s", c.After, c.What) }

// Kills gives, for every prefix of the operations, none and all of them
// included, what is found when the process is killed there: everything that it
// did.
func (d *Disk) Kills() iter.Seq[Crash] {
	return func(yield func(Crash) bool) {
		d.replay(func(after int, t *tree) bool {
			return yield(Crash{After: after, What: "killed", Disk: (&Disk{live: t.clone()}).settled()})
		})
	}
}

// Cuts gives, for every prefix of the operations, each different thing that is
// found when the power is cut there.
func (d *Disk) Cuts() iter.Seq[Crash] {
	return func(yield func(Crash) bool) {
		d.replay(func(after int, t *tree) bool {
			seen := map[string]bool{}
			for what, left := range t.cuts() {
				key := left.root.key("", nil)
				if seen[key] {
					continue
				}
				seen[key] = true
				if !yield(Crash{After: after, What: what, Power: true, Disk: (&Disk{live: left}).settled()}) {
					return false
				}
			}
			return true
		})
	}
}

// replay carries the operations out once more and looks at the disk after each.
func (d *Disk) replay(look func(after int, t *tree) bool) {
	d.mu.Lock()
	t, ops := d.base.clone(), slices.Clone(d.ops)
	d.mu.Unlock()
	if !look(0, t) {
		return
	}
	for i, op := range ops {
		if _, err := t.apply(op); err != nil {
			panic(fmt.Sprintf("internal error: storetest: %s worked before and does not now: %v", op, err))
		}
		if !look(i+1, t) {
			return
		}
	}
}

// everySubset is up to how many changes of names all of their subsets are
// tried. Beyond that it is those that lack one, or have only one, and the
// beginnings.
const everySubset = 7

// A loss says what becomes of content that was not synced.
type loss string

const (
	old    loss = "old content" // nothing of a new file
	whole  loss = "new content"
	half   loss = "half of it"
	zeroed loss = "zeroes"
)

// cuts gives what a power cut can leave of a tree.
func (t *tree) cuts() iter.Seq2[string, *tree] {
	return func(yield func(string, *tree) bool) {
		count := 0
		unsure := false
		for _, n := range t.nodes {
			count += len(t.unsure(n))
			unsure = unsure || !n.dir && string(n.data) != string(n.safe)
		}
		losses := []loss{old}
		if unsure {
			losses = []loss{old, whole, half, zeroed}
		}
		for _, kept := range subsets(count) {
			for _, l := range losses {
				what := fmt.Sprintf("power cut, names %s, %s", mask(kept), l)
				if !yield(what, t.cut(kept, l)) {
					return
				}
			}
		}
	}
}

// unsure are a node's changes of names that may be lost.
func (t *tree) unsure(n *node) []change {
	if n.memory {
		return nil
	}
	return n.pending
}

// subsets gives which of count changes are kept.
func subsets(count int) [][]bool {
	var list [][]bool
	if count <= everySubset {
		for bits := range 1 << count {
			kept := make([]bool, count)
			for i := range kept {
				kept[i] = bits>>i&1 == 1
			}
			list = append(list, kept)
		}
		return list
	}
	for n := range count + 1 {
		first, but, only := make([]bool, count), make([]bool, count), make([]bool, count)
		for i := range count {
			first[i], but[i], only[i] = i < n, i != n, i == n
		}
		list = append(list, first, but, only)
	}
	return list
}

func mask(kept []bool) string {
	text := []byte("-")
	for _, k := range kept {
		text = append(text, map[bool]byte{false: '0', true: '1'}[k])
	}
	return string(text)
}

// cut is what is left when those changes of names are kept, counted in the order
// in which they were made.
func (t *tree) cut(kept []bool, l loss) *tree {
	var changes []change
	dirs := map[int]*node{}
	for _, n := range t.nodes {
		for _, c := range t.unsure(n) {
			changes = append(changes, c)
			dirs[c.step] = n
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return a.step - b.step })
	names := map[*node]map[string]*node{}
	for _, n := range t.nodes {
		if n.dir && !n.memory {
			names[n] = maps.Clone(n.safeEntries)
		}
	}
	for i, c := range changes {
		if !kept[i] {
			continue
		}
		for name, n := range c.names {
			if n == nil {
				delete(names[dirs[c.step]], name)
			} else {
				names[dirs[c.step]][name] = n
			}
		}
	}
	left := &tree{nodes: map[int]*node{}}
	left.root = left.take(t.root, names, l)
	return left
}

// take copies what is left of a node, with what is below it.
func (t *tree) take(n *node, names map[*node]map[string]*node, l loss) *node {
	c := t.add(n.dir, n.mode)
	c.memory = n.memory
	for name, child := range names[n] {
		c.entries[name] = t.take(child, names, l)
	}
	if n.dir {
		return c
	}
	c.data = n.safe
	if string(n.safe) != string(n.data) {
		switch l {
		case whole:
			c.data = n.data
		case half:
			c.data = n.data[:len(n.data)/2]
		case zeroed:
			c.data = make([]byte, len(n.data))
		}
	}
	return c
}

// key is all that is below a node, to tell disks apart.
func (n *node) key(path string, out []string) string {
	if !n.dir {
		return path + "\x00" + string(n.data)
	}
	out = append(out, path)
	for _, name := range n.names() {
		out = append(out, n.entries[name].key(path+"/"+name, nil))
	}
	return strings.Join(out, "\x01")
}
