// Package problem describes what is wrong with an input: where, which key,
// which value, and what to do about it. Problems of one input are collected
// in a List, so that one run tells all of them.
package problem

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxValue is the number of characters of an offending value that are shown.
const maxValue = 60

// Problem is one fault of an input. Every part but Message may be missing:
// an empty File, a zero Line and an empty Key are left out when it is shown.
type Problem struct {
	// File is the name under which the input was read.
	File string
	// Line and Column count from 1; zero means that the position is not known.
	Line, Column int
	// Key is the path of the key at fault, such as
	// interfaces[2].bridge.port[0].name.
	Key string
	// Value is the offending value as it was written. It stays empty when
	// there is none or when it is a secret.
	Value string
	// Message says what is wrong, in lower case and without a full stop.
	Message string
	// Hint says what to do; it may be empty.
	Hint string
	// Unsupported is set when the input is right, but asks for something that
	// is not carried out yet.
	Unsupported bool
}

// Error returns the problem on one line, without its hint:
// FILE:LINE:COLUMN: key: message (value).
func (p *Problem) Error() string {
	var b strings.Builder
	if where := p.Position(); where != "" {
		b.WriteString(where)
		b.WriteString(": ")
	}
	if p.Key != "" {
		b.WriteString(p.Key)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Value != "" {
		b.WriteString(" (")
		b.WriteString(Printable(p.Value))
		b.WriteString(")")
	}
	return b.String()
}

// Position returns FILE:LINE:COLUMN with the parts that are known, or "".
func (p *Problem) Position() string {
	if p.Line == 0 {
		return p.File
	}
	where := strconv.Itoa(p.Line)
	if p.Column > 0 {
		where += ":" + strconv.Itoa(p.Column)
	}
	if p.File == "" {
		return "line " + where
	}
	return p.File + ":" + where
}

// Text returns the problem for people: the line of Error and, if there is a
// hint, a second line "hint: …".
func (p *Problem) Text() string {
	if p.Hint == "" {
		return p.Error()
	}
	return p.Error() + "\nhint: " + p.Hint
}

// Printable returns s fit for one line of a terminal: control characters and
// broken UTF-8 escaped, cut after 60 characters.
func Printable(s string) string {
	plain := utf8.ValidString(s) && strings.IndexFunc(s, notPrintable) < 0
	if plain && len(s) <= maxValue {
		return s
	}
	if utf8.RuneCountInString(s) > maxValue {
		s = string([]rune(s)[:maxValue]) + "…"
	}
	if !plain {
		s = strconv.Quote(s)
	}
	return s
}

func notPrintable(r rune) bool { return !unicode.IsPrint(r) }
