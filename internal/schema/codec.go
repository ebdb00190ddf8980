package schema

import (
	"encoding"
	"maps"
	"net/netip"
	"reflect"

	"holdfast/internal/document"
)

// codec returns how values of type t are read and written.
func codec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	switch {
	case t.Kind() == reflect.Pointer:
		return pointerCodec(t, opts)
	case t == prefixType:
		return decodePrefix, encodePrefix
	case t == addrType:
		return decodeAddr, encodeAddr
	case t.Kind() == reflect.String:
		return stringCodec(t, opts)
	case t.Kind() == reflect.Struct:
		return decodeStruct, encodeStruct
	case t.Kind() == reflect.Slice:
		return sliceCodec(t, opts)
	case t.Kind() == reflect.Map:
		return mapCodec(t)
	case t.Kind() == reflect.Bool:
		return decodeBool, encodeBool
	}
	return numberCodec(t, opts)
}

// pointerCodec makes the pointed-to value when the key is given.
func pointerCodec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	decode, encode := codec(t.Elem(), opts)
	elem := t.Elem()
	read := func(d *decoder, n *document.Node, v reflect.Value) {
		p := reflect.New(elem)
		before := d.problems.Len()
		decode(d, n, p.Elem())
		if d.problems.Len() == before || elem.Kind() == reflect.Struct {
			v.Set(p)
		}
	}
	write := func(e *encoder, v reflect.Value) (document.Node, bool) {
		if v.IsNil() {
			return document.Node{}, false
		}
		n, ok := encode(e, v.Elem())
		if !ok {
			n = document.Text("")
		}
		return n, true
	}
	return read, write
}

func decodeStruct(d *decoder, n *document.Node, v reflect.Value) { d.structure(n, v, -1) }

func encodeStruct(e *encoder, v reflect.Value) (document.Node, bool) { return e.structure(v), true }

// stringCodec is for strings, for those with a closed list of values, and for
// those that read themselves.
func stringCodec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	switch {
	case opts.required:
		return decodeWord, encodeString
	case t.Implements(enumType):
		return enumDecoder(reflect.Zero(t).Interface().(enum)), encodeString
	case reflect.PointerTo(t).Implements(textDecoding):
		return decodeText, encodeString
	}
	return decodeString, encodeString
}

func decodeString(d *decoder, n *document.Node, v reflect.Value) {
	if d.scalar(n) {
		v.SetString(n.Text)
	}
}

// decodeWord reads a string that must not be empty.
func decodeWord(d *decoder, n *document.Node, v reflect.Value) {
	if !d.scalar(n) {
		return
	}
	if n.Text == "" {
		d.add(n, shown(n), "must not be empty", "give a name")
		return
	}
	v.SetString(n.Text)
}

func encodeString(_ *encoder, v reflect.Value) (document.Node, bool) {
	s := v.String()
	return document.Text(s), s != ""
}

// decodeText hands the text to the type's own method, whose error says what
// the value is not.
func decodeText(d *decoder, n *document.Node, v reflect.Value) {
	if !d.scalar(n) {
		return
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(n.Text)); err != nil {
		d.add(n, shown(n), err.Error(), "")
	}
}

// enumDecoder reads one of a closed list of values.
func enumDecoder(e enum) decodeFunc {
	values := e.Values()
	words := make(map[string]string, len(values))
	if a, ok := e.(aliased); ok {
		maps.Copy(words, a.Aliases())
	}
	for _, value := range values {
		words[value] = value
	}
	return func(d *decoder, n *document.Node, v reflect.Value) {
		if !d.scalar(n) {
			return
		}
		value, ok := words[n.Text]
		if !ok {
			value, ok = words[lower(n.Text)]
			ok = ok && value != lower(n.Text)
		}
		if !ok {
			d.notOneOf(n, values)
			return
		}
		v.SetString(value)
	}
}

func decodeAddr(d *decoder, n *document.Node, v reflect.Value) {
	if !d.scalar(n) || n.Text == "" {
		return
	}
	a, err := netip.ParseAddr(n.Text)
	if err != nil {
		hint := "an address is written like 192.0.2.1 or 2001:db8::1"
		if _, err := netip.ParsePrefix(n.Text); err == nil {
			hint = "give the prefix length as a key of its own"
		}
		d.add(n, shown(n), "not an IP address", hint)
		return
	}
	*v.Addr().Interface().(*netip.Addr) = a
}

func encodeAddr(_ *encoder, v reflect.Value) (document.Node, bool) {
	a := *v.Addr().Interface().(*netip.Addr)
	if !a.IsValid() {
		return document.Node{}, false
	}
	return document.Text(a.String()), true
}

// decodePrefix reads a network. Bits beyond the prefix length are cleared, and
// an address alone is a network of one, as ip-route(8) has it.
func decodePrefix(d *decoder, n *document.Node, v reflect.Value) {
	if !d.scalar(n) || n.Text == "" {
		return
	}
	p, err := netip.ParsePrefix(n.Text)
	if err != nil {
		a, bad := netip.ParseAddr(n.Text)
		if bad != nil || a.Zone() != "" {
			d.add(n, shown(n), "not a network such as 192.0.2.0/24", "give an address, a slash and the number of bits")
			return
		}
		p = netip.PrefixFrom(a, a.BitLen())
	}
	*v.Addr().Interface().(*netip.Prefix) = p.Masked()
}

func encodePrefix(_ *encoder, v reflect.Value) (document.Node, bool) {
	p := *v.Addr().Interface().(*netip.Prefix)
	if !p.IsValid() {
		return document.Node{}, false
	}
	return document.Text(p.String()), true
}

// sliceCodec is for lists. Of a pointer's elements the structs are numbered
// in their Origin.
func sliceCodec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	elem := t.Elem()
	decode, encode := codec(elem, opts)
	switch {
	case elem.Kind() == reflect.Pointer && elem.Elem().Kind() == reflect.Struct:
		decode = func(d *decoder, n *document.Node, v reflect.Value) {
			v.Set(reflect.New(elem.Elem()))
			d.structure(n, v.Elem(), d.path[len(d.path)-1].index)
		}
	case elem.Kind() == reflect.Struct && elem != addrType && elem != prefixType:
		decode = func(d *decoder, n *document.Node, v reflect.Value) {
			d.structure(n, v, d.path[len(d.path)-1].index)
		}
	}
	read := func(d *decoder, n *document.Node, v reflect.Value) {
		d.list(n, v, func(item *document.Node, v reflect.Value, _ int) { decode(d, item, v) })
	}
	write := func(e *encoder, v reflect.Value) (document.Node, bool) {
		if v.IsNil() {
			return document.Node{}, false
		}
		n := document.Node{Kind: document.Sequence, Items: make([]document.Node, v.Len())}
		for i := range n.Items {
			item, ok := encode(e, v.Index(i))
			if !ok {
				item = document.Text("")
			}
			n.Items[i] = item
		}
		return n, true
	}
	return read, write
}

// mapCodec is for sections that are kept as they are, with values of any kind.
func mapCodec(t reflect.Type) (decodeFunc, encodeFunc) {
	if t.Elem().Kind() != reflect.Interface || t.Key().Kind() != reflect.String {
		panic("internal error: schema: no codec for " + t.String())
	}
	read := func(d *decoder, n *document.Node, v reflect.Value) {
		if n.Kind != document.Mapping {
			d.wrongKind(n, "mapping")
			return
		}
		v.Set(reflect.ValueOf(n.Value()).Convert(t))
	}
	write := func(_ *encoder, v reflect.Value) (document.Node, bool) {
		if v.IsNil() {
			return document.Node{}, false
		}
		return document.FromValue(v.Convert(reflect.TypeFor[map[string]any]()).Interface()), true
	}
	return read, write
}
