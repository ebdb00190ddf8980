package schemadoc

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write docs/schema.md")

const (
	model = "../../state"
	page  = "../../docs/schema.md"
)

func TestSchemaPageIsUpToDate(t *testing.T) {
	got, err := Generate(model)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("docs/schema.md differs from the source: run go generate ./internal/schemadoc (-page +source)\n%s", diff)
	}
}

func TestSchemaPageSpeaksToPeople(t *testing.T) {
	got, err := Generate(model)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(got)) {
		for word := range strings.FieldsSeq(line) {
			if word = strings.Trim(word, ".,;()"); word == "nil" || word == "non-nil" || word == "slice" || word == "pointer" {
				t.Errorf("%q is a word of Go: %s", word, line)
			}
		}
	}
}

func TestDefaultsNameFields(t *testing.T) {
	src, err := load(model)
	if err != nil {
		t.Fatal(err)
	}
	w := writer{source: src}
	for name := range defaults {
		owner, field, _ := strings.Cut(name, ".")
		if src.structs[owner] == nil {
			t.Errorf("default of %s: no such struct", name)
			continue
		}
		found := false
		for _, f := range w.flatten(owner) {
			found = found || f.name == field
		}
		if !found {
			t.Errorf("default of %s: no such field", name)
		}
	}
}

func TestEveryKeyHasARemark(t *testing.T) {
	src, err := load(model)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range src.structs {
		for _, f := range s.fields {
			_, inline := f.options["inline"]
			if remark(f, nil) == "" && !inline {
				t.Errorf("%s.%s (key %s) has no comment", name, f.name, f.key)
			}
		}
	}
}
