package store

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the examples of docs/store.md")

const page = "../docs/store.md"

// TestPage holds the examples of docs/store.md against what is written: each is
// read, and printed again as it is.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	want := string(text)
	for _, sample := range samples(t) {
		begin := fmt.Sprintf("`%s`:\n\n```json\n", sample.path)
		_, rest, ok := strings.Cut(want, begin)
		example, _, closed := strings.Cut(rest, "```\n")
		if !ok || !closed {
			t.Errorf("%s has no example of %s", page, sample.path)
			continue
		}
		found[sample.path] = example
		want = strings.Replace(want, begin+example, begin+string(sample.data), 1)
	}
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("the examples differ from what is written; go test ./store -run TestPage -update (-want +got)\n%s", diff)
	}
	for path, example := range found {
		if again, err := reencode([]byte(example)); err != nil || string(again) != example {
			t.Errorf("%s: the example is read as %v\n%s", path, err, again)
		}
	}
}

// TestPageNames looks for every file name, phase and outcome in the page.
func TestPageNames(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	words := []string{
		formatName, generationsName, setAsideName, journalName, preparedName, markName,
		fmt.Sprintf("%s%d", formatPrefix, Version), fileName(12, committedPart), fileName(12, preparedPart), fileName(12, outcomePart),
	}
	for _, phase := range []Phase{Prepared, Applying, Waiting, RollingBack, Committed, Ended} {
		words = append(words, string(phase))
	}
	for _, outcome := range append([]Outcome{Applied}, failures...) {
		words = append(words, string(outcome))
	}
	for _, word := range words {
		if !strings.Contains(string(text), "`"+word) && !strings.Contains(string(text), "/"+word) {
			t.Errorf("%s does not name %s", page, word)
		}
	}
}
