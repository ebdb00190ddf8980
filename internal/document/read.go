package document

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"holdfast/internal/problem"
)

const (
	// MaxSize is the size in bytes above which a document is refused.
	MaxSize = 64 << 20
	// maxDepth is how deep mappings and lists may be nested.
	maxDepth = 100
	// maxAliased is the number of nodes that all aliases of a document
	// together may stand for.
	maxAliased = 500_000
)

// Document is one document as read.
type Document struct {
	// Name is the file's name, for messages.
	Name string
	// Root is always a mapping.
	Root Node
}

// Read reads the one YAML or JSON document in data, whose name is used in
// messages. What is wrong is added to problems; nil is returned when the
// document cannot be read at all, and otherwise a tree without the parts that
// had a problem. Refused are: more than MaxSize bytes, anything but UTF-8,
// control characters, an empty document, several documents, a document that
// is not a mapping, a key given twice, tags other than YAML's basic ones,
// aliases that contain themselves or stand for too much.
func Read(name string, data []byte, problems *problem.List) *Document {
	if len(data) > MaxSize {
		problems.Add(&problem.Problem{File: name, Message: "the document is larger than 64 MiB", Hint: "make several files of it"})
		return nil
	}
	if p := checkText(data); p != nil {
		p.File = name
		problems.Add(p)
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if doc := readJSON(name, data, problems); doc != nil {
		return doc
	}
	if doc := readBlock(name, data, problems); doc != nil {
		return doc
	}
	return readYAML(name, data, problems)
}

// checkText looks for bytes that no document may hold, and returns the first.
func checkText(data []byte) *problem.Problem {
	if bytes.HasPrefix(data, []byte("\xff\xfe")) || bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return &problem.Problem{Line: 1, Column: 1, Message: "the document is UTF-16", Hint: "save it as UTF-8"}
	}
	for i := 0; i < len(data); {
		c := data[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(data[i:])
		switch {
		case r == utf8.RuneError && size <= 1:
			return badByte(data, i, "the document is not valid UTF-8", "save it as UTF-8")
		case r < ' ' || r >= 0x7f && r < 0xa0 && r != 0x85:
			return badByte(data, i, "control characters are not allowed", "remove them")
		}
		i += size
	}
	return nil
}

func badByte(data []byte, at int, message, hint string) *problem.Problem {
	const digits = "0123456789abcdef"
	line, column := position(data, at)
	value := "byte 0x" + string([]byte{digits[data[at]>>4], digits[data[at]&15]})
	return &problem.Problem{Line: line, Column: column, Message: message, Value: value, Hint: hint}
}

// position returns the line and column, in characters, of a byte of data.
func position(data []byte, at int) (line, column int) {
	before := data[:at]
	start := bytes.LastIndexByte(before, '\n') + 1
	return bytes.Count(before, []byte{'\n'}) + 1, utf8.RuneCount(before[start:]) + 1
}

// duplicate is a key that was given twice in one mapping.
type duplicate struct {
	key, first Node
}

// keySet finds the keys of one mapping while it is read: by search as long as
// they are few, in a map when they are many.
type keySet struct {
	seen map[string]int
}

// manyKeys is the number of keys from which on a map is faster.
const manyKeys = 24

// find returns the index in items of the key with that text, or -1.
func (s *keySet) find(items []Node, text string) int {
	if len(items) < 2*manyKeys {
		for i := 0; i < len(items); i += 2 {
			if items[i].Text == text {
				return i
			}
		}
		return -1
	}
	if s.seen == nil {
		s.seen = make(map[string]int, len(items))
		for i := 0; i < len(items); i += 2 {
			s.seen[items[i].Text] = i
		}
	}
	if i, ok := s.seen[text]; ok {
		return i
	}
	s.seen[text] = len(items)
	return -1
}

// addDuplicates adds a problem for each duplicate, whose path is searched in
// the finished tree.
func addDuplicates(name string, root *Node, duplicates []duplicate, problems *problem.List) {
	for _, d := range duplicates {
		p := at(name, &d.key, "the key is given twice", "it was first given in line "+strconv.Itoa(int(d.first.Line)))
		p.Key, _ = pathTo(root, &d.first)
		problems.Add(p)
	}
}

// pathTo returns the key path of the key at the position of key.
func pathTo(n, key *Node) (path string, ok bool) {
	for i := range n.Items {
		item := &n.Items[i]
		switch {
		case n.Kind == Sequence:
			if rest, ok := pathTo(item, key); ok {
				return Join("["+strconv.Itoa(i)+"]", rest), true
			}
		case i%2 == 0:
			if item.Line == key.Line && item.Column == key.Column {
				return item.Text, true
			}
		default:
			if rest, ok := pathTo(item, key); ok {
				return Join(n.Items[i-1].Text, rest), true
			}
		}
	}
	return "", false
}
