package state

import (
	"reflect"

	"holdfast/internal/document"
)

var originType = reflect.TypeFor[*document.Origin]()

// Clone returns a deep copy of the state with its facts. Origins are shared:
// they never change.
func (s *State) Clone() *State { return clone(s) }

// Clone returns a deep copy of the interface with its facts; Origin is shared.
func (i *Interface) Clone() *Interface { return clone(i) }

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return cloneValue(reflect.ValueOf(p)).Interface().(*T)
}

func cloneValue(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() || v.Type() == originType {
			return v
		}
		out := reflect.New(v.Type().Elem())
		out.Elem().Set(cloneValue(v.Elem()))
		return out
	case reflect.Slice:
		if v.IsNil() {
			return v
		}
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(cloneValue(v.Index(i)))
		}
		return out
	case reflect.Map:
		if v.IsNil() {
			return v
		}
		return reflect.ValueOf(cloneRaw(v.Interface().(Raw)))
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if out.Field(i).CanSet() {
				out.Field(i).Set(cloneValue(v.Field(i)))
			}
		}
		return out
	}
	return v
}

func cloneRaw(r Raw) Raw { return Raw(cloneAny(map[string]any(r)).(map[string]any)) }

func cloneAny(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = cloneAny(e)
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = cloneAny(e)
		}
		return out
	}
	return v
}
