package probe

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/rogpeppe/go-internal/txtar"

	"holdfast/internal/problem"
)

// FuzzParse holds what no input may break: a probe is refused with a position
// inside of it, on one line; or its canonical text means the same, and is
// canonical.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"good", "bad"} {
		archive, err := txtar.ParseFile("testdata/parse/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, line := range lines(string(archive.Files[0].Data)) {
			f.Add(line)
		}
	}
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			checkRefusal(t, text, err)
			return
		}
		checkRoundTrip(t, s)
		if canonical := s.String(); canonical != parse(t, canonical).String() {
			t.Errorf("%q is not canonical", canonical)
		}
		for _, word := range Complete(text, Choices{Interfaces: []string{"br0"}, Hosts: []string{"::1"}}) {
			if !strings.HasPrefix(word, text) {
				t.Errorf("%q is no completion of %q", word, text)
			}
		}
	})
}

func checkRefusal(t *testing.T, text string, err error) {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok {
		t.Fatalf("%q: %v is no problem", text, err)
	}
	if p.Column < 0 || p.Column > len([]rune(text))+1 {
		t.Errorf("%q: column %d", text, p.Column)
	}
	if line := p.Error(); strings.IndexFunc(line, unicode.IsControl) >= 0 {
		t.Errorf("%q: the error has a control character: %q", text, line)
	}
}
