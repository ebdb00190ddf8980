package lab

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// settled is how long nothing may have been reported before a host counts as settled, and hardLimit how long that is
// waited for.
const (
	settled   = 2 * time.Second
	hardLimit = 2 * time.Minute
)

// Quiet ends the test unless do can be done without one event on the host under test. What else goes on in a kernel
// (a late router advertisement, a timer) may make an event by chance, so do is repeated up to tries times, and one quiet
// round is enough. Watched is what ip-monitor(8) calls link, address, route and rule, or what is given instead.
func Quiet(t testing.TB, tries int, do func(), watch ...string) {
	t.Helper()
	if len(watch) == 0 {
		watch = []string{"link", "address", "route", "rule"}
	}
	var noise []string
	for try := range tries {
		events := Events(t, do, watch...)
		if len(events) == 0 {
			return
		}
		noise = append(noise, fmt.Sprintf("try %d:\n%s", try+1, strings.Join(events, "\n")))
	}
	t.Fatalf("not quiet in any of %d tries:\n%s", tries, strings.Join(noise, "\n"))
}

// Events tells what `ip monitor` reports from just before do until the host has settled after it. Marks that bracket
// do make sure that nothing is missed and nothing older is counted.
func Events(t testing.TB, do func(), watch ...string) []string {
	t.Helper()
	m := startMonitor(t, watch)
	defer m.stop()
	m.mark(t, "begins")
	m.settle()
	m.mark(t, "starts")
	do()
	m.settle()
	return m.mark(t, "ends")
}

type eventMonitor struct {
	command *exec.Cmd
	lines   chan string // closed when ip has ended; ip waits when nobody reads
}

func startMonitor(t testing.TB, watch []string) *eventMonitor {
	t.Helper()
	// Links are watched always: the marks are events of lo.
	m := &eventMonitor{lines: make(chan string, 10000)}
	m.command = exec.Command("ip", append([]string{"-d", "-o", "monitor", "link"}, without(watch, "link")...)...)
	output, err := m.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.command.Start(); err != nil {
		t.Fatal(err)
	}
	go m.read(output)
	return m
}

func without(list []string, unwanted string) []string {
	var rest []string
	for _, word := range list {
		if word != unwanted {
			rest = append(rest, word)
		}
	}
	return rest
}

func (m *eventMonitor) read(output io.Reader) {
	defer close(m.lines)
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m.lines <- lines.Text()
	}
}

func (m *eventMonitor) stop() {
	_ = m.command.Process.Kill()
	for range m.lines { // until it is closed
	}
	_ = m.command.Wait()
}

// settle waits until nothing has been reported for a while; what is reported is kept for mark.
func (m *eventMonitor) settle() {
	end := time.Now().Add(hardLimit)
	for seen := -1; seen != len(m.lines) && time.Now().Before(end); {
		seen = len(m.lines)
		time.Sleep(settled)
	}
}

// mark makes an event that can be recognised, waits until it is reported, and returns what was reported before it. The
// first mark is repeated, since the monitor may not listen yet.
func (m *eventMonitor) mark(t testing.TB, name string) []string {
	t.Helper()
	name = "lab-monitor-" + name
	var events []string
	for range int(hardLimit / settled) {
		IP(t, "link", "set", "lo", "alias", name)
		before, found := m.until(name)
		events = append(events, before...)
		if found {
			m.unmark(t)
			return events
		}
	}
	t.Fatalf("ip monitor does not report the mark %q", name)
	return nil
}

// unmark takes the alias away again, and waits for that event too.
func (m *eventMonitor) unmark(t testing.TB) {
	t.Helper()
	IP(t, "link", "set", "lo", "alias", "")
	timeout := time.After(hardLimit)
	for {
		select {
		case line := <-m.lines:
			if strings.HasPrefix(line, "1: lo:") && !strings.Contains(line, "lab-monitor-") {
				return
			}
		case <-timeout:
			t.Fatal("ip monitor does not report that the mark is gone")
		}
	}
}

// until takes lines up to the one with the mark.
func (m *eventMonitor) until(mark string) (events []string, found bool) {
	timeout := time.After(settled)
	for {
		select {
		case line, ok := <-m.lines:
			switch {
			case !ok:
				return events, false
			case strings.Contains(line, mark):
				return events, true
			case !strings.Contains(line, "lab-monitor-"):
				events = append(events, line)
			}
		case <-timeout:
			return events, false
		}
	}
}
