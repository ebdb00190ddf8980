package document

import (
	"bytes"
	"strings"

	"holdfast/internal/problem"
)

// otherBreaks are what YAML 1.1 takes for the end of a line beside \n: carriage
// return, next line, line and paragraph separators.
var otherBreaks = [][]byte{[]byte("\r"), []byte("\u0085"), []byte("\u2028"), []byte("\u2029")}

// readBlock reads the plain part of YAML that programs write: block mappings
// and lists, one value to a line, unquoted or in quotes without escapes. For
// any other document, and for every faulty one, it returns nil, and the YAML
// library reads it instead. It takes a tenth of the library's time, which is
// what counts on hosts with thousands of interfaces; a fuzz test holds it to
// the library's result.
func readBlock(name string, data []byte, problems *problem.List) *Document {
	for _, lineBreak := range otherBreaks {
		if bytes.Contains(data, lineBreak) {
			return nil
		}
	}
	s := blockScanner{text: string(data)}
	s.advance()
	if s.body == "---" && s.indent == 0 {
		s.advance()
	}
	if s.end || s.indent != 0 || !s.isKey() {
		return nil
	}
	root, ok := s.mapping(0)
	if !ok || !s.end {
		return nil
	}
	addDuplicates(name, &root, s.duplicates, problems)
	return &Document{Name: name, Root: root}
}

// blockScanner walks through a text line by line. Its methods return false at
// the first thing that is not plain.
type blockScanner struct {
	text string
	// next is where the line after the current one begins.
	next int
	// line is the number of the current line, indent the column where body
	// begins, counted from 0. Within "- - key: value" each step moves indent
	// and body to the right.
	line, indent int
	body         string
	// end is set after the last line.
	end bool
	// stack collects the items of the collections that are still open.
	stack      []Node
	duplicates []duplicate
}

// advance goes to the next line that is neither empty nor a comment.
func (s *blockScanner) advance() {
	for s.next < len(s.text) {
		rest := s.text[s.next:]
		if i := strings.IndexByte(rest, '\n'); i >= 0 {
			rest = rest[:i]
		}
		s.next += len(rest) + 1
		s.line++
		s.indent = 0
		for s.indent < len(rest) && rest[s.indent] == ' ' {
			s.indent++
		}
		if s.body = rest[s.indent:]; s.body != "" && s.body[0] != '#' {
			return
		}
	}
	s.end, s.body = true, ""
}

// here returns an empty node at a place of the body.
func (s *blockScanner) here(at int) Node {
	return Node{Line: int32(s.line), Column: int32(s.indent + at + 1)}
}

func (s *blockScanner) isItem() bool { return strings.HasPrefix(s.body, "- ") }

// isKey reports whether the body begins with a plain key.
func (s *blockScanner) isKey() bool { return s.keyLength() > 0 }

// keyLength returns the length of the key that the body begins with, or 0.
func (s *blockScanner) keyLength() int {
	const longest = 128
	for i := 0; i < len(s.body) && i < longest; i++ {
		c := s.body[i]
		switch {
		case isWordByte(c):
		case i > 0 && (c == '-' || c == '.' || c == '+' || c == '/'):
		case i > 0 && c == ':' && (i+1 == len(s.body) || s.body[i+1] == ' '):
			return i
		default:
			return 0
		}
	}
	return 0
}

// node reads what begins at the body, and goes to the line after it.
func (s *blockScanner) node(depth int) (Node, bool) {
	switch {
	case depth > maxDepth:
		return Node{}, false
	case s.isItem():
		return s.sequence(depth)
	case s.isKey():
		return s.mapping(depth)
	}
	n, ok := s.inline(0)
	s.advance()
	return n, ok
}

func (s *blockScanner) sequence(depth int) (Node, bool) {
	n := s.here(0)
	n.Kind = Sequence
	column, base := s.indent, len(s.stack)
	for !s.end && s.indent == column && s.isItem() {
		skip := 2
		for skip < len(s.body) && s.body[skip] == ' ' {
			skip++
		}
		s.indent += skip
		s.body = s.body[skip:]
		item, ok := s.node(depth + 1)
		if !ok || !s.end && s.indent > column {
			return n, false
		}
		s.stack = append(s.stack, item)
	}
	return s.close(n, base), true
}

func (s *blockScanner) mapping(depth int) (Node, bool) {
	n := s.here(0)
	n.Kind = Mapping
	column, base := s.indent, len(s.stack)
	var keys keySet
	for !s.end && s.indent == column {
		length := s.keyLength()
		if length == 0 {
			return n, false
		}
		key := s.here(0)
		key.Kind, key.Plain, key.Text = Scalar, true, s.body[:length]
		value, ok := s.value(length+1, column, depth)
		if !ok || !s.end && s.indent > column {
			return n, false
		}
		if first := keys.find(s.stack[base:], key.Text); first >= 0 {
			s.duplicates = append(s.duplicates, duplicate{key: key, first: s.stack[base+first]})
			continue
		}
		s.stack = append(s.stack, key, value)
	}
	return s.close(n, base), true
}

// value reads what follows a key of a mapping in that column: the rest of the
// line, or the lines below that are further to the right, or a list below in
// the same column, or nothing.
func (s *blockScanner) value(at, column, depth int) (Node, bool) {
	if at < len(s.body) {
		for at < len(s.body) && s.body[at] == ' ' {
			at++
		}
		n, ok := s.inline(at)
		s.advance()
		return n, ok
	}
	null := s.here(at)
	null.Kind, null.Plain = Scalar, true
	s.advance()
	switch {
	case s.end || s.indent < column:
		return null, true
	case s.indent > column:
		return s.node(depth + 1)
	case s.isItem():
		return s.sequence(depth + 1)
	}
	return null, true
}

// close takes the items of n off the stack.
func (s *blockScanner) close(n Node, base int) Node {
	n.Items = append(make([]Node, 0, len(s.stack)-base), s.stack[base:]...)
	s.stack = s.stack[:base]
	return n
}

// inline reads a value that ends with its line.
func (s *blockScanner) inline(at int) (Node, bool) {
	n := s.here(at)
	text := s.body[at:]
	switch {
	case text == "":
		return n, false
	case text == "[]":
		n.Kind = Sequence
		return n, true
	case text == "{}":
		n.Kind = Mapping
		return n, true
	case text[0] == '\'' || text[0] == '"':
		n.Kind, n.Text = Scalar, text[1:max(1, len(text)-1)]
		closed := len(text) >= 2 && text[len(text)-1] == text[0]
		return n, closed && strings.IndexFunc(n.Text, notInQuotes) < 0
	}
	n.Kind, n.Plain, n.Text = Scalar, true, text
	return n, isPlainScalar(text)
}

// notInQuotes reports what does not stand for itself in quotes.
func notInQuotes(r rune) bool {
	return r < ' ' || r >= 0x7f || r == '\'' || r == '"' || r == '\\'
}

// isPlainScalar reports whether an unquoted text is a scalar beyond doubt.
func isPlainScalar(s string) bool {
	if !startsPlain(s) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c == ' ' || c == ':') && (i+1 == len(s) || s[i+1] == ' ') {
			return false
		}
		if !isWordByte(c) && strings.IndexByte(" :./+@%,=()-", c) < 0 {
			return false
		}
	}
	return true
}

// startsPlain reports whether a scalar may begin as s does: with a word, a
// path, a fraction, a negative number, or the colon of an IPv6 address.
func startsPlain(s string) bool {
	c := s[0]
	if isWordByte(c) || c == '/' || c == '.' {
		return true
	}
	if c != '-' && c != ':' || len(s) < 2 {
		return false
	}
	return isWordByte(s[1]) || s[1] == ':' || s[1] == '/'
}

func isWordByte(c byte) bool { return isLetter(c) || isDigit(c) || c == '_' }
