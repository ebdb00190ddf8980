package state

import (
	"reflect"
	"strings"
)

// field is one member of a section as the schema tags know it.
type field struct {
	index int
	// key is the schema's key; empty for an inlined section.
	key      string
	readonly bool
}

// schemaFields holds the members of every section that State can hold.
var schemaFields = collectFields(map[reflect.Type][]field{}, reflect.TypeFor[State]())

var (
	macType       = reflect.TypeFor[MAC]()
	rawType       = reflect.TypeFor[Raw]()
	addressesType = reflect.TypeFor[[]Address]()
)

func collectFields(found map[reflect.Type][]field, t reflect.Type) map[reflect.Type][]field {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if _, done := found[t]; done || t.Kind() != reflect.Struct || t.PkgPath() != reflect.TypeFor[State]().PkgPath() {
		return found
	}
	var fields []field
	for i := range t.NumField() {
		key, options, _ := strings.Cut(t.Field(i).Tag.Get("state"), ",")
		if key != "-" {
			fields = append(fields, field{i, key, strings.Contains(options, "readonly")})
		}
	}
	found[t] = fields
	for _, f := range fields {
		collectFields(found, t.Field(f.index).Type)
	}
	return found
}

// overlay returns cur with everything in its place that des mentions: sections
// member by member, scalars and lists whole. It returns cur itself when that
// changes nothing, and changes neither. Read-only members and lists of
// addresses are left as they are.
func overlay[T any](cur, des *T) *T {
	switch {
	case des == nil || cur == des:
		return cur
	case cur == nil:
		return des
	}
	wish := reflect.ValueOf(des).Elem()
	if !overlayStruct(reflect.ValueOf(cur).Elem(), wish, false) {
		return cur
	}
	out := *cur
	overlayStruct(reflect.ValueOf(&out).Elem(), wish, true)
	return &out
}

// overlayStruct lays des over out, if it may write, and tells whether that
// makes a difference. Where nothing differs nothing needs to be copied.
func overlayStruct(out, des reflect.Value, write bool) bool {
	changed := false
	for _, f := range schemaFields[out.Type()] {
		if f.readonly {
			continue
		}
		wish := des.Field(f.index)
		if k := wish.Kind(); (k == reflect.Pointer || k == reflect.Slice || k == reflect.Map) && wish.IsNil() {
			continue
		}
		if overlayField(out.Field(f.index), wish, write) {
			changed = true
			if !write {
				break
			}
		}
	}
	return changed
}

func overlayField(out, des reflect.Value, write bool) bool {
	switch out.Kind() {
	case reflect.Struct:
		if _, section := schemaFields[out.Type()]; section {
			return overlayStruct(out, des, write)
		}
	case reflect.Pointer:
		if _, section := schemaFields[out.Type().Elem()]; section && !des.IsNil() && !out.IsNil() {
			return overlaySection(out, des, write)
		}
	case reflect.Map:
		return overlayRaw(out, des, write)
	case reflect.Slice:
		if out.Type() == addressesType || out.Len()+des.Len() == 0 {
			return false
		}
	}
	if des.IsZero() || equalValue(out, des) {
		return false
	}
	if write {
		out.Set(des)
	}
	return true
}

func overlayRaw(out, des reflect.Value, write bool) bool {
	merged, changed := mergeRaw(out.Interface().(Raw), des.Interface().(Raw))
	if changed && write {
		out.Set(reflect.ValueOf(merged))
	}
	return changed
}

// overlaySection puts a changed copy of a section in its place.
func overlaySection(out, des reflect.Value, write bool) bool {
	if !overlayStruct(out.Elem(), des.Elem(), false) {
		return false
	}
	if write {
		inner := reflect.New(out.Type().Elem())
		inner.Elem().Set(out.Elem())
		overlayStruct(inner.Elem(), des.Elem(), true)
		out.Set(inner)
	}
	return true
}

// shallowSame tells whether two structures hold the same values and refer to
// the same sections and lists, not to equal ones.
func shallowSame[T any](a, b *T) bool {
	x, y := reflect.ValueOf(a).Elem(), reflect.ValueOf(b).Elem()
	for i := range x.NumField() {
		if !sameField(x.Field(i), y.Field(i)) {
			return false
		}
	}
	return true
}

func sameField(x, y reflect.Value) bool {
	switch x.Kind() {
	case reflect.Slice:
		return x.Len() == y.Len() && x.UnsafePointer() == y.UnsafePointer()
	case reflect.Pointer, reflect.Map:
		return x.UnsafePointer() == y.UnsafePointer()
	default:
		return x.Equal(y)
	}
}
