package probe

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"holdfast/internal/problem"
)

// TestDocument holds docs/probes.md against the code: the table of kinds, the
// options, the examples and the refusals.
func TestDocument(t *testing.T) {
	content, err := os.ReadFile("../docs/probes.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for _, k := range kinds {
		row := regexp.MustCompile(fmt.Sprintf(`(?m)^\| `+"`%s`"+` \| .* \| %v \| %d \|$`, regexp.QuoteMeta(k.form), k.timeout, k.retries))
		if !row.MatchString(text) {
			t.Errorf("no row for %s with a timeout of %v and %d retries", k.form, k.timeout, k.retries)
		}
	}
	for _, o := range options {
		if !strings.Contains(text, "\n| `"+o.name+"=") {
			t.Errorf("no row for the option %s", o.name)
		}
	}
	checkExamples(t, text)
	checkRefusals(t, text)
}

// checkExamples reads everything that is quoted and looks like a probe.
func checkExamples(t *testing.T, text string) {
	t.Helper()
	found := 0
	quoted := regexp.MustCompile("`((?:ping|arp|tcp|http|https|dns|exec):[^`]*)`|--probe ([^ \n]+)")
	for _, match := range quoted.FindAllStringSubmatch(text, -1) {
		example := match[1] + match[2]
		if strings.Contains(example, "HOST") || strings.Contains(example, "NAME") || strings.HasSuffix(example, "URL") {
			continue
		}
		found++
		if _, err := Parse(example); err != nil {
			t.Error(err)
		}
	}
	if found < 8 {
		t.Errorf("%d examples found", found)
	}
}

// checkRefusals holds the blocks of refusals against what is said.
func checkRefusals(t *testing.T, text string) {
	t.Helper()
	blocks := regexp.MustCompile(`(?m)^    probe (\S+), character .*\n    hint: .*$`).FindAllStringSubmatch(text, -1)
	if len(blocks) < 2 {
		t.Errorf("%d refusals found", len(blocks))
	}
	for _, block := range blocks {
		_, err := Parse(block[1])
		if err == nil {
			t.Errorf("%s is not refused", block[1])
			continue
		}
		want := strings.ReplaceAll(block[0], "    ", "")
		if got := problem.Text(err); got != want {
			t.Errorf("refusal %q, the document says %q", got, want)
		}
	}
}
