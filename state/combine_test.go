package state

import (
	"testing"

	"holdfast/internal/problem"
)

// TestCombineCases combines the documents a.yml, b.yml and c.yml of each case.
func TestCombineCases(t *testing.T) {
	eachCase(t, "testdata/combine/*.txtar", func(t *testing.T, c *testCase) {
		var states []*State
		for _, f := range c.archive.Files {
			if f.Name == "a.yml" || f.Name == "b.yml" || f.Name == "c.yml" {
				states = append(states, c.parse(t, f.Name))
			}
		}
		combined, err := Combine(states...)
		if err == nil {
			err = combined.Validate()
		}
		if err != nil {
			c.expect("problems", problem.Text(err)+"\n")
			return
		}
		c.expect("output.yml", string(EncodeYAML(combined)))
	})
}
