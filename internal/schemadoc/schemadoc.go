package schemadoc

import (
	"fmt"
	"go/ast"
	"regexp"
	"slices"
	"strings"
)

//go:generate go test . -update

const preamble = `# The keys of a state

This page is made from the source (` + "`go generate ./internal/schemadoc`" + `); do not edit it.

A state is a YAML or JSON document in the schema of nmstate. Everything in it may be left out: what a document
does not mention stays as it is on the host. An unknown key is an error.

* Truth values are ` + "`true` and `false`; `yes`, `no`, `on`, `off`, `y`, `n`, `1` and `0`" + ` are understood, too, in any case of letters.
* Numbers are whole; they may be written in hexadecimal (` + "`0x1f`" + `) or in quotes.
* An empty list is not the same as no list: it asks for nothing to be there.
* A key marked *read only* is what show prints; it is accepted and not acted upon.
* A section marked *kept* belongs to nmstate's schema and is not carried out: it is accepted where it describes
  what is there, and refused where it would change something.
`

// Generate returns the reference made from the Go package in dir, whose type
// State is the whole document.
func Generate(dir string) ([]byte, error) {
	src, err := load(dir)
	if err != nil {
		return nil, err
	}
	if src.structs["State"] == nil {
		return nil, fmt.Errorf("%s: no type State", dir)
	}
	// The first round finds the places where a section stands, the second
	// writes them.
	w := writer{source: src, places: map[string][]string{}, done: map[string]bool{}}
	w.section("State", "")
	w.done = map[string]bool{}
	w.text.Reset()
	w.text.WriteString(preamble)
	w.section("State", "")
	return []byte(w.text.String()), nil
}

// writer writes one section per struct, in the order of the document.
type writer struct {
	*source
	text strings.Builder
	// places are the paths where a struct stands.
	places map[string][]string
	// done are the structs that were written.
	done map[string]bool
}

// section writes the table of a struct, and then those of its members.
func (w *writer) section(name, path string) {
	title := "The document"
	if path != "" {
		title = "`" + strings.Join(w.places[name], "`, `") + "`"
	}
	w.done[name] = true
	fields := w.flatten(name)
	fmt.Fprintf(&w.text, "\n## %s\n\n%s\n\n", title, forPeople(name, w.docs[name]))
	w.text.WriteString("| key | type | values | default | remark |\n|---|---|---|---|---|\n")
	for _, f := range fields {
		w.row(name, f, fields)
	}
	for _, f := range fields {
		member, list := w.member(f.typ)
		if member == "" {
			continue
		}
		below := join(path, f.key)
		if list {
			below += "[]"
		}
		if !slices.Contains(w.places[member], below) {
			w.places[member] = append(w.places[member], below)
		}
		if !w.done[member] {
			w.section(member, below)
		}
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// flatten returns the fields of a struct with those of inline members.
func (w *writer) flatten(name string) []structField {
	var fields []structField
	for _, f := range w.structs[name].fields {
		if _, inline := f.options["inline"]; inline {
			member, _ := w.member(f.typ)
			for _, inner := range w.flatten(member) {
				inner.name = member + "." + inner.name
				fields = append(fields, inner)
			}
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

// member returns the struct that a type is made of, and whether in a list.
func (w *writer) member(t ast.Expr) (name string, list bool) {
	switch t := t.(type) {
	case *ast.StarExpr:
		return w.member(t.X)
	case *ast.ArrayType:
		name, _ = w.member(t.Elt)
		return name, true
	case *ast.Ident:
		if w.structs[t.Name] != nil {
			return t.Name, false
		}
	}
	return "", false
}

func (w *writer) row(owner string, f structField, siblings []structField) {
	typ, values := w.describe(f)
	key := "`" + f.key + "`"
	if kind := f.options["type"]; kind != "" {
		key += " of `" + kind + "`"
	}
	if len(f.aliases) > 0 {
		key += " (or `" + strings.Join(f.aliases, "`, `") + "`)"
	}
	fmt.Fprintf(&w.text, "| %s | %s | %s | %s | %s |\n",
		key, typ, cell(values), defaultOf(owner, f.name), cell(remark(f, siblings)))
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

// remark makes a sentence for people out of a field's comment.
func remark(f structField, siblings []structField) string {
	text := withKeys(forPeople(f.name[strings.LastIndexByte(f.name, '.')+1:], f.doc), siblings)
	var marks []string
	if _, ok := f.options["readonly"]; ok {
		marks = append(marks, "*Read only.*")
	}
	if isMandatory(f) {
		marks = append(marks, "*Mandatory.*")
	}
	if t, ok := f.typ.(*ast.Ident); ok && t.Name == "Raw" {
		marks = append(marks, "*Kept.*")
		text = strings.TrimPrefix(text, "Kept, not carried out.")
	}
	if text != "" {
		marks = append(marks, text)
	}
	return strings.Join(marks, " ")
}

// isMandatory reports whether a mapping must have the key: when the tag says
// so, and when its type cannot say that it was not mentioned.
func isMandatory(f structField) bool {
	_, required := f.options["required"]
	switch t := f.typ.(type) {
	case *ast.Ident:
		_, number := ranges[t.Name]
		return required || number
	case *ast.SelectorExpr:
		return required || t.Sel.Name == "Addr"
	}
	return required
}

// goName is a name of Go in a comment: capitals within, not only capitals.
var goName = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*\b`)

// withKeys replaces the names of sibling fields by their keys, except at the
// beginning of a sentence, where a capital letter means nothing.
func withKeys(text string, siblings []structField) string {
	keys := map[string]string{}
	for _, s := range siblings {
		keys[s.name[strings.LastIndexByte(s.name, '.')+1:]] = s.key
	}
	var b strings.Builder
	last := 0
	for _, at := range goName.FindAllStringIndex(text, -1) {
		name := text[at[0]:at[1]]
		key, ok := keys[name]
		if !ok || strings.HasPrefix(name, "IPv") || at[0] == 0 || strings.HasSuffix(text[:at[0]], ". ") {
			continue
		}
		b.WriteString(text[last:at[0]] + "`" + key + "`")
		last = at[1]
	}
	return b.String() + text[last:]
}
