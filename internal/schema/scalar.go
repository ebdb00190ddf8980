package schema

import (
	"reflect"
	"strconv"
	"strings"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// scalar reports whether n is a single value, and adds a problem if not.
func (d *decoder) scalar(n *document.Node) bool {
	if n.Kind == document.Scalar && !n.IsNull() {
		return true
	}
	message, hint := "must be a single value, not a "+n.Kind.String(), "give the value on the line of its key"
	if n.IsNull() {
		message, hint = "the value is missing", "give it a value, or leave it out"
	}
	d.add(n, "", message, hint)
	return false
}

// shown is how a value is repeated in a problem.
func shown(n *document.Node) string {
	if n.Text == "" {
		return `""`
	}
	return n.Text
}

func (d *decoder) notOneOf(n *document.Node, values []string) {
	message := "must be one of " + strings.Join(values, ", ")
	d.add(n, shown(n), message, problem.DidYouMean(n.Text, values))
}

func lower(s string) string { return strings.ToLower(s) }

// ParseBool reads a truth value with nmstate's leniency: true and false, yes
// and no, on and off, y and n, 1 and 0, in any case of letters.
func ParseBool(s string) (value, ok bool) {
	switch lower(s) {
	case "true", "yes", "on", "y", "1":
		return true, true
	case "false", "no", "off", "n", "0":
		return false, true
	}
	return false, false
}

func decodeBool(d *decoder, n *document.Node, v reflect.Value) {
	if !d.scalar(n) {
		return
	}
	value, ok := ParseBool(n.Text)
	if !ok {
		d.add(n, shown(n), "not a truth value", "give true or false")
		return
	}
	v.SetBool(value)
}

func encodeBool(_ *encoder, v reflect.Value) (document.Node, bool) {
	return document.Bool(v.Bool()), true
}

// numberCodec is for integers of all sizes: decimal, or hexadecimal with 0x.
func numberCodec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	switch t.Kind() {
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return signedCodec(t, opts)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return unsignedCodec(t, opts)
	}
	panic("internal error: schema: no codec for " + t.String())
}

func signedCodec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	low, high := int64(-1)<<(t.Bits()-1), int64(1)<<(t.Bits()-1)-1
	if opts.min != nil {
		low = *opts.min
	}
	if opts.max != nil {
		high = *opts.max
	}
	limits := strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10)
	read := func(d *decoder, n *document.Node, v reflect.Value) {
		if !d.scalar(n) {
			return
		}
		value, err := strconv.ParseInt(hexless(n.Text))
		if d.number(n, err, value < low || value > high, limits) {
			v.SetInt(value)
		}
	}
	write := func(_ *encoder, v reflect.Value) (document.Node, bool) {
		return document.Int(v.Int()), true
	}
	return read, write
}

func unsignedCodec(t reflect.Type, opts options) (decodeFunc, encodeFunc) {
	low, high := uint64(0), uint64(1)<<(t.Bits()-1)<<1-1
	if opts.min != nil {
		low = uint64(*opts.min)
	}
	if opts.max != nil {
		high = uint64(*opts.max)
	}
	limits := strconv.FormatUint(low, 10) + " to " + strconv.FormatUint(high, 10)
	read := func(d *decoder, n *document.Node, v reflect.Value) {
		if !d.scalar(n) {
			return
		}
		value, err := strconv.ParseUint(hexless(strings.TrimPrefix(n.Text, "+")))
		if err != nil && isNegative(n.Text) {
			err = strconv.ErrRange
		}
		if d.number(n, err, value < low || value > high, limits) {
			v.SetUint(value)
		}
	}
	write := func(_ *encoder, v reflect.Value) (document.Node, bool) {
		if opts.hex {
			return document.Text("0x" + strconv.FormatUint(v.Uint(), 16)), true
		}
		return document.Uint(v.Uint()), true
	}
	return read, write
}

// hexless splits a number into its digits and its base, as strconv wants it.
func hexless(s string) (digits string, base, bits int) {
	if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' && s[2] != '+' && s[2] != '-' {
		return s[2:], 16, 64
	}
	return s, 10, 64
}

func isNegative(s string) bool {
	_, err := strconv.ParseInt(s, 10, 64)
	return err == nil && s[0] == '-'
}

// number adds a problem for a text that is no number or is out of range, and
// reports whether it is neither.
func (d *decoder) number(n *document.Node, err error, outside bool, limits string) bool {
	switch {
	case err != nil && !isRangeError(err):
		d.add(n, shown(n), "not a whole number", "give digits only, without a unit")
	case err != nil || outside:
		d.add(n, shown(n), "must be "+limits, "")
	default:
		return true
	}
	return false
}
