package state

import (
	"fmt"
	"testing"
)

// TestCompareCases compares the desired with the current state of each case.
func TestCompareCases(t *testing.T) {
	eachCase(t, "testdata/compare/*.txtar", func(t *testing.T, c *testCase) {
		var text string
		for _, d := range Compare(c.parse(t, "desired.yml"), c.current(t)) {
			text += fmt.Sprintf("%s: %s: want %q, have %q", d.Object, d.Key, d.Want, d.Have)
			if d.Pending {
				text += " (pending)"
			}
			text += "\n"
		}
		c.expect("differences", text)
	})
}
