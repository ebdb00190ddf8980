package enginetest

import (
	"fmt"
	"reflect"
	"strings"
)

// copyKey gives the member of dst that a dotted key of the schema names the
// value that it has in src. Both are pointers to the same struct type.
func copyKey(dst, src any, key string) error {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	path := strings.Split(key, ".")
	for n, name := range path {
		t, ok := member(to, name)
		if !ok {
			return fmt.Errorf("internal error: there is no key %q", key)
		}
		f, _ := member(from, name)
		if n == len(path)-1 {
			t.Set(f)
			return nil
		}
		if t.Kind() != reflect.Pointer || f.IsNil() {
			return fmt.Errorf("internal error: the key %q leads nowhere", key)
		}
		if t.IsNil() {
			t.Set(reflect.New(t.Type().Elem()))
		}
		to, from = t.Elem(), f.Elem()
	}
	return nil
}

// member finds the member of a struct by its name in the schema.
func member(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag.Get("state")
		if tag == ",inline" {
			if m, ok := member(v.Field(i), name); ok {
				return m, true
			}
		}
		if first, _, _ := strings.Cut(tag, ","); first == name && name != "" && name != "-" {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// fill gives the members of dst that are not set the values that they have in
// defaults, in nested structs too. Both are pointers to the same struct type.
func fill(dst, defaults any) {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(defaults).Elem()
	for i := range to.NumField() {
		t, f := to.Field(i), from.Field(i)
		switch {
		case t.IsZero():
			t.Set(f)
		case t.Kind() == reflect.Pointer && t.Elem().Kind() == reflect.Struct && !f.IsNil():
			fill(t.Interface(), f.Interface())
		}
	}
}

// overwrite gives the members of dst the values of those that are set in src.
func overwrite(dst, src any) {
	to, from := reflect.ValueOf(dst).Elem(), reflect.ValueOf(src).Elem()
	for i := range to.NumField() {
		if f := from.Field(i); !f.IsZero() {
			to.Field(i).Set(f)
		}
	}
}
