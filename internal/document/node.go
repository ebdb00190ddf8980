// Package document reads and writes the documents that people and programs
// hand to holdfast: YAML, of which JSON is a part. It is the only place that
// knows the YAML library. What it reads is a tree of nodes that keep their
// text as written and their position, so that every later stage can say which
// line it talks about.
package document

import (
	"maps"
	"math"
	"slices"
	"strconv"
)

// Kind tells what a Node is.
type Kind uint8

// The kinds of nodes. The zero Node is Missing: no node at all.
const (
	Missing Kind = iota
	Scalar
	Mapping
	Sequence
)

// String returns the kind as people call it in a message.
func (k Kind) String() string {
	switch k {
	case Scalar:
		return "value"
	case Mapping:
		return "mapping"
	case Sequence:
		return "list"
	}
	return "nothing"
}

// Node is a part of a document. Nodes that came out of Read are not to be
// changed: an alias shares the items of its anchor.
type Node struct {
	Kind Kind
	// Plain marks a scalar that was written without quotes, or, in a tree
	// that is to be written, one that is a number, a truth value or null.
	// All other scalars are strings and are quoted where they need it.
	Plain bool
	// Line and Column count from 1; they are zero in trees that were built.
	Line, Column int32
	// Text is the value of a scalar, without quotes and escapes.
	Text string
	// Items holds the elements of a sequence, and the keys and values of a
	// mapping in turn: key, value, key, value.
	Items []Node
}

// IsNull reports whether n is an unquoted null, ~ or nothing at all.
func (n *Node) IsNull() bool {
	if n.Kind == Missing {
		return true
	}
	if n.Kind != Scalar || !n.Plain {
		return false
	}
	switch n.Text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// Len returns the number of elements of a sequence or pairs of a mapping.
func (n *Node) Len() int {
	if n.Kind == Mapping {
		return len(n.Items) / 2
	}
	return len(n.Items)
}

// Get returns the value of a mapping's key, or nil.
func (n *Node) Get(key string) *Node {
	if n.Kind != Mapping {
		return nil
	}
	for i := 0; i+1 < len(n.Items); i += 2 {
		if n.Items[i].Text == key {
			return &n.Items[i+1]
		}
	}
	return nil
}

// Add appends a pair to a mapping.
func (n *Node) Add(key string, value Node) {
	n.Items = append(n.Items, Text(key), value)
}

// Text returns a string scalar.
func Text(s string) Node { return Node{Kind: Scalar, Text: s} }

// Bool returns a truth value.
func Bool(b bool) Node { return Node{Kind: Scalar, Plain: true, Text: strconv.FormatBool(b)} }

// Int returns a number.
func Int(i int64) Node { return Node{Kind: Scalar, Plain: true, Text: strconv.FormatInt(i, 10)} }

// Uint returns a number.
func Uint(u uint64) Node { return Node{Kind: Scalar, Plain: true, Text: strconv.FormatUint(u, 10)} }

// Null returns the null value.
func Null() Node { return Node{Kind: Scalar, Plain: true, Text: "null"} }

// Value returns what n holds as Go values: map[string]any, []any, string,
// bool, int64, uint64 (above the range of int64), float64 and nil, with the
// types that YAML 1.2 gives unquoted text. Text that Value takes for a number
// but cannot hold exactly stays a string.
func (n *Node) Value() any {
	switch n.Kind {
	case Mapping:
		m := make(map[string]any, n.Len())
		for i := 0; i+1 < len(n.Items); i += 2 {
			m[n.Items[i].Text] = n.Items[i+1].Value()
		}
		return m
	case Sequence:
		s := make([]any, len(n.Items))
		for i := range n.Items {
			s[i] = n.Items[i].Value()
		}
		return s
	case Scalar:
		return n.scalar()
	}
	return nil
}

func (n *Node) scalar() any {
	if !n.Plain {
		return n.Text
	}
	if n.IsNull() {
		return nil
	}
	switch n.Text {
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	if i, err := strconv.ParseInt(n.Text, 10, 64); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(n.Text, 10, 64); err == nil {
		return u
	}
	if f, ok := exactFloat(n.Text); ok {
		return f
	}
	return n.Text
}

// exactFloat reads a decimal fraction whose shortest form is the text itself,
// so that writing it again gives the same.
func exactFloat(s string) (float64, bool) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, formatFloat(f) == s
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// FromValue builds a node from the Go values that Value returns, and from any
// other integer type of them. Keys of maps are sorted. A type that is none of
// them panics: it cannot happen with what Value returned.
func FromValue(v any) Node {
	switch v := v.(type) {
	case nil:
		return Null()
	case string:
		return Text(v)
	case bool:
		return Bool(v)
	case int:
		return Int(int64(v))
	case int64:
		return Int(v)
	case uint64:
		return Uint(v)
	case float64:
		return Node{Kind: Scalar, Plain: true, Text: formatFloat(v)}
	case []any:
		return fromSlice(v)
	case map[string]any:
		return fromMap(v)
	}
	panic("internal error: document.FromValue: unknown type")
}

func fromSlice(values []any) Node {
	n := Node{Kind: Sequence, Items: make([]Node, len(values))}
	for i, v := range values {
		n.Items[i] = FromValue(v)
	}
	return n
}

func fromMap(values map[string]any) Node {
	n := Node{Kind: Mapping, Items: make([]Node, 0, 2*len(values))}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		n.Add(k, FromValue(values[k]))
	}
	return n
}
