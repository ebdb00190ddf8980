// Package schema reads document nodes into Go structs and back by the
// structs' tags, which are the schema.
//
// A field's tag is `state:"KEY,OPTION,…"`; a field tagged "-" is left alone.
// The options:
//
//	alias=WORD   another name of the key in input; may be given several times
//	readonly     documents show it, nobody can wish for it (kept when given)
//	required     a problem when the key is missing or its string is empty
//	min=N max=N  the range of a number; by default that of its type
//	hex          the number is written in hexadecimal
//	secret       written as a placeholder unless asked for
//	inline       the keys of an embedded struct stand among the outer ones
//	type=WORD    this field is used in place of the other one with the same
//	             key where the mapping's key "type" is WORD
//
// Nil pointers, nil slices, nil maps, empty strings and invalid addresses were
// not mentioned; numbers and addresses that are no pointers are required. A
// string type with a method Values() []string takes only those, and with
// Aliases() map[string]string other spellings of them. A struct's field of
// type *document.Origin is filled with the place where it was described.
package schema

import (
	"encoding"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"holdfast/internal/document"
)

// enum is a string type with a closed list of values.
type enum interface{ Values() []string }

// aliased is an enum with other spellings.
type aliased interface{ Aliases() map[string]string }

var (
	originType   = reflect.TypeFor[*document.Origin]()
	addrType     = reflect.TypeFor[netip.Addr]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
	enumType     = reflect.TypeFor[enum]()
	textDecoding = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// maxFields is the number of keys that a struct can have: a decoder keeps
// the set of those that it has seen in one word.
const maxFields = 64

// structPlan is what the tags of a struct say.
type structPlan struct {
	fields []field
	// byKey finds a field by its key or an alias.
	byKey map[string]int
	// keys are the canonical keys, for suggestions.
	keys []string
	// required is the set of fields whose keys must be given.
	required uint64
	// origin is the index of the field for the Origin, or -1.
	origin int
}

// field is one key of a struct.
type field struct {
	key string
	// names are the key and its aliases, for messages.
	names  []string
	index  []int
	decode decodeFunc
	encode encodeFunc
	secret bool
	// variant is the field to use instead where the mapping's type is
	// variantOf, or -1.
	variant   int
	variantOf string
}

// options are what a tag says beside the key.
type options struct {
	aliases  []string
	readonly bool
	required bool
	hex      bool
	secret   bool
	inline   bool
	min, max *int64
	variant  string
}

var plans sync.Map // reflect.Type to *structPlan

// planOf returns the plan of a struct type. Mistakes in tags panic: they are
// found by any test that uses the type.
func planOf(t reflect.Type) *structPlan {
	if p, ok := plans.Load(t); ok {
		return p.(*structPlan)
	}
	p := &structPlan{byKey: map[string]int{}, origin: -1}
	p.collect(t, nil)
	if len(p.fields) > maxFields {
		panic("internal error: schema: " + t.String() + " has too many keys")
	}
	stored, _ := plans.LoadOrStore(t, p)
	return stored.(*structPlan)
}

func (p *structPlan) collect(t reflect.Type, prefix []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == originType && prefix == nil {
			p.origin = i
		}
		tag, ok := f.Tag.Lookup("state")
		if !ok || tag == "-" {
			continue
		}
		index := append(append([]int(nil), prefix...), i)
		key, opts := parseTag(tag)
		if opts.inline {
			p.collect(f.Type, index)
			continue
		}
		p.add(key, opts, f.Type, index)
	}
}

func (p *structPlan) add(key string, opts options, t reflect.Type, index []int) {
	names := append([]string{key}, opts.aliases...)
	f := field{key: key, names: names, index: index, secret: opts.secret, variant: -1}
	f.decode, f.encode = codec(t, opts)
	n := len(p.fields)
	if opts.variant != "" {
		main := p.byKey[key]
		p.fields[main].variant, p.fields[main].variantOf = n, opts.variant
	} else {
		for _, name := range names {
			if _, twice := p.byKey[name]; twice {
				panic("internal error: schema: key " + name + " is given to two fields")
			}
			p.byKey[name] = n
		}
		p.keys = append(p.keys, key)
	}
	if opts.required || isRequired(t) {
		p.required |= 1 << n
	}
	p.fields = append(p.fields, f)
}

// isRequired reports whether a value of type t cannot say "not mentioned".
func isRequired(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Bool, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int,
		reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return true
	}
	return t == addrType
}

func parseTag(tag string) (key string, opts options) {
	key, rest, _ := strings.Cut(tag, ",")
	for word := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "":
		case "alias":
			opts.aliases = append(opts.aliases, value)
		case "readonly":
			opts.readonly = true
		case "required":
			opts.required = true
		case "hex":
			opts.hex = true
		case "secret":
			opts.secret = true
		case "inline":
			opts.inline = true
		case "min":
			opts.min = parseLimit(value)
		case "max":
			opts.max = parseLimit(value)
		case "type":
			opts.variant = value
		default:
			panic("internal error: schema: unknown option in tag " + tag)
		}
	}
	return key, opts
}

func parseLimit(s string) *int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic("internal error: schema: limit " + s + " is no number")
	}
	return &n
}
