package document

import "strings"

// AppendYAML appends n to dst as a YAML document in block style and returns
// the result, which ends in a newline. The same tree always gives the same
// bytes. Lists stand at the column of their key, as nmstatectl prints them.
func AppendYAML(dst []byte, n *Node) []byte {
	switch {
	case n.Kind == Mapping && len(n.Items) > 0:
		return appendMapping(dst, n, 0)
	case n.Kind == Sequence && len(n.Items) > 0:
		return appendSequence(dst, n, 0)
	}
	return append(appendInline(dst, n), '\n')
}

// appendMapping writes the pairs of a mapping. The first one continues the
// line that dst ends with.
func appendMapping(dst []byte, n *Node, indent int) []byte {
	for i := 0; i+1 < len(n.Items); i += 2 {
		if i > 0 {
			dst = appendIndent(dst, indent)
		}
		dst = appendString(dst, n.Items[i].Text)
		dst = append(dst, ':')
		value := &n.Items[i+1]
		switch {
		case value.Kind == Mapping && len(value.Items) > 0:
			dst = append(dst, '\n')
			dst = appendIndent(dst, indent+2)
			dst = appendMapping(dst, value, indent+2)
		case value.Kind == Sequence && len(value.Items) > 0:
			dst = append(dst, '\n')
			dst = appendIndent(dst, indent)
			dst = appendSequence(dst, value, indent)
		default:
			dst = append(dst, ' ')
			dst = append(appendInline(dst, value), '\n')
		}
	}
	return dst
}

func appendSequence(dst []byte, n *Node, indent int) []byte {
	for i := range n.Items {
		if i > 0 {
			dst = appendIndent(dst, indent)
		}
		dst = append(dst, '-', ' ')
		item := &n.Items[i]
		switch {
		case item.Kind == Mapping && len(item.Items) > 0:
			dst = appendMapping(dst, item, indent+2)
		case item.Kind == Sequence && len(item.Items) > 0:
			dst = appendSequence(dst, item, indent+2)
		default:
			dst = append(appendInline(dst, item), '\n')
		}
	}
	return dst
}

const spaces = "                                "

func appendIndent(dst []byte, n int) []byte {
	for n > len(spaces) {
		dst = append(dst, spaces...)
		n -= len(spaces)
	}
	return append(dst, spaces[:n]...)
}

// appendInline writes what fits on the line of its key.
func appendInline(dst []byte, n *Node) []byte {
	switch n.Kind {
	case Mapping:
		return append(dst, "{}"...)
	case Sequence:
		return append(dst, "[]"...)
	case Scalar:
		if !n.Plain {
			return appendString(dst, n.Text)
		}
		if n.Text != "" {
			return append(dst, n.Text...)
		}
	}
	return append(dst, "null"...)
}

// appendString writes a string, quoted if any reader of YAML 1.1 or 1.2 would
// take the bare text for something else.
func appendString(dst []byte, s string) []byte {
	switch {
	case isBare(s):
		return append(dst, s...)
	case isPrintable(s):
		dst = append(dst, '\'')
		dst = append(dst, strings.ReplaceAll(s, "'", "''")...)
		return append(dst, '\'')
	}
	return appendEscaped(dst, s, true)
}
