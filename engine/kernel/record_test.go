package kernel

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestUsable makes a missing run directory, leaves nothing in it, and refuses
// one that cannot be.
func TestUsable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	if err := usable(dir); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{file, filepath.Join(file, "x")} {
		if err := usable(bad); !errors.Is(err, unix.ENOTDIR) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if err := usable(""); err != nil {
		t.Errorf("without a run directory: %v", err)
	}
}
