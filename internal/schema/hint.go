package schema

import (
	"reflect"
	"strings"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// fewKeys is up to how many keys a hint lists.
const fewKeys = 16

// unknownHint says what to do about a key that the struct of type t does not
// have: the nearest one, the section below in which there is such a key, or
// all that there are.
func unknownHint(key string, t reflect.Type, plan *structPlan) string {
	if hint := problem.DidYouMean(key, plan.keys); hint != "" {
		return hint
	}
	if section := sectionOf(key, t); section != "" {
		return "it belongs under " + section
	}
	if len(plan.keys) <= fewKeys {
		return "the keys here are " + strings.Join(plan.keys, ", ")
	}
	return ""
}

// sectionOf is the path of the nearest section below a struct that has the
// key, or "". Elements of lists are not looked into.
func sectionOf(key string, t reflect.Type) string {
	type place struct {
		t    reflect.Type
		path string
	}
	level := []place{{t, ""}}
	for len(level) > 0 {
		var next []place
		for _, p := range level {
			plan := planOf(p.t)
			if _, has := plan.byKey[key]; has && p.path != "" {
				return p.path
			}
			for _, f := range plan.fields {
				if inner := sectionType(p.t, f.index); inner != nil {
					next = append(next, place{inner, document.Join(p.path, f.key)})
				}
			}
		}
		level = next
	}
	return ""
}

// sectionType is the struct that a member points to, nil if it is none.
func sectionType(t reflect.Type, index []int) reflect.Type {
	f := t.FieldByIndex(index).Type
	if f.Kind() != reflect.Pointer || f.Elem().Kind() != reflect.Struct || f.Elem() == addrType || f.Elem() == prefixType {
		return nil
	}
	return f.Elem()
}
