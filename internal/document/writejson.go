package document

// AppendJSON appends n to dst as JSON, indented by two spaces, and returns
// the result, which ends in a newline. Keys keep their order, so the same
// tree always gives the same bytes.
func AppendJSON(dst []byte, n *Node) []byte {
	return append(appendValue(dst, n, 0), '\n')
}

func appendValue(dst []byte, n *Node, indent int) []byte {
	switch n.Kind {
	case Mapping:
		return appendObject(dst, n, indent)
	case Sequence:
		return appendArray(dst, n, indent)
	case Scalar:
		if !n.Plain {
			return appendEscaped(dst, n.Text, false)
		}
		if n.Text != "" {
			return append(dst, n.Text...)
		}
	}
	return append(dst, "null"...)
}

func appendObject(dst []byte, n *Node, indent int) []byte {
	if len(n.Items) == 0 {
		return append(dst, "{}"...)
	}
	dst = append(dst, '{', '\n')
	for i := 0; i+1 < len(n.Items); i += 2 {
		if i > 0 {
			dst = append(dst, ',', '\n')
		}
		dst = appendIndent(dst, indent+2)
		dst = appendEscaped(dst, n.Items[i].Text, false)
		dst = append(dst, ':', ' ')
		dst = appendValue(dst, &n.Items[i+1], indent+2)
	}
	dst = appendIndent(append(dst, '\n'), indent)
	return append(dst, '}')
}

func appendArray(dst []byte, n *Node, indent int) []byte {
	if len(n.Items) == 0 {
		return append(dst, "[]"...)
	}
	dst = append(dst, '[', '\n')
	for i := range n.Items {
		if i > 0 {
			dst = append(dst, ',', '\n')
		}
		dst = appendIndent(dst, indent+2)
		dst = appendValue(dst, &n.Items[i], indent+2)
	}
	dst = appendIndent(append(dst, '\n'), indent)
	return append(dst, ']')
}
