package schemadoc

import (
	"go/ast"
	"strings"
)

// ranges are the limits of Go's integer types.
var ranges = map[string][2]string{
	"int32": {"-2147483648", "2147483647"}, "int64": {"-9223372036854775808", "9223372036854775807"},
	"uint8": {"0", "255"}, "uint16": {"0", "65535"}, "uint32": {"0", "4294967295"}, "uint64": {"0", "18446744073709551615"},
}

// describe returns the type and the values of a field for people.
func (w *writer) describe(f structField) (typ, values string) {
	return w.kind(f.typ, f)
}

func (w *writer) kind(t ast.Expr, f structField) (typ, values string) {
	switch t := t.(type) {
	case *ast.StarExpr:
		return w.kind(t.X, f)
	case *ast.ArrayType:
		typ, values = w.kind(t.Elt, f)
		return "list of " + plural(typ), values
	case *ast.SelectorExpr:
		if t.Sel.Name == "Prefix" {
			return "network", ""
		}
		return "IP address", ""
	case *ast.Ident:
		return w.named(t.Name, f)
	}
	return "mapping", ""
}

func (w *writer) named(name string, f structField) (typ, values string) {
	limits, isNumber := ranges[name]
	switch {
	case name == "string":
		return "text", ""
	case name == "bool":
		return "truth value", ""
	case isNumber:
		return "number", rangeOf(f, limits)
	case name == "MAC":
		return "MAC address", ""
	case name == "Raw" || w.structs[name] != nil:
		return "mapping", ""
	case w.values[name] != nil:
		values := quoted(w.values[name])
		if w.aliases[name] {
			values += " or the kernel's number"
		}
		return "word", values
	}
	return "text", quoted(w.consts[name])
}

func quoted(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return "`" + strings.Join(words, "` `") + "`"
}

func rangeOf(f structField, limits [2]string) string {
	low, high := limits[0], limits[1]
	if v, ok := f.options["min"]; ok {
		low = v
	}
	if v, ok := f.options["max"]; ok {
		high = v
	}
	if high == ranges["uint64"][1] {
		return "from " + low
	}
	return low + " to " + high
}

func plural(typ string) string {
	if strings.HasSuffix(typ, "address") {
		return typ + "es"
	}
	return typ + "s"
}
