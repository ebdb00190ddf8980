package state

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"math"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// TestRoundTrip prints any state and reads it again, as YAML and as JSON.
func TestRoundTrip(t *testing.T) {
	fixParseSeed(t)
	rapid.Check(t, func(t *rapid.T) {
		s := new(State)
		drawStruct(t, reflect.ValueOf(s).Elem())
		for _, i := range s.Interfaces {
			fitType(i)
		}
		checkRoundTrip(t, s)
	})
}

// FuzzParse reads anything. What cannot be read must say what is wrong; what
// can must survive being printed and read again.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/parse/*.txtar", "testdata/encode/*.txtar"} {
		for _, path := range parseCases(f, pattern) {
			f.Add(readParseCase(f, path).Files[0].Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz.yml", data)
		if err == nil {
			checkRoundTrip(t, s)
			return
		}
		list, ok := errors.AsType[*problem.List](err)
		if !ok || list.Len() == 0 {
			t.Fatalf("Parse error is %T: %v", err, err)
		}
		for _, p := range list.All() {
			if p.Message == "" || p.File != "fuzz.yml" {
				t.Errorf("a problem without message or file: %+v", p)
			}
		}
	})
}

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Fatalf(format string, args ...any)
}

func checkRoundTrip(t fataler, s *State) {
	want := canonical(s, true)
	yaml := EncodeYAML(s, ShowSecrets())
	for name, data := range map[string][]byte{"yaml": yaml, "json": EncodeJSON(s, ShowSecrets())} {
		got, err := Parse(name, data)
		if err != nil {
			t.Fatalf("what was printed cannot be read: %v\n%s", err, data)
		}
		if diff := cmp.Diff(want, got, ignoreOrigins, sameNetip, sameInterfaces); diff != "" {
			t.Fatalf("%s (-printed +read):\n%s\n%s", name, diff, data)
		}
		if again := EncodeYAML(got, ShowSecrets()); !bytes.Equal(again, yaml) {
			t.Fatalf("printed again from %s it differs:\n%s", name, cmp.Diff(string(yaml), string(again)))
		}
	}
}

var (
	ignoreOrigins  = cmp.Comparer(func(_, _ *document.Origin) bool { return true })
	sameNetip      = cmp.Options{cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })}
	sameInterfaces = cmp.FilterPath(func(p cmp.Path) bool {
		// A missing list of interfaces is printed as an empty one.
		return p.String() == "Interfaces"
	}, cmp.Transformer("notNil", func(list []*Interface) struct{ List []*Interface } {
		return struct{ List []*Interface }{append(make([]*Interface, 0, len(list)), list...)}
	}))
)

// fitType makes what an interface holds agree with its type and state, as
// reading does.
func fitType(i *Interface) {
	if i.Type == TypeOVSBridge {
		i.Bridge = nil
	} else {
		i.OVSBridge = nil
	}
	if i.State == Absent {
		*i = Interface{Name: i.Name, Type: i.Type, State: i.State}
	}
}

// drawStruct gives each field of the schema that is not left out a value.
func drawStruct(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, ok := f.Tag.Lookup("state")
		if !ok || tag == "-" {
			continue
		}
		must := strings.Contains(tag, "required") || strings.Contains(tag, "inline") || isNumber(f.Type) || f.Type == reflect.TypeFor[netip.Addr]()
		if must || rapid.IntRange(0, 3).Draw(t, f.Name) == 0 {
			drawValue(t, tag, v.Field(i))
		}
	}
}

func isNumber(t reflect.Type) bool {
	return t.Kind() >= reflect.Int && t.Kind() <= reflect.Uint64
}

func drawValue(t *rapid.T, tag string, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *netip.Addr:
		*p = drawAddr(t)
		return
	case *netip.Prefix:
		a := drawAddr(t)
		*p = netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, "bits")).Masked()
		return
	case *PCIAddress:
		*p = PCIAddress(rapid.SampledFrom([]string{"0000:07:00.0", "10000:e1:1f.7"}).Draw(t, "pci"))
		return
	case *MAC:
		*p = MAC(rapid.SampledFrom([]string{"52:54:00:12:34:56", "52:54:00:AB:CD:EF", "00:00:00:00:00:00"}).Draw(t, "mac"))
		return
	case *Raw:
		*p = drawRaw(t, tag)
		return
	case interface{ Values() []string }:
		v.SetString(rapid.SampledFrom(p.Values()).Draw(t, "word"))
		return
	}
	drawKind(t, tag, v)
}

func drawKind(t *rapid.T, tag string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		drawValue(t, tag, v.Elem())
	case reflect.Struct:
		drawStruct(t, v)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			item := reflect.New(v.Type().Elem()).Elem()
			drawValue(t, "", item)
			v.Set(reflect.Append(v, item))
		}
	case reflect.String:
		v.SetString(drawText(t, strings.Contains(tag, "required")))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int32, reflect.Int64:
		v.SetInt(rapid.Int64Range(2, 63).Draw(t, "number"))
	default:
		v.SetUint(rapid.Uint64Range(6, 10).Draw(t, "number"))
	}
}

func drawAddr(t *rapid.T) netip.Addr {
	return netip.MustParseAddr(rapid.SampledFrom([]string{
		"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1",
	}).Draw(t, "addr"))
}

// drawText draws texts that are hard to print.
func drawText(t *rapid.T, required bool) string {
	s := rapid.OneOf(
		rapid.StringMatching(`[a-z]{1,4}[0-9]{0,3}`),
		rapid.StringMatching(`[-+.:_0-9eExXyn/ #'"~]{1,9}`),
		rapid.String(),
		rapid.SampledFrom([]string{"yes", "null", "~", "1e3", "0x1f", "52:54:00:12:34:56", "2024-01-01", "- a", "a: b", "ovs-bridge", "<<"}),
	).Draw(t, "text")
	if s == "" && required {
		return "x"
	}
	return s
}

// drawRaw draws a section that is kept, with the keys that it may have.
func drawRaw(t *rapid.T, tag string) Raw {
	key, option, _ := strings.Cut(tag, ",")
	keys := rawInterface[key]
	switch {
	case option == "type=ovs-bridge":
		keys = rawOVSBridge
	case key == "sr-iov":
		keys = rawSRIOV
	case key == "ovn":
		keys = rawTop["ovn"]
	}
	return drawSection(t, keys)
}

// drawSection draws a mapping of known keys; any key is known where keys is nil.
func drawSection(t *rapid.T, keys rawKeys) map[string]any {
	names := slices.Sorted(maps.Keys(keys))
	if keys == nil {
		names = []string{"a", "b", "y", "1", "long key: with # more"}
	}
	section := map[string]any{}
	for range rapid.IntRange(0, 3).Draw(t, "keys") {
		name := rapid.SampledFrom(names).Draw(t, "key")
		sub := keys[name]
		switch {
		case sub == nil:
			section[name] = drawAny(t, 2)
		case rapid.Bool().Draw(t, "list"):
			section[name] = []any{drawSection(t, sub), drawSection(t, sub)}
		default:
			section[name] = drawSection(t, sub)
		}
	}
	return section
}

// drawAny draws any value that a document can hold.
func drawAny(t *rapid.T, depth int) any {
	switch n := rapid.IntRange(0, 5+depth).Draw(t, "kind"); n {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Int64().Draw(t, "int")
	case 3:
		return rapid.Uint64Range(math.MaxInt64+1, math.MaxUint64).Draw(t, "uint")
	case 4:
		return float64(rapid.Int16().Draw(t, "half")) + 0.5
	case 6:
		list := make([]any, rapid.IntRange(0, 2).Draw(t, "length"))
		for i := range list {
			list[i] = drawAny(t, depth-1)
		}
		return list
	case 7:
		return drawSection(t, nil)
	}
	return drawText(t, false)
}

// fixParseSeed makes rapid draw the same in every run, unless -rapid.seed is given.
func fixParseSeed(t *testing.T) {
	t.Helper()
	if f := flag.Lookup("rapid.seed"); f.Value.String() == "0" {
		if err := f.Value.Set("1"); err != nil {
			t.Fatal(err)
		}
	}
}
