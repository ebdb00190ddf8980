package tests

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast"
	"holdfast/lab"
	"holdfast/monitor"
)

// watched starts `holdfast watch -o json` and waits until it watches.
func watched(t *testing.T, dirs []string) *process {
	t.Helper()
	p := startProgram(t, nil, append([]string{"watch", "-o", "json"}, dirs...)...)
	p.tells(t, "it watches", func(e holdfast.Event) bool { return e.Kind == monitor.Ready })
	return p
}

// events are what a watch has printed so far.
func (p *process) events(t *testing.T) []holdfast.Event {
	t.Helper()
	var list []holdfast.Event
	whole := p.out.String()
	whole = whole[:strings.LastIndex(whole, "\n")+1]
	for line := range strings.Lines(whole) {
		var e holdfast.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, e)
	}
	return list
}

// tells waits for an event and gives its place.
func (p *process) tells(t *testing.T, what string, is func(holdfast.Event) bool) (holdfast.Event, int) {
	t.Helper()
	var found holdfast.Event
	at := -1
	lab.Await(t, "an event that tells that "+what, hang, func() bool {
		for n, e := range p.events(t) {
			if is(e) {
				found, at = e, n
			}
		}
		return at >= 0
	})
	return found, at
}

// about tells events of a kind and of what happened; object is any if empty.
func about(kind monitor.Kind, what monitor.What, object string) func(holdfast.Event) bool {
	return func(e holdfast.Event) bool {
		return e.Kind == kind && e.What == what && (object == "" || object == e.Object)
	}
}

// TestWatchCommand watches others change the host, a change of our own in
// another process, and somebody taking a part of it away. Ctrl-C ends it.
func TestWatchCommand(t *testing.T) {
	lab.Require(t)
	dirs := []string{"--run-dir", t.TempDir(), "--state-dir", t.TempDir()}
	p := watched(t, dirs)
	lab.IP(t, "link add d0 type dummy")
	p.tells(t, "d0 is there", about(monitor.Link, monitor.Appeared, "d0"))
	file := documentFile(t, `
interfaces: [{name: d1, type: dummy, state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]
routes: {config: [{destination: 198.51.100.0/24, next-hop-interface: d1, next-hop-address: 192.0.2.2}]}
`)
	runProgram(t, 0, append([]string{"apply", file}, dirs...)...)
	applied, after := p.tells(t, "the change is applied", about(monitor.Transaction, "applied", ""))
	_, before := p.tells(t, "d1 is there", about(monitor.Link, monitor.Appeared, "d1"))
	if before > after || applied.Generation != 1 || applied.Who == nil || len(applied.Summary) == 0 {
		t.Errorf("event %d is %+v; d1 appeared in event %d", after, applied, before)
	}
	watchDrift(t, p)
	if err := p.Process.Signal(unix.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.code(t, 0)
	if said := p.err.String(); said != "" {
		t.Errorf("it said %q", said)
	}
	for n, e := range p.events(t) {
		if e.Number != uint64(n) {
			t.Errorf("event %d has number %d", n, e.Number)
		}
	}
}

// watchDrift takes a route away, puts another's in its place, and puts it back.
func watchDrift(t *testing.T, p *process) {
	t.Helper()
	lab.IP(t, "route del 198.51.100.0/24")
	p.tells(t, "the host drifted", about(monitor.Drift, monitor.Began, ""))
	lab.IP(t, "route add 198.51.100.0/24 via 192.0.2.3 proto dhcp")
	drift, _ := p.tells(t, "a DHCP client's route is there instead", about(monitor.Drift, monitor.Changed, ""))
	if len(drift.Differences) != 1 || len(drift.Differences[0].Routes) != 1 || drift.Differences[0].Routes[0].Protocol != "dhcp" {
		t.Errorf("drift %+v", drift)
	}
	lab.IP(t, "route del 198.51.100.0/24")
	lab.IP(t, "route add 198.51.100.0/24 via 192.0.2.2 proto static")
	p.tells(t, "the host is as it should be", about(monitor.Drift, monitor.Ended, ""))
}

// TestWatchReaderGone ends a watch whose reader went away, although nothing
// happens that it could print.
func TestWatchReaderGone(t *testing.T) {
	lab.Require(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	p := startProgram(t, func(c *exec.Cmd) { c.Stdout = w }, "watch", "-o", "json")
	_ = w.Close()
	if line, err := bufio.NewReader(r).ReadString('\n'); err != nil || !strings.Contains(line, `"ready"`) {
		t.Fatalf("%q: %v", line, err)
	}
	_ = r.Close()
	p.code(t, 0)
}
