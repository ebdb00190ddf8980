package tests

import (
	"strings"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/engine"
	"holdfast/lab"
	"holdfast/store"
)

// What comes after a crash, in turn.
var sequels = []sequel{
	{"the next process recovers", killed, (*crashes).recover},
	{"the guardian recovers", watches, (*crashes).leave},
	{"the next change recovers", killed, (*crashes).again},
	{"the guardian is killed on it, the next process recovers", dies, (*crashes).recover},
	{"`holdfast restore` recovers", killed, (*crashes).restore},
	{"only the guardian is killed", alone, (*crashes).leave},
	{"a daemon recovers", killed, (*crashes).daemon},
}

type sequel struct {
	name     string
	guardian string
	then     func(*crashes, *victim)
}

// open opens the victim's host.
func (c *crashes) open(v *victim) *holdfast.Host {
	host, err := holdfast.Open(holdfast.Options{StateDir: v.file("state"), RunDir: v.file("run"), Logger: c.log})
	if err != nil {
		c.Fatal(err)
	}
	return host
}

// leave waits for the guardian alone to bring it to an end.
func (c *crashes) leave(v *victim) {
	c.Helper()
	host := c.open(v)
	defer func() { _ = host.Close() }()
	pid := guardianOf(c.T, v)
	lab.Await(c.T, "the end of the guardian", patience, func() bool {
		if !isRunning(pid) {
			return true
		}
		c.answer(host)
		return false
	})
}

// recover is what the next process does.
func (c *crashes) recover(v *victim) {
	c.Helper()
	pid := guardianOf(c.T, v)
	host := c.open(v)
	defer func() { _ = host.Close() }()
	lab.Await(c.T, "the end of the guardian that is killed", patience, func() bool {
		if !isRunning(pid) {
			return true
		}
		c.answer(host)
		return false
	})
	recovered, err := host.Recover(c.Context(), false)
	if err != nil {
		c.Errorf("recover: %v", err)
		return
	}
	if recovered != nil && recovered.Outcome == holdfast.Pending {
		c.answer(host)
	}
}

// restore is what a boot does.
func (c *crashes) restore(v *victim) {
	c.Helper()
	p := startProgram(c.T, nil, v.flags("restore")...)
	p.code(c.T, 0)
	c.Logf("holdfast restore: %s%s", &p.out, &p.err)
	host := c.open(v)
	defer func() { _ = host.Close() }()
	c.answer(host)
}

// daemon is what a service manager does.
func (c *crashes) daemon(v *victim) {
	c.Helper()
	p := startProgram(c.T, nil, v.flags("daemon", "--config", v.file("none.yaml"))...)
	lab.Await(c.T, "the daemon is ready", patience, func() bool { return strings.Contains(p.err.String(), "msg=ready") })
	host := c.open(v)
	defer func() { _ = host.Close() }()
	lab.Await(c.T, "nothing is pending", patience, func() bool {
		c.answer(host)
		pending, err := host.Pending(c.Context())
		return err == nil && pending == nil
	})
	if err := p.Process.Signal(unix.SIGTERM); err != nil {
		c.Error(err)
	}
	p.code(c.T, 0)
}

// again makes the same change again.
func (c *crashes) again(v *victim) {
	c.Helper()
	host := c.open(v)
	defer func() { _ = host.Close() }()
	c.answer(host)
	result, err := host.Apply(c.Context(), parse(c.T, c.document), holdfast.ApplyOptions{Force: true})
	if err != nil || result.Outcome != holdfast.Applied && result.Outcome != holdfast.Unchanged {
		c.Errorf("the next change: %s, %v", result.Outcome, err)
	}
}

// answer confirms a change that waits, or, in turn, takes it back.
func (c *crashes) answer(host *holdfast.Host) {
	c.Helper()
	pending, err := host.Pending(c.Context())
	if err != nil {
		c.Errorf("pending: %v", err)
		return
	}
	if pending == nil || pending.Phase != store.Waiting {
		return
	}
	ask := host.Confirm
	if c.n%2 == 0 {
		ask = host.Rollback
	}
	if _, err = ask(c.Context(), pending.Transaction, holdfast.Who{}); err != nil && holdfast.KindOf(err) != engine.Busy &&
		holdfast.KindOf(err) != engine.NotFound {
		c.Errorf("answer: %v", err)
	}
}
