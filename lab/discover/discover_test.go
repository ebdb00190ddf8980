package discover

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const sources = `package thing

import (
	"testing"

	"holdfast/lab"
)

type world struct{}

func (w *world) prepare(t *testing.T) { lab.Require(t) }

func helper(t *testing.T) { new(world).prepare(t) }

var cases = []func(*testing.T){helper}

func TestDirect(t *testing.T) { t.Run("x", func(t *testing.T) { lab.Require(t) }) }

func TestThroughHelper(t *testing.T) { helper(t) }

func TestThroughTable(t *testing.T) {
	for _, c := range cases {
		c(t)
	}
}

//lab:run --nics 2 --systemd
func TestMarked(t *testing.T) {}

func TestPure(t *testing.T) {}

func TestMain(m *testing.M) { helper(nil) }
`

func TestTests(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thing_test.go"), []byte(sources), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Tests(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []Test{
		{Name: "TestDirect"},
		{"TestMarked", Machine{NICs: 2, Systemd: true}},
		{Name: "TestThroughHelper"},
		{Name: "TestThroughTable"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tests (-want +got):\n%s", diff)
	}
}

func TestUnknownDirective(t *testing.T) {
	dir := t.TempDir()
	text := "package x\n\n//lab:run --cpus 7\nfunc TestX() {}\n"
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Tests(dir); err == nil {
		t.Error("a directive with an unknown flag is accepted")
	}
}
