package hostfile

import (
	"os"
	"path/filepath"
	"testing"
)

func TestStatic(t *testing.T) {
	for text, want := range map[string]string{
		"host.example\n":        "host.example",
		"# a comment\n\n name ": "name",
		"":                      "",
	} {
		h := &Hostname{Root: t.TempDir()}
		if err := os.MkdirAll(filepath.Dir(h.path()), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(h.path(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := h.Static(); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
}

func TestRestore(t *testing.T) {
	running := ""
	h := &Hostname{Root: t.TempDir(), Kernel: func(name string) error {
		running = name
		return nil
	}}
	if err := os.MkdirAll(filepath.Dir(h.path()), 0o755); err != nil {
		t.Fatal(err)
	}
	before, err := h.Save()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetStatic(t.Context(), "a.example"); err != nil {
		t.Fatal(err)
	}
	if got, err := h.Static(); err != nil || got != "a.example" {
		t.Errorf("static %q, %v", got, err)
	}
	if err := h.SetRunning(t.Context(), "a"); err != nil || running != "a" {
		t.Errorf("running %q, %v", running, err)
	}
	if err := h.Restore(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(h.path()); !os.IsNotExist(err) {
		t.Errorf("the file is still there: %v", err)
	}
}
