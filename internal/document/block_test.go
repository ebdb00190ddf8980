package document

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"holdfast/internal/problem"
)

// TestReadBlockAgreesWithLibrary puts lines together at random. What the
// quick reader takes, the YAML library must read in the same way.
func TestReadBlockAgreesWithLibrary(t *testing.T) {
	fixSeed(t)
	line := rapid.SampledFrom([]string{
		"a: b", "b:", "c: []", "d: {}", "- a: b", "- x", "- - y", "- b:", "-", "- c: 1", "  ", "# note", "e: 'q'", `f: "q"`, "plain", "a:b", "g: h i",
		"h: -1", "i: ::1", "-   j: k", "a: b # c", "k: 'x", "---", "...", "l: - m", "n: o: p", "- [a]", "? q", "- r: []",
	})
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		for range rapid.IntRange(1, 9).Draw(t, "lines") {
			b.WriteString(strings.Repeat(" ", rapid.SampledFrom([]int{0, 0, 0, 2, 2, 4, 1, 3}).Draw(t, "indent")))
			b.WriteString(line.Draw(t, "line") + "\n")
		}
		var quick, slow problem.List
		got := readBlock("f", []byte(b.String()), &quick)
		if got == nil {
			return
		}
		taken++
		want := readYAML("f", []byte(b.String()), &slow)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s\ndiffers (-library +quick):\n%s", b.String(), diff)
		}
		if fmt.Sprint(quick.Err()) != fmt.Sprint(slow.Err()) {
			t.Fatalf("%s\nproblems differ: %v, library %v", b.String(), quick.Err(), slow.Err())
		}
	})
	if taken == 0 {
		t.Error("the quick reader took nothing at all")
	}
}

// TestReadBlockTakesWhatWePrint guards the speed: what holdfast and nmstatectl
// print must never need the library.
func TestReadBlockTakesWhatWePrint(t *testing.T) {
	const text = `---
interfaces:
- name: bond0
  type: bond
  mac-address: '52:54:00:12:34:56'
  controller: ''
  link-aggregation:
    mode: 802.3ad
    options: {}
    port:
    - eth1
    - eth2
  ipv6:
    enabled: true
    address:
    - ip: fe80::1
      prefix-length: 64
  lldp:
    neighbors:
    - - type: 5
        system-name: sw 1
dns-resolver:
  config:
    server: []
    search:
    - example.com
    - '::1'
routes:
  config:
  - destination: ::/0
    metric: -1
`
	var problems problem.List
	if readBlock("f", []byte(text), &problems) == nil || problems.Len() > 0 {
		t.Errorf("the quick reader gave up: %v", problems.Err())
	}
}

// fixSeed makes rapid draw the same in every run, unless -rapid.seed is given.
func fixSeed(t *testing.T) {
	t.Helper()
	if f := flag.Lookup("rapid.seed"); f.Value.String() == "0" {
		if err := f.Value.Set("1"); err != nil {
			t.Fatal(err)
		}
	}
}
