package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"holdfast/engine"
	"holdfast/plan"
)

// TestReopenAfterRestart puts back the files of a change that a restart of the
// host cut off, and nothing else.
func TestReopenAfterRestart(t *testing.T) {
	const old = "nameserver 192.0.2.53\n"
	for _, changed := range []bool{true, false} {
		e := &Engine{company: root(t, map[string]string{"etc/resolv.conf": old, "etc/hostname": "before\n"})}
		stored := storedElsewhere(t, e, changed)
		write(t, e, "etc/resolv.conf", "nameserver 198.51.100.53\n")
		write(t, e, "etc/hostname", "after\n")
		c, err := e.Reopen(t.Context(), stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := c.Release(t.Context()); err != nil {
			t.Error(err)
		}
		want := map[bool][2]string{true: {old, "before\n"}, false: {"nameserver 198.51.100.53\n", "after\n"}}[changed]
		if got := [2]string{read(t, e, "etc/resolv.conf"), read(t, e, "etc/hostname")}; got != want {
			t.Errorf("the plan changes files: %t: files are %q, want %q", changed, got, want)
		}
	}
}

// TestReopenElsewhere refuses a checkpoint of another network namespace.
func TestReopenElsewhere(t *testing.T) {
	e := &Engine{company: root(t, nil)}
	c := &checkpoint{e: e, picture: picture{Version: checkpointVersion, Boot: bootID(), Namespace: "net:[1]", Network: &snapshot{}}}
	stored, err := c.Store()
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Reopen(t.Context(), stored)
	if fault, ok := errors.AsType[*engine.Error](err); !ok || fault.Kind != engine.NotFound {
		t.Errorf("error %v", err)
	}
}

// storedElsewhere is a checkpoint of the engine's files that was stored in
// another boot.
func storedElsewhere(t *testing.T, e *Engine, changed bool) []byte {
	t.Helper()
	c := &checkpoint{e: e, picture: picture{Version: checkpointVersion, Boot: "another", Namespace: "net:[1]", Network: &snapshot{}}}
	var err error
	if c.Resolver, err = e.company.resolver().Save(); err != nil {
		t.Fatal(err)
	}
	if c.Hostname, err = e.company.hostname().Save(); err != nil {
		t.Fatal(err)
	}
	if changed {
		c.Files, c.Plan = true, true
	} else {
		c.Applied(&plan.Plan{})
	}
	stored, err := c.Store()
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func write(t *testing.T, e *Engine, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(e.company.root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, e *Engine, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.company.root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
