package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// testFlags are what go test passes to a test binary, as far as the lab must understand it.
type testFlags struct {
	binary  string
	pattern string   // -test.run
	rest    []string // all other flags and arguments
	verbose bool
	mark    string        // what precedes a line that test2json must understand
	timeout time.Duration // for all tests together; 0 is none
}

// ours are flags whose files would be lost in the lab, or that the lab sets itself.
var ours = []string{"test.testlogfile", "test.coverprofile", "test.gocoverdir", "test.outputdir"}

func parseTestFlags(args []string) (testFlags, error) {
	binary, err := filepath.Abs(args[0])
	f := testFlags{binary: binary}
	if err != nil {
		return f, err
	}
	for _, arg := range args[1:] {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch name {
		case "test.run":
			f.pattern = value
			continue
		case "test.v":
			f.verbose = value != "false"
			if value == "test2json" {
				f.mark = "\x16"
			}
		case "test.timeout":
			if f.timeout, err = time.ParseDuration(value); err != nil {
				return f, fmt.Errorf("%s: %w", arg, err)
			}
			continue
		}
		if !slices.Contains(ours, name) {
			f.rest = append(f.rest, arg)
		}
	}
	return f, nil
}

// topLevel is the part of -test.run that top-level tests must match.
func (f testFlags) topLevel() string {
	top, _, _ := strings.Cut(f.pattern, "/")
	if top == "" {
		return "."
	}
	return top
}

// command runs one test, with the subtests that were chosen. What is left of the time for all is its limit.
func (f testFlags) command(test string, left time.Duration) []string {
	pattern := "^" + regexp.QuoteMeta(test) + "$"
	if _, below, ok := strings.Cut(f.pattern, "/"); ok {
		pattern += "/" + below
	}
	command := append([]string{f.binary, "-test.run=" + pattern}, f.rest...)
	if left > 0 {
		command = append(command, "-test.timeout="+left.String())
	}
	if !f.verbose {
		command = append(command, "-test.v") // so that a test that hangs or panics shows how far it got
	}
	return command
}

// trim takes the verdict on the whole binary from a test's output: the lab gives it for all.
func (f testFlags) trim(text []byte) []byte {
	for _, verdict := range []string{"PASS\n", "FAIL\n"} {
		if rest, ok := bytes.CutSuffix(text, []byte(f.mark+verdict)); ok {
			return rest
		}
	}
	return text
}
