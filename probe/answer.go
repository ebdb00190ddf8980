package probe

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Answer is what one question came to.
type Answer struct {
	// Question is what was asked.
	Question
	// OK is set when the probe passed.
	OK bool
	// Error says why it did not, in one line; empty when it passed.
	Error string
	// Took is the time from the first try to the end of the last.
	Took time.Duration
	// Tries counts them.
	Tries int
}

// String is one line for people: the probe, what it came to, and how long that
// took.
func (a Answer) String() string {
	what := "ok"
	if !a.OK {
		what = a.Error
	}
	return fmt.Sprintf("%s: %s (%s)", a.Label(), what, a.effort())
}

// effort is how long the answer took, and how many tries unless it was one.
func (a Answer) effort() string {
	took := round(a.Took).String()
	if a.Tries > 1 {
		return fmt.Sprintf("%s, %d tries", took, a.Tries)
	}
	return took
}

// round makes a length of time fit for people: three digits are enough.
func round(d time.Duration) time.Duration {
	for unit := time.Nanosecond; unit <= time.Second; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit)
		}
	}
	return d.Round(time.Second)
}

// maxError is how much of an error is kept, in characters.
const maxError = 300

// oneLine makes an error fit for one line of a terminal and of a log: some of
// its words may come from the other side, or from a program.
func oneLine(text string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, "?"))
	if runes := []rune(plain); len(runes) > maxError {
		return string(runes[:maxError]) + "…"
	}
	return plain
}
