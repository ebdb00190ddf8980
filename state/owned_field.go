package state

import "reflect"

// advance gives out those members of will that the mask mentions or that differ
// from was: all such members if all is set, else those that out or the mask
// mentions.
func advance(out, mask, was, will reflect.Value, all bool) {
	for _, f := range schemaFields[out.Type()] {
		to, want, a, b := out.Field(f.index), mask.Field(f.index), was.Field(f.index), will.Field(f.index)
		switch {
		case f.readonly || want.IsZero() && (equalValue(a, b) || !all && to.IsZero()):
		case to.Kind() == reflect.Struct && schemaFields[to.Type()] != nil:
			advance(to, want, a, b, all)
		case isSection(to.Type()) && !to.IsNil() && !b.IsNil():
			advance(to.Elem(), section(want), section(a), b.Elem(), all)
		default:
			to.Set(b)
		}
	}
}

func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Pointer && schemaFields[t.Elem()] != nil
}

// section is what a pointer points to; an empty one for nil.
func section(p reflect.Value) reflect.Value {
	if p.IsNil() {
		return reflect.Zero(p.Type().Elem())
	}
	return p.Elem()
}

// project fills out with those members of from that the mask mentions.
func project(out, mask, from reflect.Value) {
	for _, f := range schemaFields[out.Type()] {
		want, have, to := mask.Field(f.index), from.Field(f.index), out.Field(f.index)
		switch {
		case f.readonly || want.IsZero():
		case want.Kind() == reflect.Struct && schemaFields[want.Type()] != nil:
			project(to, want, have)
		case isSection(want.Type()) && !have.IsNil():
			to.Set(reflect.New(want.Type().Elem()))
			project(to.Elem(), want.Elem(), have.Elem())
		case have.IsZero():
			to.Set(want)
		default:
			to.Set(have)
		}
	}
}

// dropReadonly zeroes what only the host can say, in all sections. Lists of
// sections have nothing of the sort that configures.
func dropReadonly(v reflect.Value) {
	for _, f := range schemaFields[v.Type()] {
		field := v.Field(f.index)
		switch {
		case f.readonly:
			field.SetZero()
		case field.Kind() == reflect.Struct && schemaFields[field.Type()] != nil:
			dropReadonly(field)
		case isSection(field.Type()) && !field.IsNil():
			dropReadonly(field.Elem())
		}
	}
}
