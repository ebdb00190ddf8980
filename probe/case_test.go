package probe

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/internal/problem"
	"holdfast/state"
)

var update = flag.Bool("update", false, "rewrite what is expected")

// cases runs every case of a folder: its last section is what the others
// should come to.
func cases(t *testing.T, folder string, run func(t *testing.T, sections map[string]string) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d cases, error %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			sections := map[string]string{}
			for _, f := range archive.Files {
				sections[f.Name] = string(f.Data)
			}
			got := run(t, sections)
			want := &archive.Files[len(archive.Files)-1]
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", want.Name, diff)
			}
		})
	}
}

// lines are those of a section that are not empty.
func lines(section string) []string {
	return strings.FieldsFunc(section, func(r rune) bool { return r == '\n' })
}

func parse(t *testing.T, text string) Spec {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	cases(t, "parse", func(t *testing.T, sections map[string]string) string {
		var b strings.Builder
		for _, line := range lines(sections["probes"]) {
			s, err := Parse(line)
			if err != nil {
				fmt.Fprintf(&b, "%s\n", problem.Text(err))
				continue
			}
			fmt.Fprintf(&b, "%s\n    %s\n", line, describe(s))
			checkRoundTrip(t, s)
		}
		return b.String()
	})
}

// describe is the probe with every member that is set.
func describe(s Spec) string {
	text := fmt.Sprintf("%s timeout=%v retries=%d", s, s.Timeout, s.Retries)
	for _, member := range []struct {
		name  string
		value any
		set   bool
	}{
		{"host", s.Host, s.Host != ""},
		{"interface", s.Interface, s.Interface != ""},
		{"port", s.Port, s.Port != 0},
		{"url", s.URL, s.URL != ""},
		{"status", s.Status, s.Status != 0},
		{"insecure", s.Insecure, s.Insecure},
		{"name", s.Name, s.Name != ""},
		{"server", s.Server, s.Server.IsValid()},
		{"type", s.Type, s.Type != ""},
		{"optional", s.Optional, s.Optional},
	} {
		if member.set {
			text += fmt.Sprintf(" %s=%v", member.name, member.value)
		}
	}
	return text
}

// checkRoundTrip reads the canonical text of a probe again.
func checkRoundTrip(t *testing.T, s Spec) {
	t.Helper()
	again, err := Parse(s.String())
	if err != nil {
		t.Errorf("the canonical form is refused: %v", err)
	} else if again != s {
		t.Errorf("%s is read back as %s (-want +got)\n%s", s, again, cmp.Diff(describe(s), describe(again)))
	}
}

func TestExpand(t *testing.T) {
	cases(t, "expand", func(t *testing.T, sections map[string]string) string {
		on, err := state.Parse("current", []byte(sections["current"]))
		if err != nil {
			t.Fatal(err)
		}
		var specs []Spec
		for _, line := range lines(sections["probes"]) {
			text, byDefault := strings.CutSuffix(line, " default")
			s := parse(t, text)
			s.Default = byDefault
			specs = append(specs, s)
		}
		var b strings.Builder
		for _, q := range Expand(specs, on) {
			fmt.Fprintf(&b, "%s | %s | %s\n", q.Spec, q.Target, q.Label())
		}
		return b.String()
	})
}

// TestJudge reads answers as lines of ok or fail, the probe, perhaps "default",
// and behind an arrow the gateway's own probe.
func TestJudge(t *testing.T) {
	cases(t, "judge", func(t *testing.T, sections map[string]string) string {
		var after []Answer
		if section, made := sections["after"]; made {
			after = append([]Answer{}, answers(t, section)...)
		}
		v := Judge(answers(t, sections["before"]), after)
		var b strings.Builder
		for _, part := range []struct {
			name string
			list []Answer
		}{{"refused", v.Refused}, {"left out", v.LeftOut}, {"lost", v.Lost}} {
			for _, a := range part.list {
				fmt.Fprintf(&b, "%s: %s\n", part.name, a)
			}
		}
		if n := len(v.Wrong()); n != len(v.Refused)+len(v.Lost) || v.OK() != (n == 0) || len(v.Warnings()) != len(v.LeftOut) {
			t.Errorf("%d wrong, ok %v, %d warnings", n, v.OK(), len(v.Warnings()))
		}
		return b.String()
	})
}

func answers(t *testing.T, section string) []Answer {
	t.Helper()
	var list []Answer
	for _, line := range lines(section) {
		asked, target, arrow := strings.Cut(line, " -> ")
		words := strings.Fields(asked)
		s := parse(t, words[1])
		s.Default = len(words) > 2 && words[2] == "default"
		a := Answer{Question: Question{Spec: s, Target: s}, OK: words[0] == "ok", Tries: 1}
		if arrow {
			a.Target = parse(t, target)
		}
		if !a.OK {
			a.Error, a.Tries = "no answer within 3s", 3
		}
		list = append(list, a)
	}
	return list
}

func TestComplete(t *testing.T) {
	choices := Choices{
		Interfaces: []string{"br0", "bond0", "eth0"},
		Hosts:      []string{"192.0.2.1", "2001:db8::1"},
		Programs:   []string{"storage", "vdsm.sh"},
	}
	cases(t, "complete", func(_ *testing.T, sections map[string]string) string {
		var b strings.Builder
		for _, line := range lines(sections["begun"]) {
			begun := strings.Trim(line, `"`)
			fmt.Fprintf(&b, "%s\n", line)
			for _, word := range Complete(begun, choices) {
				fmt.Fprintf(&b, "    %s\n", word)
			}
		}
		return b.String()
	})
}
