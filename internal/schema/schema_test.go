package schema

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

type colour string

func (colour) Values() []string { return []string{"red", "green", "on"} }

func (colour) Aliases() map[string]string { return map[string]string{"0": "red", "true": "on"} }

type base struct {
	ID *int32 `state:"id"`
}

type thing struct {
	base    `state:",inline"`
	Type    string           `state:"type"`
	Name    string           `state:"name,required"`
	Colour  colour           `state:"colour,alias=color"`
	Flag    *bool            `state:"flag"`
	Small   *int8            `state:"small,min=-3"`
	Mark    *uint32          `state:"mark,hex"`
	Big     *uint64          `state:"big"`
	Secret  string           `state:"secret,secret"`
	Gateway *netip.Addr      `state:"gateway"`
	Nets    []netip.Prefix   `state:"nets"`
	Words   []string         `state:"words"`
	Inner   *thing           `state:"inner"`
	List    []*thing         `state:"list"`
	Plain   map[string]any   `state:"plain"`
	Body    *base            `state:"body"`
	Other   map[string]any   `state:"body,type=other"`
	Skipped chan int         `state:"-"`
	Origin  *document.Origin `state:"-"`
}

func decode(t *testing.T, text string) (*thing, string) {
	t.Helper()
	var problems problem.List
	doc := document.Read("f", []byte(text), &problems)
	if doc == nil {
		t.Fatal(problems.Err())
	}
	v := new(thing)
	Decode(doc, v, &problems)
	if err := problems.Err(); err != nil {
		return v, problem.Text(err)
	}
	return v, ""
}

func TestRoundTrip(t *testing.T) {
	const text = `id: -5
type: other
name: a
colour: green
flag: false
small: -3
mark: '0xff'
big: 18446744073709551615
secret: s3cret
gateway: ''
nets:
- 192.0.2.0/24
- 2001:db8::/32
words: []
inner:
  name: b
  body: {}
list:
- name: c
- id: 1
  name: d
plain:
  k:
  - 1
  - null
body:
  any: thing
`
	v, problems := decode(t, text)
	if problems != "" {
		t.Fatal(problems)
	}
	n := Encode(v, true)
	if diff := cmp.Diff(text, string(document.AppendYAML(nil, &n))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	hidden := Encode(v, false)
	if got := hidden.Get("secret").Text; got != Placeholder {
		t.Errorf("hidden secret is %q", got)
	}
}

func TestDecodeProblems(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"alias", "name: a\ncolor: blue", "f:2:8: colour: must be one of red, green, on (blue)"},
		{"enum alias in capitals", "name: a\ncolour: TRUE", ""},
		{"enum in capitals", "name: a\ncolour: RED", "f:2:9: colour: must be one of red, green, on (RED)\nhint: did you mean \"red\"?"},
		{"own minimum", "name: a\nsmall: -4", "f:2:8: small: must be -3 to 127 (-4)"},
		{"own maximum", "name: a\nsmall: 128", "f:2:8: small: must be -3 to 127 (128)"},
		{"largest", "name: a\nbig: 18446744073709551616", "f:2:6: big: must be 0 to 18446744073709551615 (18446744073709551616)"},
		{"hexadecimal", "name: a\nbig: 0xg", "f:2:6: big: not a whole number (0xg)\nhint: give digits only, without a unit"},
		{"signed hexadecimal", "name: a\nid: 0x-1", "f:2:5: id: not a whole number (0x-1)\nhint: give digits only, without a unit"},
		{"underscore", "name: a\nbig: 1_000", "f:2:6: big: not a whole number (1_000)\nhint: give digits only, without a unit"},
		{"secret is not a list", "name: a\nsecret: [hush]", "f:2:1: secret: must be a single value, not a list\nhint: give the value on the line of its key"},
		{"variant", "name: a\nbody: {any: x}", "f:2:8: body.any: unknown key\nhint: the keys here are id"},
		{"element of a list", "name: a\nnets: [x, 1.2.3.0/24]", "f:2:8: nets[0]: not a network such as 192.0.2.0/24 (x)\nhint: give an address, a slash and the number of bits"},
		{"null element", "name: a\nwords: [a, ~]", "f:2:12: words[1]: the value is missing\nhint: give it a value, or leave it out"},
		{"deep", "name: a\nlist:\n- name: b\n  inner:\n    name: c\n    list: [{flag: x}]",
			"f:6:12: list[0].inner.list[0].name: the key is missing\nhint: add name and its value\nf:6:19: list[0].inner.list[0].flag: not a truth value (x)\nhint: give true or false"},
		{"key in a list of the root", "name: a\nlist: {}", "f:2:1: list: must be a list, not a mapping\nhint: begin each entry with a dash"},
		{"map", "name: a\nplain: []", "f:2:1: plain: must be a mapping, not a list\nhint: give keys with values, without a dash"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := decode(t, tt.text); got != tt.want {
				t.Errorf("problems = %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestDecodeLeavesTheRestReadable(t *testing.T) {
	v, problems := decode(t, "name: a\nflag: maybe\nid: 5\nlist:\n- name: b\n- 7\n")
	if strings.Count(problems, "\n") != 3 {
		t.Errorf("problems = %q", problems)
	}
	if v.Flag != nil || v.ID == nil || *v.ID != 5 || len(v.List) != 2 || v.List[0].Name != "b" {
		t.Errorf("value = %+v", v)
	}
}

func TestOrigins(t *testing.T) {
	v, problems := decode(t, "name: a\ninner:\n  name: b\n  list:\n  - name: c\n")
	if problems != "" {
		t.Fatal(problems)
	}
	for want, o := range map[string]*document.Origin{"": v.Origin, "inner": v.Inner.Origin, "inner.list[0]": v.Inner.List[0].Origin} {
		if o.Path() != want {
			t.Errorf("path = %q, want %q", o.Path(), want)
		}
	}
	var none *document.Origin
	if p := none.Problem("x", "v", "odd", ""); p.Error() != "x: odd (v)" {
		t.Errorf("problem without origin = %q", p.Error())
	}
}

func TestParseBool(t *testing.T) {
	for word, want := range map[string]bool{"true": true, "Yes": true, "ON": true, "y": true, "1": true, "FALSE": false, "no": false, "off": false, "N": false, "0": false} {
		if got, ok := ParseBool(word); !ok || got != want {
			t.Errorf("ParseBool(%q) = %v, %v", word, got, ok)
		}
	}
	for _, word := range []string{"", "2", "yep", "t", "null"} {
		if _, ok := ParseBool(word); ok {
			t.Errorf("ParseBool(%q) is fine", word)
		}
	}
}

func TestBadTagsPanic(t *testing.T) {
	for name, v := range map[string]any{
		"unknown option": &struct {
			A string `state:"a,whatever"`
		}{},
		"limit": &struct {
			A *int8 `state:"a,min=x"`
		}{},
		"key twice": &struct {
			A string `state:"a"`
			B string `state:"b,alias=a"`
		}{},
		"type": &struct {
			A chan int `state:"a"`
		}{},
		"map": &struct {
			A map[string]int `state:"a"`
		}{},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); r == nil {
					t.Error("no panic")
				}
			}()
			Encode(v, true)
		})
	}
}
