package tests

import (
	"fmt"
	"maps"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"holdfast/state"
)

// silent are what a state may say without the independent reader finding
// another thing when it is left out, with the reason.
var silent = map[string]string{
	"State=up":           "up is what a link is meant to be without a word",
	"Enabled=true":       "addresses turn their stack on",
	"Weight=1":           "the weight without a word",
	"Protocol=802.1q":    "the protocol without a word",
	"Family=ipv6":        "a prefix tells the family",
	"Family=ipv4":        "a prefix tells the family",
	"EnableNative=false": "off without a word",
}

// TestReaderSeesAll takes each word out of each state of the walk: what the
// independent reader is to find must then be another thing, or the walk does
// not look at what that word says.
func TestReaderSeesAll(t *testing.T) {
	words := 0
	for _, c := range loadWalk(t) {
		whole := expected(c.state)
		mutate(reflect.ValueOf(c.state).Elem(), "", func(path, key string) {
			words++
			if silent[key] == "" && maps.Equal(whole, expectedOrNothing(c.state)) {
				t.Errorf("%s: nobody looks at %s (%s)", c.name, path, key)
			}
		})
		if !maps.Equal(whole, expected(c.state)) {
			t.Fatalf("%s: the state was not put back", c.name)
		}
	}
	if words < 1000 {
		t.Errorf("%d words in all states: some are passed over", words)
	}
}

// expectedOrNothing are the facts of a state that may lack what it must have.
func expectedOrNothing(s *state.State) (f facts) {
	defer func() {
		if recover() != nil {
			f = nil
		}
	}()
	return expected(s)
}

// mutate takes out each word below v in turn, and calls look while it is out.
func mutate(v reflect.Value, path string, look func(path, key string)) {
	if v.Kind() == reflect.Pointer && holdsSections(v.Type()) {
		if !v.IsNil() && !isAbsent(v.Interface()) {
			mutate(v.Elem(), path, look)
		}
		return
	}
	switch {
	case holdsSections(v.Type()):
		for n := range v.NumField() {
			if field := v.Type().Field(n); field.Tag.Get("state") != "-" && field.IsExported() {
				mutate(v.Field(n), path+"."+field.Name, look)
			}
		}
	case v.Kind() == reflect.Slice && v.Len() > 0 && holdsSections(v.Type().Elem()):
		for n := range v.Len() {
			mutate(v.Index(n), fmt.Sprintf("%s[%d]", path, n), look)
		}
	case !v.IsZero():
		was := reflect.New(v.Type()).Elem()
		was.Set(v)
		v.SetZero()
		name := path[strings.LastIndex(path, ".")+1:]
		look(path, fmt.Sprintf("%s=%v", name, reflect.Indirect(was)))
		v.Set(was)
	}
}

// isWord tells types that are values in a document, not sections.
func isWord(t reflect.Type) bool {
	return t == reflect.TypeFor[netip.Addr]() || t == reflect.TypeFor[netip.Prefix]()
}

// holdsSections tells structures, and pointers to them.
func holdsSections(t reflect.Type) bool {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Kind() == reflect.Struct && !isWord(t)
}

// isAbsent tells objects that are only named, to be gone.
func isAbsent(object any) bool {
	switch object := object.(type) {
	case *state.Interface:
		return object.State == state.Absent
	case *state.Route:
		return object.State == state.Absent
	case *state.Rule:
		return object.State == state.Absent
	}
	return false
}
