package state

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/internal/problem"
)

// TestParseCases reads the input of each case, and compares what is wrong
// with it to the file "problems", or else its canonical form to "output.yml".
func TestParseCases(t *testing.T) {
	for _, path := range parseCases(t, "testdata/parse/*.txtar") {
		t.Run(parseCaseName(path), func(t *testing.T) {
			archive := readParseCase(t, path)
			input := archive.Files[0]
			s, err := Parse(input.Name, input.Data)
			if err != nil {
				expectParse(t, path, archive, "problems", problem.Text(err)+"\n")
				return
			}
			expectParse(t, path, archive, "output.yml", string(EncodeYAML(s)))
		})
	}
}

// TestEncodeCases prints the input of each case in all three ways.
func TestEncodeCases(t *testing.T) {
	for _, path := range parseCases(t, "testdata/encode/*.txtar") {
		t.Run(parseCaseName(path), func(t *testing.T) {
			archive := readParseCase(t, path)
			s, err := Parse("input.yml", archive.Files[0].Data)
			if err != nil {
				t.Fatal(problem.Text(err))
			}
			expectParse(t, path, archive, "output.yml", string(EncodeYAML(s)))
			expectParse(t, path, archive, "output.json", string(EncodeJSON(s)))
			expectParse(t, path, archive, "secrets.yml", string(EncodeYAML(s, ShowSecrets())))
		})
	}
}

func TestParseErrorIsAList(t *testing.T) {
	_, err := Parse("a.yml", []byte("hostnam: x\nroutez: y\n"))
	list, ok := errors.AsType[*problem.List](err)
	if !ok || list.Len() != 2 {
		t.Fatalf("Parse error is %T with %v, want a list of two problems", err, err)
	}
	if p := list.All()[1]; p.Line != 2 || p.Column != 1 || p.Key != "routez" || p.File != "a.yml" {
		t.Errorf("second problem = %+v", p)
	}
}

func TestParseRemembersOrigins(t *testing.T) {
	input := "interfaces:\n- name: lo\n- name: br0\n  ipv4:\n    address:\n    - ip: 192.0.2.1\n      prefix-length: 24\n" +
		"  bridge:\n    ports:\n    - name: eth0\n    options:\n"
	s, err := Parse("a.yml", []byte(input))
	if err != nil {
		t.Fatal(err)
	}
	origin := s.Find("br0").Origin
	for path, want := range map[string]string{
		"":                           "a.yml:3:3: interfaces[1]: odd",
		"name":                       "a.yml:3:9: interfaces[1].name: odd",
		"ipv4":                       "a.yml:4:3: interfaces[1].ipv4: odd",
		"ipv4.address[0].ip":         "a.yml:6:11: interfaces[1].ipv4.address[0].ip: odd",
		"ipv4.address[0].zone":       "a.yml:6:7: interfaces[1].ipv4.address[0].zone: odd",
		"ipv4.address[7].ip":         "a.yml:5:5: interfaces[1].ipv4.address[7].ip: odd",
		"bridge.port[0].name":        "a.yml:10:13: interfaces[1].bridge.port[0].name: odd",
		"bridge.options.stp.max-age": "a.yml:11:5: interfaces[1].bridge.options.stp.max-age: odd",
		"link-aggregation.mode":      "a.yml:3:3: interfaces[1].link-aggregation.mode: odd",
	} {
		if got := origin.Problem(path, "", "odd", "").Error(); got != want {
			t.Errorf("problem of %q = %q, want %q", path, got, want)
		}
	}
}

func TestEncodeLeavesStateAlone(t *testing.T) {
	input := []byte("interfaces: [{name: eth10, 802.1x: {password: x}}, {name: eth2}]\n" +
		"routes: {config: [{destination: 10.0.0.0/8}, {destination: 9.0.0.0/8}]}\n")
	s, err := Parse("a.yml", input)
	if err != nil {
		t.Fatal(err)
	}
	EncodeYAML(s)
	EncodeJSON(s)
	if s.Interfaces[0].Name != "eth10" || s.Interfaces[0].IEEE8021X["password"] != "x" || s.Routes.Config[0].Destination.String() != "10.0.0.0/8" {
		t.Error("encoding changed the state")
	}
}

func TestEncodeOfNothing(t *testing.T) {
	if got := string(EncodeYAML(&State{})); got != "interfaces: []\n" {
		t.Errorf("EncodeYAML of the empty state = %q", got)
	}
}

func parseCases(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases match %s (%v)", pattern, err)
	}
	return paths
}

func parseCaseName(path string) string { return strings.TrimSuffix(filepath.Base(path), ".txtar") }

func readParseCase(t testing.TB, path string) *txtar.Archive {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil || len(archive.Files) == 0 {
		t.Fatalf("%s: no input (%v)", path, err)
	}
	return archive
}

// expect compares a file of the case with got, or rewrites it.
func expectParse(t *testing.T, path string, archive *txtar.Archive, name, got string) {
	t.Helper()
	for i, f := range archive.Files[1:] {
		if f.Name != name {
			continue
		}
		if *update {
			archive.Files[i+1].Data = []byte(got)
			writeParseCase(t, path, archive)
		} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		return
	}
	if !*update {
		t.Fatalf("the case expects no %s; got:\n%s", name, got)
	}
	archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got)})
	writeParseCase(t, path, archive)
}

func writeParseCase(t *testing.T, path string, archive *txtar.Archive) {
	t.Helper()
	if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}
