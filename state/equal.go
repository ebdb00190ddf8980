package state

import (
	"reflect"
	"strings"
)

// Equal tells whether two states say the same, key by key: what an engine
// knows beyond the schema and where a thing stood in its document do not
// count, the order of lists and the difference between "not mentioned" and
// "given, and empty" do. Compare is the lenient way to ask.
func Equal(a, b *State) bool { return equalValue(reflect.ValueOf(a), reflect.ValueOf(b)) }

func equalValue(a, b reflect.Value) bool {
	switch a.Kind() {
	case reflect.Pointer:
		switch {
		case a.UnsafePointer() == b.UnsafePointer():
			return true
		case a.IsNil() || b.IsNil():
			return false
		}
		return equalValue(a.Elem(), b.Elem())
	case reflect.Slice:
		return equalSlice(a, b)
	case reflect.Map:
		return a.IsNil() == b.IsNil() && equalRaw(map[string]any(a.Interface().(Raw)), map[string]any(b.Interface().(Raw)))
	case reflect.Struct:
		fields, section := schemaFields[a.Type()]
		if !section {
			return a.Equal(b)
		}
		for _, f := range fields {
			if !equalValue(a.Field(f.index), b.Field(f.index)) {
				return false
			}
		}
		return true
	case reflect.String:
		if a.Type() == macType {
			return strings.EqualFold(a.String(), b.String())
		}
	}
	return a.Equal(b)
}

func equalSlice(a, b reflect.Value) bool {
	if a.Len() != b.Len() || a.IsNil() != b.IsNil() {
		return false
	}
	for i := range a.Len() {
		if !equalValue(a.Index(i), b.Index(i)) {
			return false
		}
	}
	return true
}

// equalRaw compares two values of a Raw; numbers of different types are equal
// when their values are.
func equalRaw(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k, v := range x {
			if w, ok := y[k]; !ok || !equalRaw(v, w) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equalRaw(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	return reflect.DeepEqual(a, b)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case int:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}
