package document

import (
	"bytes"
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
		problems.Add(&problem.Problem{File: name, Message: "the document is larger than 64 MiB"})
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
			return badByte(data, i, "control characters are not allowed", "")
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

// checkKey adds a problem if the key is among the keys before it. seen is
// made for mappings with many keys only; small ones are searched.
func checkKey(name string, items []Node, key *Node, seen map[string]int, problems *problem.List) bool {
	earlier := -1
	if seen != nil {
		if at, ok := seen[key.Text]; ok {
			earlier = at
		}
		seen[key.Text] = len(items)
	} else {
		for i := 0; i < len(items); i += 2 {
			if items[i].Text == key.Text {
				earlier = i
				break
			}
		}
	}
	if earlier < 0 {
		return true
	}
	problems.Add(twice(name, key, &items[earlier]))
	return false
}

func twice(name string, key, first *Node) *problem.Problem {
	p := at(name, key, "the key is given twice")
	p.Key = key.Text
	p.Hint = "it was first given in line " + lineOf(first)
	return p
}
