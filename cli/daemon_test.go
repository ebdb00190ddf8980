package cli

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/server"
	"holdfast/state"
)

// serving is a daemon of a host in memory; its directories are the flags.
func serving(t *testing.T) (flags []string) {
	t.Helper()
	dir := t.TempDir()
	current, err := state.Parse("before", []byte(beforeDaemon))
	if err != nil {
		t.Fatal(err)
	}
	host, err := holdfast.Open(holdfast.Options{Carrier: enginetest.NewMemory(current), StateDir: dir + "/state", RunDir: dir + "/run"})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := server.ListenUnix(filepath.Join(dir, "run", socketName))
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Options{
		Host: host, Listeners: []server.Listener{{Listener: listener}}, Access: server.Access{Group: os.Getgid()},
		Build: api.Hello{Namespace: networkNamespace(), StateDir: dir + "/state", RunDir: dir + "/run"},
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); running.Wait() })
	<-s.Ready()
	return []string{"--state-dir", dir + "/state", "--run-dir", dir + "/run"}
}

const beforeDaemon = `
interfaces:
- name: eth0
  type: ethernet
  ipv4: {enabled: true, address: [{ip: 192.0.2.10, prefix-length: 24}]}
`

// TestRemote runs the commands by a daemon.
func TestRemote(t *testing.T) {
	flags := serving(t)
	file := filepath.Join(t.TempDir(), "d.yml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(code int, words string, args ...string) {
		t.Helper()
		got, out, stderr := run(append(args, flags...)...)
		if got != code {
			t.Errorf("%v: exit code %d, want %d; stderr: %s", args, got, code, stderr)
		}
		for word := range strings.SplitSeq(words, "|") {
			if !strings.Contains(out+stderr, word) {
				t.Errorf("%v: no %q in\n%s%s", args, word, out, stderr)
			}
		}
	}
	write("interfaces: [{name: br0, type: dummy, mtu: 1400}]\n")
	expect(0, "192.0.2.10", "show")
	expect(0, "eth0|up", "show", "-o", "table")
	expect(0, "eth0", "show", "--tree")
	expect(1, "no such interface|did you mean \"eth0\"", "show", "eth1")
	expect(2, "br0", "plan", file)
	expect(2, `"empty": false`, "plan", file, "-o", "json")
	expect(2, "br0", "diff", file)
	expect(1, "nothing was applied yet", "diff")
	expect(0, "Nothing was changed yet", "history")
	expect(0, "Applied:", "apply", file)
	expect(0, "Nothing to do", "apply", file)
	expect(0, "No difference", "diff")
	write("interfaces:\n- name: br0\n  mtuu: 1\n")
	expect(1, "d.yml:3:3|did you mean \"mtu\"|nothing was changed", "apply", file)
	write("interfaces:\n- {name: br0, state: absent}\n")
	expect(0, "Pending:|holdfast|confirm", "apply", "--confirm", "60s", file)
	expect(2, "waits another", "diff")
	expect(1, "waits|asked for by", "apply", file)
	expect(0, "Rolled back:", "rollback")
	expect(0, "No difference", "diff")
	expect(0, `"outcome":"pending"|"confirm":{`, "apply", "--confirm", "60s", file, "-o", "json")
	expect(0, "Confirmed:", "confirm")
	expect(1, "no change is pending", "confirm")
	expect(1, "no change is pending", "rollback", "--abandon")
	expect(0, "Applied:", "rollback", "--to", "1")
	expect(0, "br0|api unix|rolled-back", "history")
	expect(0, "br0", "history", "show", "1")
	expect(2, "br0", "history", "diff", "1", "3")
	expect(0, "temporary", "unpersist", "br0")
	expect(0, "permanent", "persist", "--all")
}

// TestNoDaemon names a socket where nobody is, and does without one.
func TestNoDaemon(t *testing.T) {
	dir := t.TempDir()
	code, _, stderr := run("history", "--socket", dir+"/none.sock", "--state-dir", dir, "--run-dir", dir)
	if code != exitError || !strings.Contains(stderr, "ask the daemon") || !strings.Contains(stderr, "--standalone") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	flags := serving(t)
	code, out, stderr := run(append([]string{"history", "--standalone"}, flags...)...)
	if code != exitDone || !strings.Contains(out, "Nothing was changed yet") {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
}

// TestDaemon runs the daemon of this host, which only looks here.
func TestDaemon(t *testing.T) {
	dir := t.TempDir()
	flags := []string{"--state-dir", dir + "/state", "--run-dir", dir + "/run"}
	wrong := filepath.Join(dir, "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("enginee: kernel\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, stderr := run(append([]string{"daemon", "--config", wrong}, flags...)...); code != exitError || !strings.Contains(stderr, "wrong.yaml:1:1: enginee: unknown key") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	told := listening(t, filepath.Join(dir, "notify"))
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Run(ctx, append([]string{"daemon", "--config", dir + "/none"}, flags...), Streams{Err: &log})
	}()
	client := api.Unix(filepath.Join(dir, "run", socketName))
	defer func() { _ = client.Close() }()
	limit, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	hello, err := client.Hello(limit)
	for holdfast.KindOf(err) == engine.Unreachable && limit.Err() == nil {
		hello, err = client.Hello(limit)
	}
	if err != nil || hello.Engine != holdfast.EngineKernel || hello.Namespace != networkNamespace() {
		t.Errorf("%+v, %v", hello, err)
	}
	told("READY=1")
	told("WATCHDOG=1")
	if code, _, stderr := run(append([]string{"daemon"}, flags...)...); code != exitError || !strings.Contains(stderr, "another daemon answers") {
		t.Errorf("a second daemon: exit code %d: %s", code, stderr)
	}
	if code, out, stderr := run(append([]string{"history"}, flags...)...); code != exitDone || out != "Nothing was changed yet.\n" {
		t.Errorf("exit code %d: %s%s", code, out, stderr)
	}
	cancel()
	told("STOPPING=1")
	if code := <-ended; code != exitDone || !strings.Contains(log.String(), "msg=ready") {
		t.Errorf("exit code %d: %s", code, &log)
	}
}

// listening stands in for systemd: told waits until the daemon has told it something.
func listening(t *testing.T, path string) (told func(string)) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "3000000")
	heard := map[string]bool{}
	return func(what string) {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
		text := make([]byte, 100)
		for !heard[what] {
			n, err := conn.Read(text)
			if err != nil {
				t.Errorf("systemd does not hear %s: %v", what, err)
				return
			}
			heard[string(text[:n])] = true
		}
	}
}
