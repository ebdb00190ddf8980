package holdfast_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rows are the packages from the lowest to the highest: a package may import only from lower rows. Packages that are
// not listed belong to the row of the nearest folder above them that is; those below a package of their own row may
// know each other.
var rows = [][]string{
	{"state"},
	{"plan", "network", "format", "dhcp", "mirror", "probe"},
	{"engine", "store", "stats"},
	{"transaction", "monitor", "libvirt", "engine/kernel", "engine/nm", "engine/enginetest"},
	{".", "api"},
	{"server"},
	{"cli"},
	{"cmd"},
}

// free are those that may import anything: they are no part of the product.
var free = []string{"lab", "tests", "tools"}

// room is the listed package that a folder belongs to, and its row; ok is false for a folder that no row knows.
func room(dir string) (name string, row int, ok bool) {
	for at := dir; ; at = filepath.Dir(at) {
		for row, names := range rows {
			if slices.Contains(names, at) && (at != "." || dir == ".") {
				return at, row, true
			}
		}
		if at == "." {
			return "", 0, false
		}
	}
}

func under(dir string, tops ...string) bool {
	top, _, _ := strings.Cut(dir, "/")
	return slices.Contains(tops, top)
}

// verdict is what is wrong with a package of this module importing another; empty when nothing is.
func verdict(from, to string) string {
	switch {
	case under(to, "lab", "tests", "tools"):
		return "lab, tests and tools are for tests only"
	case under(from, "internal"):
		if under(to, "internal") {
			return ""
		}
		return "internal packages name no thing of the domain"
	case under(to, "internal"):
		return ""
	}
	above, high, ok := room(from)
	if !ok {
		return from + " stands in no row: add it to the table in layers_test.go"
	}
	below, low, ok := room(to)
	switch {
	case !ok:
		return to + " stands in no row: add it to the table in layers_test.go"
	case above == below, low < high:
		return ""
	case low == high:
		return "packages of one row do not know each other"
	default:
		return below + " stands in a higher row than " + above
	}
}

// TestLayers reads every source file of the module and holds its imports against the rows. Tests are exempt.
func TestLayers(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata" || entry.Name() == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || under(dir, free...) {
			return nil
		}
		return checkImports(t, files, path, dir)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// checkImports holds one file's imports against the rows.
func checkImports(t *testing.T, files *token.FileSet, path, dir string) error {
	t.Helper()
	const module = "holdfast"
	file, err := parser.ParseFile(files, path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		to, ours := strings.CutPrefix(name+"/", module+"/")
		if !ours {
			continue
		}
		to = filepath.Clean(strings.TrimSuffix(to, "/"))
		if problem := verdict(dir, to); problem != "" {
			t.Errorf("%s: %s imports %s: %s", files.Position(spec.Pos()), dir, to, problem)
		}
	}
	return nil
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"plan", "state", true},
		{"state", "plan", false},
		{"engine/kernel", "engine", true},
		{"engine", "engine/kernel", false},
		{"engine/kernel", "engine/nm", false},
		{"engine/kernel", "transaction", false},
		{"engine/enginetest", "engine/enginetest/inner", true},
		{"probe", "state", true},
		{"probe", "plan", false},
		{"probe/live", "probe", true},
		{"probe/live", "internal/reach", true},
		{"transaction", "probe", true},
		{"internal/reach", "probe", false},
		{"internal/document", "state", false},
		{"state", "internal/document", true},
		{".", "transaction", true},
		{"server/vdsm", "server", true},
		{"server", ".", true},
		{"cli", "lab", false},
		{"cmd/holdfast", "cli", true},
		{"unheard", "state", false},
		{"cli", "unheard", false},
	} {
		if got := verdict(c.from, c.to); (got == "") != c.allowed {
			t.Errorf("%s imports %s: verdict %q, allowed should be %v", c.from, c.to, got, c.allowed)
		}
	}
}
