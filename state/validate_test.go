package state

import (
	"testing"

	"holdfast/internal/problem"
)

// TestValidateCases checks the desired state of each case by itself; the file
// "problems" is what is wrong with it.
func TestValidateCases(t *testing.T) {
	eachCase(t, "testdata/validate/*.txtar", func(t *testing.T, c *testCase) {
		if err := c.parse(t, "desired.yml").Validate(); err != nil {
			c.expect("problems", problem.Text(err)+"\n")
		}
	})
}
