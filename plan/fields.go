package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"holdfast/state"
)

// field is one scalar of a section: its key and the way to it.
type field struct {
	key   string
	index []int
}

// fieldsOf lists the scalars of a section's type with their keys below prefix,
// members of nested structs included, without those named in skip and those
// that are read only.
func fieldsOf(t reflect.Type, prefix string, skip ...string) []field {
	var list []field
	for i := range t.NumField() {
		tag, ok := t.Field(i).Tag.Lookup("state")
		name, rest, _ := strings.Cut(tag, ",")
		if !ok || name == "-" || slices.Contains(skip, name) || strings.Contains(rest, "readonly") {
			continue
		}
		member := t.Field(i).Type
		if member.Kind() == reflect.Pointer && member.Elem().Kind() == reflect.Struct {
			for _, f := range fieldsOf(member.Elem(), prefix+"."+name, skip...) {
				list = append(list, field{f.key, append([]int{i}, f.index...)})
			}
			continue
		}
		list = append(list, field{prefix + "." + name, []int{i}})
	}
	return list
}

// get finds the field below v, a pointer to the section; false means that it
// was not mentioned.
func (f field) get(v reflect.Value) (reflect.Value, bool) {
	for _, i := range f.index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return v, !v.IsNil()
	}
	return v, !v.IsZero()
}

// text is a scalar for people.
func text(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if maps, ok := reflect.TypeAssert[[]state.QoSMap](v); ok {
		return qosText(maps)
	}
	return fmt.Sprint(v.Interface())
}

// qosText is a priority map, ordered.
func qosText(maps []state.QoSMap) string {
	sorted := slices.Clone(maps)
	slices.SortFunc(sorted, func(a, b state.QoSMap) int { return int(int64(a.From) - int64(b.From)) })
	var parts []string
	for _, m := range sorted {
		parts = append(parts, fmt.Sprintf("%d:%d", m.From, m.To))
	}
	return strings.Join(parts, " ")
}

// differ lists what want mentions and was has otherwise, in the fields' order.
// Both are pointers to the section's type and may be nil.
func differ(fields []field, was, want any) []Change {
	var changes []Change
	w := reflect.ValueOf(want)
	if !w.IsValid() || w.IsNil() {
		return nil
	}
	o := reflect.ValueOf(was)
	for _, f := range fields {
		to, ok := f.get(w)
		if !ok {
			continue
		}
		c := Change{Key: f.key, To: text(to)}
		if o.IsValid() {
			if from, ok := f.get(o); ok {
				if c.From = text(from); c.From == c.To {
					continue
				}
			} else if c.To == "" {
				continue
			}
		} else if c.To == "" {
			continue
		}
		changes = append(changes, c)
	}
	return changes
}

// keysOf are the keys of changes, in order.
func keysOf(changes []Change) []string {
	keys := make([]string, len(changes))
	for i, c := range changes {
		keys[i] = c.Key
	}
	return keys
}

// value is what a pointer points to, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// pointerText is what a pointer points to for people, empty for nil.
func pointerText[T any](p *T) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(*p)
}
