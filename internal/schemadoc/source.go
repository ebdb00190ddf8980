// Package schemadoc writes the reference of the schema, docs/schema.md, from
// the Go source of the model: its struct tags, its types and its comments.
package schemadoc

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what the files of the model's package say.
type source struct {
	structs map[string]*structType
	// docs are the comments of all types.
	docs map[string]string
	// values are what the methods Values return, or else the constants of a
	// type; aliases are the types that have a method Aliases.
	values  map[string][]string
	consts  map[string][]string
	aliases map[string]bool
}

// structType is a struct with the fields that have a key.
type structType struct {
	fields []structField
}

type structField struct {
	name, doc string
	typ       ast.Expr
	key       string
	options   map[string]string
	aliases   []string
}

// load reads the Go files in dir but for tests.
func load(dir string) (*source, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("%s: no Go files (%w)", dir, err)
	}
	s := &source{
		structs: map[string]*structType{}, docs: map[string]string{},
		values: map[string][]string{}, consts: map[string][]string{}, aliases: map[string]bool{},
	}
	fset := token.NewFileSet()
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			s.declare(decl)
		}
	}
	return s, nil
}

func (s *source) declare(decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		s.method(d)
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				s.typeSpec(spec, d.Doc)
			case *ast.ValueSpec:
				s.constant(spec)
			}
		}
	}
}

func (s *source) typeSpec(t *ast.TypeSpec, doc *ast.CommentGroup) {
	if t.Doc != nil {
		doc = t.Doc
	}
	s.docs[t.Name.Name] = sentence(doc.Text())
	if st, ok := t.Type.(*ast.StructType); ok {
		s.structs[t.Name.Name] = fieldsOf(st)
	}
}

// constant notes a constant that has a type and is a text.
func (s *source) constant(spec *ast.ValueSpec) {
	t, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
		s.consts[t.Name] = append(s.consts[t.Name], unquoted(lit.Value))
	}
}

// method notes the values that a type's method Values returns.
func (s *source) method(d *ast.FuncDecl) {
	if d.Recv == nil || len(d.Recv.List) != 1 {
		return
	}
	receiver, ok := d.Recv.List[0].Type.(*ast.Ident)
	switch {
	case !ok:
	case d.Name.Name == "Aliases":
		s.aliases[receiver.Name] = true
	case d.Name.Name == "Values":
		ast.Inspect(d.Body, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				s.values[receiver.Name] = append(s.values[receiver.Name], unquoted(lit.Value))
			}
			return true
		})
	}
}

func fieldsOf(st *ast.StructType) *structType {
	t := &structType{}
	for _, f := range st.Fields.List {
		if f.Tag == nil {
			continue
		}
		tag := unquoted(f.Tag.Value)
		tag, ok := strings.CutPrefix(tag, `state:"`)
		if !ok || strings.HasPrefix(tag, "-") {
			continue
		}
		key, rest, _ := strings.Cut(strings.TrimSuffix(tag, `"`), ",")
		field := structField{key: key, typ: f.Type, options: map[string]string{}, doc: sentence(f.Doc.Text())}
		for option := range strings.SplitSeq(rest, ",") {
			name, value, _ := strings.Cut(option, "=")
			if name == "alias" {
				field.aliases = append(field.aliases, value)
			}
			field.options[name] = value
		}
		if len(f.Names) > 0 {
			field.name = f.Names[0].Name
		}
		t.fields = append(t.fields, field)
	}
	return t
}

func unquoted(literal string) string {
	s, err := strconv.Unquote(literal)
	if err != nil {
		return literal
	}
	return s
}

// sentence puts a comment on one line.
func sentence(comment string) string { return strings.Join(strings.Fields(comment), " ") }
