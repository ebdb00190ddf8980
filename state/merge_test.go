package state

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/internal/problem"
)

var update = flag.Bool("update", false, "rewrite the expected output of the cases")

// TestMergeCases merges the desired state of each case into its current one.
// The file "target.yml" is the outcome, without the interfaces that stay as
// they are; "notes" names them, what is owned and the warnings; "problems" is
// what is wrong instead. The file "facts" says what an engine would know.
func TestMergeCases(t *testing.T) {
	eachCase(t, "testdata/merge/*.txtar", func(t *testing.T, c *testCase) {
		current, desired := c.current(t), c.parse(t, "desired.yml")
		target, err := decide(current, desired)
		if err != nil {
			c.expect("problems", problem.Text(err)+"\n")
			return
		}
		var kept []string
		shown := *target.State
		shown.Interfaces = nil
		for _, i := range target.State.Interfaces {
			if slices.Contains(current.Interfaces, i) {
				kept = append(kept, i.Name)
				continue
			}
			shown.Interfaces = append(shown.Interfaces, i)
		}
		c.expect("target.yml", string(EncodeYAML(&shown)))
		notes := "kept: " + strings.Join(kept, " ") + "\nowned: " + strings.Join(target.Owned, " ") + "\n"
		for _, w := range target.Warnings {
			notes += "warning: " + w + "\n"
		}
		c.expect("notes", notes)
		checkSettled(t, target, desired)
	})
}

// decide takes a document through everything that comes before a plan.
func decide(current, desired *State) (*Target, error) {
	if err := desired.Validate(); err != nil {
		return nil, err
	}
	target, err := Merge(current, desired)
	if err != nil {
		return nil, err
	}
	if err := ValidateTarget(target, current); err != nil {
		return nil, err
	}
	return target, nil
}

// TestSamePartsKnowsEveryPart fails when a part of the merge can change a field
// of an interface that sameParts does not look at.
func TestSamePartsKnowsEveryPart(t *testing.T) {
	notMerged := []string{"Name", "Type", "Driver", "Identifier", "PermanentMAC", "PCIAddress", "CopyMACFrom", "MinMTU", "MaxMTU", "Controller"}
	for n, f := range reflect.VisibleFields(reflect.TypeFor[Interface]()) {
		if tag := f.Tag.Get("state"); tag == "-" || f.Type == rawType || slices.Contains(notMerged, f.Name) {
			continue
		}
		a, b := Interface{}, Interface{}
		switch v := reflect.ValueOf(&b).Elem().Field(n); v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		}
		if sameParts(&a, &b) {
			t.Errorf("sameParts does not look at %s", f.Name)
		}
	}
}

// settle returns the state of a host that reached its target.
func settle(target *State) *State {
	s := *target
	s.Interfaces = nil
	for _, i := range target.Interfaces {
		if i.State == Absent {
			if !physical(i) {
				continue
			}
			c := *i
			c.State = Up
			if c.Facts != nil {
				f := *c.Facts
				f.Owned = false
				c.Facts = &f
			}
			i = &c
		}
		s.Interfaces = append(s.Interfaces, i)
	}
	return &s
}

// checkSettled fails when a document asks for more after its target is
// reached, or when the target, taken for a document, does.
func checkSettled(t *testing.T, target *Target, desired *State) {
	t.Helper()
	host := settle(target.State)
	for _, name := range []string{"the document", "the target"} {
		document := desired
		if name == "the target" {
			document = target.State
		}
		again, err := Merge(host, document)
		if err != nil {
			t.Errorf("merging %s into its target: %v", name, err)
			continue
		}
		for _, i := range again.State.Interfaces {
			if !slices.Contains(host.Interfaces, i) {
				t.Errorf("merging %s into its target changes %s (-host +target):\n%s", name, i.Name,
					cmp.Diff(text(host.Find(i.Name)), text(i)))
			}
		}
		a, b := *host, *again.State
		a.Interfaces, b.Interfaces, a.Description, b.Description = nil, nil, "", ""
		if diff := cmp.Diff(string(EncodeYAML(&a)), string(EncodeYAML(&b))); diff != "" {
			t.Errorf("merging %s into its target changes (-host +target):\n%s", name, diff)
		}
	}
}

func text(i *Interface) string {
	if i == nil {
		return ""
	}
	return string(EncodeYAML(&State{Interfaces: []*Interface{i}}))
}

// testCase is one txtar file under test.
type testCase struct {
	path    string
	archive *txtar.Archive
	expect  func(name, got string)
}

func eachCase(t *testing.T, glob string, run func(*testing.T, *testCase)) {
	paths, err := filepath.Glob(glob)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases in %s (%v)", glob, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			c := &testCase{path: path, archive: archive}
			outputs := map[string]string{}
			c.expect = func(name, got string) { outputs[name] = got }
			run(t, c)
			c.finish(t, outputs)
		})
	}
}

var outputNames = []string{"target.yml", "notes", "problems", "differences", "output.yml", "owned.yml", "return.yml"}

// finish compares the outputs with those of the file, or rewrites them.
func (c *testCase) finish(t *testing.T, outputs map[string]string) {
	t.Helper()
	var inputs []txtar.File
	for _, f := range c.archive.Files {
		if !slices.Contains(outputNames, f.Name) {
			inputs = append(inputs, f)
			continue
		}
		if got, made := outputs[f.Name]; !*update {
			if !made {
				t.Errorf("no %s, but: %v", f.Name, outputs)
			} else if diff := cmp.Diff(string(f.Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", f.Name, diff)
			}
		}
	}
	for name := range outputs {
		if c.file(name) == "" && outputs[name] != "" && !*update {
			t.Errorf("unexpected %s:\n%s", name, outputs[name])
		}
	}
	if *update {
		for _, name := range outputNames {
			if got, made := outputs[name]; made {
				inputs = append(inputs, txtar.File{Name: name, Data: []byte(got)})
			}
		}
		c.archive.Files = inputs
		if err := os.WriteFile(c.path, txtar.Format(c.archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *testCase) file(name string) string {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func (c *testCase) parse(t *testing.T, name string) *State {
	t.Helper()
	s, err := Parse(name, []byte(c.file(name)))
	if err != nil {
		t.Fatalf("%s: %s", name, problem.Text(err))
	}
	return s
}

// current parses the current state and adds what the facts file says, as an
// engine would.
func (c *testCase) current(t *testing.T) *State {
	t.Helper()
	s := c.parse(t, "current.yml")
	for _, i := range s.Interfaces {
		i.Origin = nil
	}
	if s.Routes != nil {
		for _, r := range slices.Concat(s.Routes.Config, s.Routes.Running) {
			r.Origin = nil
		}
	}
	if s.Rules != nil {
		for _, r := range s.Rules.Config {
			r.Origin = nil
		}
	}
	for line := range strings.Lines(c.file("facts")) {
		if err := addFact(s, strings.Fields(line)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// addFact reads a line such as "link tap0 foreign", "address eth0 192.0.2.1/24
// foreign", "route 198.51.100.0/24 foreign" or "rule 100 foreign".
func addFact(s *State, words []string) error {
	bad := fmt.Errorf("no such fact: %v", words)
	if len(words) < 3 {
		return bad
	}
	switch words[0] {
	case "link":
		i := s.Find(words[1])
		if i == nil {
			return bad
		}
		i.Facts = &Facts{
			Foreign: slices.Contains(words, "foreign"), Owned: slices.Contains(words, "owned"),
			Physical: slices.Contains(words, "physical"), BaseElsewhere: slices.Contains(words, "elsewhere"),
		}
	case "address":
		i := s.Find(words[1])
		list := i.IPv4.Address
		if strings.Contains(words[2], ":") {
			list = i.IPv6.Address
		}
		for n := range list {
			if list[n].Prefix().String() == words[2] {
				list[n].Facts = &AddressFacts{Foreign: slices.Contains(words, "foreign"), Tentative: slices.Contains(words, "tentative"), Failed: slices.Contains(words, "failed")}
				return nil
			}
		}
		return bad
	case "route":
		for _, r := range slices.Concat(s.Routes.Config, s.Routes.Running) {
			if r.Destination == netip.MustParsePrefix(words[1]) {
				r.Facts = &RouteFacts{Foreign: slices.Contains(words, "foreign")}
			}
		}
	case "rule":
		for _, r := range s.Rules.Config {
			if fmt.Sprint(r.priority()) == words[1] {
				r.Facts = &RuleFacts{Foreign: slices.Contains(words, "foreign")}
			}
		}
	default:
		return bad
	}
	return nil
}
