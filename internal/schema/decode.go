package schema

import (
	"reflect"
	"strconv"
	"strings"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// Decode reads a document into the struct that target points to, and adds
// everything that is wrong to problems: unknown keys, keys given under two
// names, missing ones, wrong types, values out of range. What has a problem
// is left as it was in the struct; the rest is read all the same.
func Decode(doc *document.Document, target any, problems *problem.List) {
	d := decoder{doc: doc, problems: problems, path: make([]segment, 0, 16)}
	d.structure(&doc.Root, reflect.ValueOf(target).Elem(), -1)
}

// decoder is one reading of a document.
type decoder struct {
	doc      *document.Document
	problems *problem.List
	// path leads to the node that is being read.
	path []segment
}

// segment is one step of a path: a key, or an element of a list.
type segment struct {
	key *document.Node
	// name is the key's canonical name.
	name  string
	index int
}

// decodeFunc reads a node, which is not null, into a value that can be set.
type decodeFunc func(d *decoder, n *document.Node, v reflect.Value)

// structure reads a mapping. index is its number in a list, or -1.
func (d *decoder) structure(n *document.Node, v reflect.Value, index int) {
	if n.Kind != document.Mapping {
		d.wrongKind(n, "mapping")
		return
	}
	plan := planOf(v.Type())
	if plan.origin >= 0 {
		base := d.path
		if index >= 0 {
			base = base[:len(base)-1]
		}
		origin := document.NewOrigin(d.doc, n, render(base), index)
		v.Field(plan.origin).Set(reflect.ValueOf(origin))
	}
	var seen uint64
	for i := 0; i+1 < len(n.Items); i += 2 {
		key, value := &n.Items[i], &n.Items[i+1]
		at, ok := plan.byKey[key.Text]
		if !ok {
			d.unknownKey(key, v.Type(), plan)
			continue
		}
		if seen&(1<<at) != 0 {
			d.twice(key, &plan.fields[at])
			continue
		}
		seen |= 1 << at
		key.Text = plan.fields[at].key
		d.field(plan, at, n, key, value, v)
	}
	if missing := plan.required &^ seen; missing != 0 {
		d.missing(n, plan, missing)
	}
}

// field reads the value of one key. A null is a key that was not mentioned.
func (d *decoder) field(plan *structPlan, at int, parent, key, value *document.Node, v reflect.Value) {
	if value.IsNull() {
		if plan.required&(1<<at) != 0 {
			d.path = append(d.path, segment{key: key, name: key.Text})
			d.add(key, "", "the value is missing", "give it a value, or leave it out")
			d.path = d.path[:len(d.path)-1]
		}
		return
	}
	f := &plan.fields[at]
	if f.variant >= 0 {
		if t := parent.Get("type"); t != nil && t.Text == f.variantOf {
			f = &plan.fields[f.variant]
		}
	}
	d.path = append(d.path, segment{key: key, name: f.key})
	f.decode(d, value, member(v, f.index))
	d.path = d.path[:len(d.path)-1]
}

// member returns a field of a struct by its index path.
func member(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		v = v.Field(i)
	}
	return v
}

// list reads a sequence into a slice, each element by read.
func (d *decoder) list(n *document.Node, v reflect.Value, read func(item *document.Node, v reflect.Value, index int)) {
	if n.Kind != document.Sequence {
		d.wrongKind(n, "list")
		return
	}
	items := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	for i := range n.Items {
		d.path = append(d.path, segment{index: i})
		read(&n.Items[i], items.Index(i), i)
		d.path = d.path[:len(d.path)-1]
	}
	v.Set(items)
}

// add adds a problem with the node n, whose key path is the current path.
func (d *decoder) add(n *document.Node, value, message, hint string) {
	where := n
	if n.Kind != document.Scalar && len(d.path) > 0 && d.path[len(d.path)-1].key != nil {
		where = d.path[len(d.path)-1].key
	}
	d.problems.Add(&problem.Problem{
		File: d.doc.Name, Line: int(where.Line), Column: int(where.Column),
		Key: render(d.path), Value: value, Message: message, Hint: hint,
	})
}

func (d *decoder) unknownKey(key *document.Node, t reflect.Type, plan *structPlan) {
	d.path = append(d.path, segment{key: key, name: key.Text})
	d.add(key, "", "unknown key", unknownHint(key.Text, t, plan))
	d.path = d.path[:len(d.path)-1]
}

func (d *decoder) twice(key *document.Node, f *field) {
	d.path = append(d.path, segment{key: key, name: key.Text})
	d.add(key, "", "the key is given twice", strings.Join(f.names, " and ")+" are the same key")
	d.path = d.path[:len(d.path)-1]
}

func (d *decoder) missing(n *document.Node, plan *structPlan, missing uint64) {
	for at := range plan.fields {
		if missing&(1<<at) != 0 {
			d.problems.Add(&problem.Problem{
				File: d.doc.Name, Line: int(n.Line), Column: int(n.Column),
				Key: document.Join(render(d.path), plan.fields[at].key), Message: "the key is missing",
				Hint: "add " + plan.fields[at].key + " and its value",
			})
		}
	}
}

func (d *decoder) wrongKind(n *document.Node, want string) {
	message := "must be a " + want + ", not a " + n.Kind.String()
	value, hint := "", ""
	switch {
	case n.IsNull():
		message = "must be a " + want + ", not nothing"
	case n.Kind == document.Scalar:
		value = n.Text
		hint = "give its keys below it, indented"
		if want == "list" {
			hint = "put the value in brackets: [" + problem.Printable(n.Text) + "]"
		}
	case want == "list":
		hint = "begin each entry with a dash"
	default:
		hint = "give keys with values, without a dash"
	}
	d.add(n, value, message, hint)
}

// render writes a path as interfaces[2].bridge.port[0].name.
func render(path []segment) string {
	if len(path) == 1 && path[0].key != nil {
		return path[0].name
	}
	var text []byte
	for i, s := range path {
		switch {
		case s.key == nil:
			text = append(text, '[')
			text = strconv.AppendInt(text, int64(s.index), 10)
			text = append(text, ']')
		case i > 0:
			text = append(append(text, '.'), s.name...)
		default:
			text = append(text, s.name...)
		}
	}
	return string(text)
}
