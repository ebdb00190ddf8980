// Package discover finds in a package's sources which of its tests belong into the lab, and on what kind of machine.
//
// A test belongs there when it calls lab.Require, itself or through other functions of the same package's test files,
// or when its doc comment has a directive:
//
//	//lab:run
//	//lab:run --nics 2 --systemd --memory 4G --driver e1000e --append ipv6.disable=1
package discover

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// Machine is what a test asks for. It is comparable: tests with equal ones share labs.
type Machine struct {
	NICs           int
	Systemd        bool
	Memory, Driver string // empty: the default
	Append         string // further arguments of the kernel
}

// Test is one top-level test, fuzz target or example that belongs into the lab.
type Test struct {
	Name    string
	Machine Machine
}

// door is the import path of the package whose Require is the door to the lab.
const door = "holdfast/lab"

// Tests finds the lab tests of the package in dir, sorted by name. Folders without test files have none.
func Tests(dir string) ([]Test, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	g := graph{mentions: map[string][]string{}, inLab: map[string]bool{}}
	var tests []Test
	files := token.NewFileSet()
	for _, path := range paths {
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		found, err := g.read(file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		tests = append(tests, found...)
	}
	g.spread()
	tests = slices.DeleteFunc(tests, func(test Test) bool { return !g.inLab[test.Name] })
	slices.SortFunc(tests, func(a, b Test) int { return strings.Compare(a.Name, b.Name) })
	return tests, nil
}

// graph is who mentions whom among a package's test functions and variables, by name. Methods are called ".Name".
type graph struct {
	mentions map[string][]string
	inLab    map[string]bool
}

func (g *graph) read(file *ast.File) ([]Test, error) {
	var tests []Test
	local := importName(file)
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.GenDecl:
			g.readValues(d, local)
		case *ast.FuncDecl:
			name := d.Name.Name
			if d.Recv != nil {
				name = "." + name
			}
			g.add(name, d, local)
			if d.Recv != nil || !isTest(name) {
				continue
			}
			machine, marked, err := directive(d.Doc)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			g.inLab[name] = g.inLab[name] || marked
			tests = append(tests, Test{name, machine})
		}
	}
	return tests, nil
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") && name != "TestMain" ||
		strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Example")
}

// importName is what the file calls package lab; "." when it is part of it.
func importName(file *ast.File) string {
	for _, spec := range file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != door {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return "lab"
	}
	if file.Name.Name == "lab" {
		return "."
	}
	return ""
}

func (g *graph) readValues(d *ast.GenDecl, local string) {
	for _, spec := range d.Specs {
		value, ok := spec.(*ast.ValueSpec)
		if !ok {
			continue
		}
		for _, name := range value.Names {
			g.add(name.Name, value, local)
		}
	}
}

// add records what the node mentions under a name.
func (g *graph) add(name string, node ast.Node, local string) {
	ast.Inspect(node, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && local != "" && x.Name == local && n.Sel.Name == "Require" {
				g.inLab[name] = true
			}
			g.mentions[name] = append(g.mentions[name], "."+n.Sel.Name)
		case *ast.Ident:
			if local == "." && n.Name == "Require" {
				g.inLab[name] = true
			}
			g.mentions[name] = append(g.mentions[name], n.Name)
		}
		return true
	})
}

// spread marks whoever mentions something that is marked, until nothing changes.
func (g *graph) spread() {
	for changed := true; changed; {
		changed = false
		for name, mentioned := range g.mentions {
			if g.inLab[name] || !slices.ContainsFunc(mentioned, func(m string) bool { return g.inLab[m] }) {
				continue
			}
			g.inLab[name], changed = true, true
		}
	}
}

// directive reads the //lab:run comment; marked tells whether there is one.
func directive(doc *ast.CommentGroup) (machine Machine, marked bool, err error) {
	if doc == nil {
		return machine, false, nil
	}
	for _, comment := range doc.List {
		rest, ok := strings.CutPrefix(comment.Text, "//lab:run")
		if !ok {
			continue
		}
		flags := flag.NewFlagSet("lab:run", flag.ContinueOnError)
		flags.SetOutput(io.Discard)
		flags.IntVar(&machine.NICs, "nics", 0, "")
		flags.BoolVar(&machine.Systemd, "systemd", false, "")
		flags.StringVar(&machine.Memory, "memory", "", "")
		flags.StringVar(&machine.Driver, "driver", "", "")
		flags.StringVar(&machine.Append, "append", "", "")
		if err := flags.Parse(strings.Fields(rest)); err != nil {
			return machine, true, fmt.Errorf("%s: %w", comment.Text, err)
		}
		return machine, true, nil
	}
	return machine, false, nil
}
