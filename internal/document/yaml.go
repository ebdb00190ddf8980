package document

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"holdfast/internal/problem"
)

func readYAML(name string, data []byte, problems *problem.List) *Document {
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		problems.Add(&problem.Problem{File: name, Message: err.Error()})
		return nil
	}
	var tree, next yaml.Node
	if err := loader.Load(&tree); err != nil {
		problems.Add(yamlProblem(name, data, err))
		return nil
	}
	if err := loader.Load(&next); !errors.Is(err, io.EOF) {
		problems.Add(severalDocuments(name, &next, err))
		return nil
	}
	c := converter{name: name, problems: problems}
	root := c.root(&tree)
	addDuplicates(name, &root, c.duplicates, problems)
	switch {
	case root.Kind == Mapping:
		return &Document{Name: name, Root: root}
	case root.IsNull():
		problems.Add(empty(name))
	default:
		problems.Add(at(name, &root, "the document must be a mapping of keys, not a "+root.Kind.String(), "begin it with interfaces: or another key of the schema"))
	}
	return nil
}

func empty(name string) *problem.Problem {
	return &problem.Problem{File: name, Message: "the document is empty", Hint: "{} is the document that asks for nothing"}
}

func severalDocuments(name string, next *yaml.Node, err error) *problem.Problem {
	p := &problem.Problem{File: name, Line: next.Line, Column: next.Column,
		Message: "the file holds more than one document", Hint: "give each document as a file of its own"}
	if e, ok := errors.AsType[*yaml.LoadError](err); ok {
		p.Line, p.Column = e.Mark.Line, e.Mark.Column
	}
	return p
}

// yamlProblem says in our words what the YAML library complains about.
func yamlProblem(name string, data []byte, err error) *problem.Problem {
	if errors.Is(err, io.EOF) || strings.Contains(err.Error(), "no documents in stream") {
		return empty(name)
	}
	e, ok := errors.AsType[*yaml.LoadError](err)
	if !ok {
		return &problem.Problem{File: name, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	p := &problem.Problem{File: name, Line: e.Mark.Line, Column: e.Mark.Column, Message: e.Message}
	explain(p, charAt(data, p.Line, p.Column))
	if e.ContextMsg != "" && e.ContextMark.Line > 0 && e.ContextMark.Line != e.Mark.Line {
		p.Message += " " + e.ContextMsg + " that begins in line " + strconv.Itoa(e.ContextMark.Line)
	}
	return p
}

// explain replaces what only the authors of a YAML parser understand. char is
// the character at the problem's position, or 0.
func explain(p *problem.Problem, char byte) {
	switch {
	case strings.HasPrefix(p.Message, "found character that cannot start any token") && char == '\t':
		p.Message, p.Hint = "a tab is used for indentation", "indent with spaces"
	case strings.HasPrefix(p.Message, "found character that cannot start any token"):
		p.Message, p.Hint = "a value cannot begin with "+strconv.QuoteRune(rune(char)), "put the value in quotes"
	case strings.HasPrefix(p.Message, "mapping values are not allowed"):
		p.Message, p.Hint = `": " is not allowed here`, "check the indentation, and put a value that holds \": \" in quotes"
	case strings.HasPrefix(p.Message, "exceeded max depth"):
		p.Message, p.Hint = tooDeep, "no state needs that many"
	case strings.HasPrefix(p.Message, "unknown anchor"):
		p.Message = strings.ReplaceAll(strings.TrimSuffix(p.Message, " referenced"), "'", `"`)
		p.Hint = "put a value that begins with * in quotes"
	case strings.HasPrefix(p.Message, "did not find expected <document start>"):
		p.Message, p.Hint = "text follows after the end of the document", "remove it; a file holds one document"
	case strings.HasPrefix(p.Message, "did not find expected"), strings.HasPrefix(p.Message, "could not find expected"):
		p.Hint = "check the indentation and the quotes"
	}
}

// charAt returns the byte at a line and column, or 0. The column is good
// enough for lines of ASCII, where it is used.
func charAt(data []byte, line, column int) byte {
	for range line - 1 {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			return 0
		}
		data = data[i+1:]
	}
	if column < 1 || column > len(data) {
		return 0
	}
	return data[column-1]
}

const tooDeep = "mappings and lists are nested deeper than 100 levels"

// converter turns the library's tree into ours.
type converter struct {
	name     string
	problems *problem.List
	depth    int
	// anchors remembers what an anchored node became, and how many nodes it
	// stands for; a node being converted has the size -1.
	anchors map[*yaml.Node]anchored
	nodes   int
	aliased int
	spent   bool
	// duplicates are the keys that were given twice.
	duplicates []duplicate
}

type anchored struct {
	node Node
	size int
}

func (c *converter) root(tree *yaml.Node) Node {
	if tree.Kind == yaml.DocumentNode {
		if len(tree.Content) == 0 {
			return Node{}
		}
		tree = tree.Content[0]
	}
	return c.convert(tree)
}

func (c *converter) convert(y *yaml.Node) Node {
	c.nodes++
	if y.Kind == yaml.AliasNode {
		return c.alias(y)
	}
	if y.Anchor == "" {
		return c.plain(y)
	}
	if c.anchors == nil {
		c.anchors = map[*yaml.Node]anchored{}
	}
	if done, ok := c.anchors[y]; ok && done.size >= 0 {
		return done.node
	}
	before := c.nodes + c.aliased
	c.anchors[y] = anchored{size: -1}
	n := c.plain(y)
	c.anchors[y] = anchored{node: n, size: c.nodes + c.aliased - before + 1}
	return n
}

func (c *converter) alias(y *yaml.Node) Node {
	here := Node{Line: int32(y.Line), Column: int32(y.Column)}
	done := c.anchors[y.Alias]
	switch {
	case done.size < 0:
		c.problems.Add(at(c.name, &here, "the alias *"+y.Value+" stands inside what it stands for", "write the value out"))
		return here
	case c.aliased+done.size > maxAliased:
		if !c.spent {
			c.problems.Add(at(c.name, &here, "the aliases of the document stand for more than 500000 values", "write the values out, or make several files of it"))
		}
		c.spent = true
		return here
	}
	c.aliased += done.size
	return done.node
}

func (c *converter) plain(y *yaml.Node) Node {
	n := Node{Line: int32(y.Line), Column: int32(y.Column)}
	if y.Style&yaml.TaggedStyle != 0 && !c.tag(y, &n) {
		return Node{Line: n.Line, Column: n.Column}
	}
	if y.Kind == yaml.ScalarNode {
		n.Kind, n.Text = Scalar, y.Value
		const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
		n.Plain = y.Style&quoted == 0 && (y.Style&yaml.TaggedStyle == 0 || y.Tag != "!!str" && y.Tag != "!")
		return n
	}
	if c.depth++; c.depth > maxDepth {
		c.problems.Add(at(c.name, &n, tooDeep, "no state needs that many"))
	} else if y.Kind == yaml.SequenceNode {
		c.sequence(y, &n)
	} else {
		c.mapping(y, &n)
	}
	c.depth--
	return n
}

// tag reports whether an explicit tag is one of YAML's basic ones.
func (c *converter) tag(y *yaml.Node, n *Node) bool {
	switch y.Tag {
	case "!", "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq", "!!merge", "":
		return true
	}
	p := at(c.name, n, "the tag is not supported", "leave the tag out, and put a text in quotes")
	p.Value = y.Tag
	c.problems.Add(p)
	return false
}

func (c *converter) sequence(y *yaml.Node, n *Node) {
	n.Kind = Sequence
	n.Items = make([]Node, len(y.Content))
	for i, item := range y.Content {
		n.Items[i] = c.convert(item)
	}
}

func (c *converter) mapping(y *yaml.Node, n *Node) {
	n.Kind = Mapping
	items := make([]Node, 0, len(y.Content))
	var keys keySet
	var merges []Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		key := c.convert(y.Content[i])
		if key.Kind != Scalar {
			c.problems.Add(at(c.name, &key, "a key must be a word, not a "+key.Kind.String(), "check the indentation and the colons"))
			continue
		}
		value := c.convert(y.Content[i+1])
		if key.Plain && key.Text == "<<" {
			merges = append(merges, c.merged(value)...)
			continue
		}
		if first := keys.find(items, key.Text); first >= 0 {
			c.duplicates = append(c.duplicates, duplicate{key: key, first: items[first]})
			continue
		}
		items = append(items, key, value)
	}
	for i := range merges {
		items = c.merge(items, &merges[i])
	}
	n.Items = items
}

// merged returns the mappings that the value of a merge key << stands for.
func (c *converter) merged(value Node) []Node {
	sources := []Node{value}
	if value.Kind == Sequence {
		sources = value.Items
	}
	for i := range sources {
		if sources[i].Kind != Mapping {
			c.problems.Add(at(c.name, &value, "the merge key << needs a mapping or a list of mappings", "write <<: *NAME, where &NAME marks a mapping"))
			return nil
		}
	}
	return sources
}

// merge appends the pairs of source whose keys are not there yet.
func (c *converter) merge(items []Node, source *Node) []Node {
	have := make(map[string]bool, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		have[items[i].Text] = true
	}
	for i := 0; i+1 < len(source.Items); i += 2 {
		if !have[source.Items[i].Text] {
			items = append(items, source.Items[i], source.Items[i+1])
			c.aliased++
		}
	}
	return items
}

// at starts a problem at the position of a node.
func at(name string, n *Node, message, hint string) *problem.Problem {
	return &problem.Problem{File: name, Line: int(n.Line), Column: int(n.Column), Message: message, Hint: hint}
}
