package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"holdfast/internal/problem"
)

// enum is a flag's value that must be one of a few words (pflag.Value).
type enum struct {
	value string
	words []string
	// later holds words that a coming version takes, with what to do now.
	later map[string]string
}

// Set takes a word, or tells which ones there are.
func (e *enum) Set(word string) error {
	if slices.Contains(e.words, word) {
		e.value = word
		return nil
	}
	p := &problem.Problem{Message: fmt.Sprintf("%q is not one of %s", word, strings.Join(e.words, ", "))}
	if hint, ok := e.later[word]; ok {
		p.Hint = hint
	} else {
		p.Hint = problem.DidYouMean(word, e.words)
	}
	return p
}

// String is the word.
func (e *enum) String() string { return e.value }

// Type is what the help shows for the value.
func (e *enum) Type() string { return strings.Join(e.words, "|") }

// complete offers the words of a flag to the shell.
func complete(c *cobra.Command, flag string, words []string) {
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
