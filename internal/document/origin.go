package document

import (
	"strconv"
	"strings"

	"holdfast/internal/problem"
)

// Origin remembers where in a document a thing was described, so that what is
// found wrong with it later can be told with file, line and column. It refers
// to the parsed document and costs nothing until it is asked. A nil Origin is
// a thing that came from no document; its methods may be called.
type Origin struct {
	doc  *Document
	node *Node
	base string
	// index is the element's number in the list named by base, or -1.
	index int
}

// NewOrigin returns the origin of a node of doc whose key path is base, or
// base[index] when index is not negative.
func NewOrigin(doc *Document, node *Node, base string, index int) *Origin {
	return &Origin{doc: doc, node: node, base: base, index: index}
}

// Path returns the key path of the thing in its document, such as
// interfaces[2], or "" for nil.
func (o *Origin) Path() string {
	if o == nil {
		return ""
	}
	if o.index < 0 {
		return o.base
	}
	return o.base + "[" + strconv.Itoa(o.index) + "]"
}

// At returns the position of a part of the thing, named by a path such as
// ipv4.address[0].ip; the empty path is the thing itself. For a part that the
// document does not mention it is the position of the innermost part around
// it. ok is false when there is no position: for a nil Origin.
func (o *Origin) At(path string) (file string, line, column int, ok bool) {
	if o == nil || o.node == nil {
		return "", 0, 0, false
	}
	place := o.node
	node := o.node
	for path != "" && node != nil {
		var key *Node
		node, key, path = descend(node, path)
		switch {
		case node == nil:
		case node.Kind != Scalar && key != nil:
			place = key
		case node.IsNull() && key != nil:
			place = key
		default:
			place = node
		}
	}
	return o.doc.Name, int(place.Line), int(place.Column), true
}

// Problem returns a problem of a part of the thing, named as for At, with its
// position and its whole key path. Of a nil Origin it has the path alone.
func (o *Origin) Problem(path, value, message, hint string) *problem.Problem {
	p := &problem.Problem{Key: Join(o.Path(), path), Value: value, Message: message, Hint: hint}
	if file, line, column, ok := o.At(path); ok {
		p.File, p.Line, p.Column = file, line, column
	}
	return p
}

// Join puts a key path together from two parts, either of which may be empty.
func Join(base, path string) string {
	if base == "" || path == "" || path[0] == '[' {
		return base + path
	}
	return base + "." + path
}

// descend takes one step along path. In a mapping the longest key that the
// path begins with is taken, since keys such as 802.1x hold a dot. node is
// nil when there is no such part.
func descend(from *Node, path string) (node, key *Node, rest string) {
	path = strings.TrimPrefix(path, ".")
	switch from.Kind {
	case Sequence:
		return element(from, path)
	case Mapping:
		for i := 0; i+1 < len(from.Items); i += 2 {
			k := &from.Items[i]
			after, ok := strings.CutPrefix(path, k.Text)
			if !ok || after != "" && after[0] != '.' && after[0] != '[' || key != nil && len(k.Text) < len(key.Text) {
				continue
			}
			node, key, rest = &from.Items[i+1], k, after
		}
	}
	return node, key, rest
}

func element(from *Node, path string) (node, key *Node, rest string) {
	number, rest, ok := strings.Cut(strings.TrimPrefix(path, "["), "]")
	i, err := strconv.Atoi(number)
	if !ok || err != nil || i < 0 || i >= len(from.Items) {
		return nil, nil, ""
	}
	return &from.Items[i], nil, rest
}
