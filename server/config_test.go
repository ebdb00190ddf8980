package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/problem"
	"holdfast/probe"
)

// TestReferenceConfig reads the configuration that is shipped.
func TestReferenceConfig(t *testing.T) {
	const path = "../docs/holdfast.yaml"
	config, err := ReadConfig(path)
	if err != nil {
		t.Fatal(problem.Text(err))
	}
	gateway, err := probe.Parse("gateway")
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Engine: "auto", Probes: []probe.Spec{gateway}, ProbeFolder: "/etc/holdfast/probes", KeepGenerations: 50,
		TLS: &TLSConfig{
			Listen: "[::]:7443", Cert: "/etc/holdfast/tls/server.crt", Key: "/etc/holdfast/tls/server.key", CA: "/etc/holdfast/tls/clients.crt",
			Read: []string{"monitoring.example.com"}, Write: []string{"engine.example.com"},
		},
	}
	sameProbe := cmp.Comparer(func(a, b probe.Spec) bool { return a.String() == b.String() })
	if diff := cmp.Diff(want, config, sameProbe); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestNoConfig reads what says nothing.
func TestNoConfig(t *testing.T) {
	const path = "../docs/holdfast.yaml"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var comments strings.Builder
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			comments.WriteString(line)
		}
	}
	for _, nothing := range []string{comments.String(), "", "---\n"} {
		if config, err := ParseConfig("c", []byte(nothing)); err != nil || config.TLS != nil {
			t.Errorf("%+v, %v", config, err)
		}
	}
	if _, err := ReadConfig(filepath.Join(t.TempDir(), "none")); err != nil {
		t.Error(err)
	}
}

func TestWrongConfig(t *testing.T) {
	for text, want := range map[string]string{
		"probe: [gateway]\n":                            `c.yaml:1:1: probe: unknown key` + "\nhint: did you mean \"probes\"?",
		"probes: gateway\n":                             "c.yaml:1:9: probes: a list is wanted (gateway)",
		"engine: karnel\n":                              "c.yaml:1:9: engine: is none of auto, kernel (karnel)\nhint: did you mean \"kernel\"?",
		"keep-generations: 0\n":                         "c.yaml:1:19: keep-generations: a number from 1 to 10000 is wanted (0)",
		"probe-folder: probes\n":                        "c.yaml:1:15: probe-folder: is no absolute path (probes)\nhint: begin it with /",
		"tls: {listen: 7443, cert: /c, key: /k, ca: a}": "c.yaml:1:15: tls.listen: is no HOST:PORT (7443)\nhint: for example [::]:7443\nc.yaml:1:44: tls.ca: is no absolute path (a)\nhint: begin it with /",
		"tls: {listen: \":1\", cert: /c}\n":             "c.yaml:1:6: tls.ca: is wanted\nc.yaml:1:6: tls.key: is wanted",
	} {
		_, err := ParseConfig("c.yaml", []byte(text))
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		if diff := cmp.Diff(want, problem.Text(err)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", text, diff)
		}
	}
	for _, text := range []string{"probes: [nix]\n", "probes: [client]\n", "tls: 1\n", "tls: {read: x}\n", "[]", "engine: [a]\n", "a: b: c"} {
		if _, err := ParseConfig("c.yaml", []byte(text)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

// TestListenUnix takes the place of a daemon that is gone, and of none that is
// there.
func TestListenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "holdfast.sock")
	first, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("%v %v", info, err)
	}
	if _, err := ListenUnix(path); err == nil || !strings.Contains(err.Error(), "another daemon") {
		t.Errorf("a second daemon: %v", err)
	}
	_ = first.(*socket).UnixListener.Close() // as if it was killed: the file stays
	second, err := ListenUnix(path)
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	if _, err := os.Stat(path); err != nil {
		t.Error("the first daemon removed the second one's socket")
	}
	_ = second.Close()
	if _, err := os.Stat(path); err == nil {
		t.Error("the socket's file stays")
	}
}

// FuzzConfig reads anything without a fault of its own.
func FuzzConfig(f *testing.F) {
	for _, text := range []string{"", "a: b", "probes: [gateway, 'tcp:a:1']", "tls: {}", "tls: {listen: x, read: [a, [b]]}", "engine: ~", "[", "keep-generations: 1e9"} {
		f.Add(text)
	}
	f.Fuzz(func(_ *testing.T, text string) { _, _ = ParseConfig("c", []byte(text)) })
}
