package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/internal/hostfile"
	"holdfast/internal/resolver"
	"holdfast/plan"
	"holdfast/state"
)

var _ engine.Checkpoint = (*checkpoint)(nil)

// checkpointVersion is the format of a stored checkpoint; a newer one is
// refused.
const checkpointVersion = 1

// A checkpoint is a raw picture of the host: every object with all its
// attributes, and what was about to be done to it.
type checkpoint struct {
	// rebooted is set when the host was started anew since it was taken.
	rebooted bool

	e *Engine
	picture
	// noted are the notes that were not on record yet.
	noted map[string]note
}

// A picture is what is stored of a checkpoint.
type picture struct {
	// Version is the format's.
	Version int `json:"version"`
	// Boot and Namespace tell where it was taken.
	Boot      string `json:"boot"`
	Namespace string `json:"namespace"`
	// Taken is CLOCK_BOOTTIME in seconds, from which lifetimes count.
	Taken int64 `json:"taken"`
	// Network is the kernel's part.
	Network *snapshot `json:"network"`
	// Resolver and Hostname are the files' part.
	Resolver resolver.Image `json:"resolver"`
	Hostname hostfile.Image `json:"hostname"`
	// Made names the links that the plan makes, which were not there before.
	Made []string `json:"made,omitempty"`
	// Touched names the links that a step of the plan speaks of.
	Touched []string `json:"touched,omitempty"`
	// Pinned are the addresses of links touched, or in one stack with them, that
	// somebody had set, by name. PinsRead names the links that were asked.
	Pinned   map[string]string `json:"pinned,omitempty"`
	PinsRead map[string]bool   `json:"pins-read,omitempty"`
	// Readdressed names the links whose hardware address the plan sets.
	Readdressed map[string]bool `json:"readdressed,omitempty"`
	// Owned names the interfaces that the document answers for.
	Owned []string `json:"owned,omitempty"`
	// GivenBack names the NICs that the document wants absent: they stay, and are
	// not ours any more.
	GivenBack []string `json:"given-back,omitempty"`
	// Files is set when the plan changes the resolver or the host name.
	Files bool `json:"files,omitempty"`
	// Plan is set once the plan is known.
	Plan bool `json:"plan,omitempty"`
}

// Checkpoint takes a picture of the host to come back to.
func (e *Engine) Checkpoint(ctx context.Context) (engine.Checkpoint, error) {
	if err := usable(e.options.RunDir); err != nil {
		return nil, fileError("use the run directory", e.options.RunDir, err)
	}
	shot, err := takeSnapshot(ctx, e.conn, wantAll)
	if err != nil {
		return nil, err
	}
	c := &checkpoint{e: e, noted: e.notes.pending(), picture: picture{
		Version: checkpointVersion, Boot: bootID(), Namespace: e.namespace,
		Taken: bootTime(), Network: shot,
	}}
	if c.Resolver, err = e.company.resolver().Save(); err != nil {
		return nil, fileError("read the resolver's configuration", "dns-resolver", err)
	}
	if c.Hostname, err = e.company.hostname().Save(); err != nil {
		return nil, fileError("read the host name", "hostname", err)
	}
	return c, nil
}

// Reopen gives a stored checkpoint back. One of another network namespace is
// refused: what it speaks of is not here. Of one of another boot the kernel's
// part is gone, and Rollback puts back the files that the plan changed.
func (e *Engine) Reopen(_ context.Context, stored []byte) (engine.Checkpoint, error) {
	c := &checkpoint{e: e}
	if err := json.Unmarshal(stored, &c.picture); err != nil {
		return nil, &engine.Error{Op: "read the checkpoint", Kind: engine.Invalid, Err: err}
	}
	if c.Version > checkpointVersion {
		return nil, &engine.Error{
			Op: "read the checkpoint", Kind: engine.Unsupported,
			Err: fmt.Errorf("format version %d is newer than %d", c.Version, checkpointVersion),
		}
	}
	c.rebooted = c.Boot != bootID()
	switch {
	case c.rebooted:
	case c.Namespace != e.namespace:
		return nil, &engine.Error{
			Op: "read the checkpoint", Kind: engine.NotFound,
			Err: fmt.Errorf("it was taken in the network namespace %s, and this is %s", c.Namespace, e.namespace),
		}
	case c.Network == nil:
		return nil, &engine.Error{Op: "read the checkpoint", Kind: engine.Invalid, Err: errNoPicture}
	}
	return c, nil
}

// Store gives a form that Reopen takes.
func (c *checkpoint) Store() ([]byte, error) { return json.Marshal(c.picture) }

// Applied notes what the plan makes and touches.
func (c *checkpoint) Applied(p *plan.Plan) {
	made, touched := map[string]bool{}, map[string]bool{}
	c.Readdressed = map[string]bool{}
	for i := range p.Steps {
		s := &p.Steps[i]
		switch s.Verb {
		case plan.SetDNS, plan.SetHostname:
			c.Files = true
			continue
		case plan.CreateLink:
			made[s.Object] = true
			if s.Link != nil && s.Link.Veth != nil {
				made[s.Link.Veth.Peer] = true
				touched[s.Link.Veth.Peer] = true
			}
		case plan.ChangeLink:
			if slices.Contains(s.Keys, plan.KeyMAC) {
				c.Readdressed[s.Object] = true
			}
		}
		touched[s.Object] = true
		if s.Controller != "" {
			touched[s.Controller] = true
		}
		for _, name := range s.Affects {
			touched[name] = true
		}
	}
	for _, l := range c.Network.Links {
		delete(made, l.Name)
	}
	c.Made, c.Touched = slices.Sorted(maps.Keys(made)), slices.Sorted(maps.Keys(touched))
	c.Owned, c.GivenBack, c.Plan = p.Owned, nil, true
	if p.Target != nil {
		for _, i := range p.Target.Interfaces {
			if i.State == state.Absent {
				c.GivenBack = append(c.GivenBack, i.Name)
			}
		}
	}
	c.readPins()
}

// readPins looks which links of the plan's stacks have an address that somebody
// set. It is called before the first step, and again before a repair, which may
// touch more.
func (c *checkpoint) readPins() {
	names := c.scope()
	maps.DeleteFunc(names, func(name string, _ bool) bool { return c.PinsRead[name] })
	pinned := pinnedAmong(c.Network, names)
	if pinned == nil {
		return
	}
	if c.PinsRead == nil {
		c.Pinned, c.PinsRead = map[string]string{}, map[string]bool{}
	}
	maps.Copy(c.Pinned, pinned)
	maps.Copy(c.PinsRead, names)
}

// Release forgets the checkpoint and records what the plan owns.
func (c *checkpoint) Release(ctx context.Context) error {
	if !c.Plan || c.rebooted {
		return nil
	}
	return c.e.recordOwned(ctx, c.Owned, c.GivenBack)
}

// recordOwned adds the names to the record of what is ours, and drops what is
// gone from it, or was given back.
func (e *Engine) recordOwned(ctx context.Context, names, givenBack []string) error {
	r := e.record()
	if len(names) == 0 && len(r.Owned) == 0 && len(r.Notes) == 0 && len(e.notes.pending()) == 0 {
		return nil
	}
	shot, err := takeSnapshot(ctx, e.conn, wantLinks)
	if err != nil {
		return err
	}
	owned, named := make(map[string]int, len(names)), make(map[string]bool, len(names))
	for _, name := range names {
		named[name] = true
	}
	for _, l := range shot.Links {
		if named[l.Name] || r.owns(l.Name, l.Index) && !slices.Contains(givenBack, l.Name) {
			owned[l.Name] = l.Index
		}
	}
	r.Owned, r.Ageing, r.Notes = owned, e.conn.ageing.among(owned), e.notes.among(shot.Links, r)
	if err := r.write(e.options.RunDir); err != nil {
		return fileError("record what is ours", recordFile(e.options.RunDir), err)
	}
	if e.options.RunDir != "" {
		e.notes.reset(nil)
	}
	return nil
}

// bootID identifies this boot of the kernel (random(4)); empty if it cannot
// be read.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// bootTime is CLOCK_BOOTTIME in seconds.
func bootTime() int64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		return 0
	}
	return t.Sec
}
