package tests

import (
	"path/filepath"
	"testing"
)

// leastRefusals is how many bad inputs are promised to be tried.
const leastRefusals = 70

// TestRefusals runs the scripts in testdata/refusals: bad input of every sort,
// with the whole text that the user reads, exit code 1 and an unchanged host.
func TestRefusals(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	found, err := filepath.Glob("testdata/refusals/*.txtar")
	if err != nil || len(found) < leastRefusals {
		t.Fatalf("%d scripts of at least %d (%v)", len(found), leastRefusals, err)
	}
	scripts(t, "testdata/refusals")
}
