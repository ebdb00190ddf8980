package document

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"holdfast/internal/problem"
)

// implicit11 is what PyYAML and other readers of YAML 1.1 take for something
// else than a string (https://yaml.org/type/; PyYAML's resolver.py), and what
// those of YAML 1.2 do (core schema, section 10.3.2).
var implicit11 = []*regexp.Regexp{
	regexp.MustCompile(`^(?i:y|n|yes|no|true|false|on|off)$`),
	regexp.MustCompile(`^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?:[eE][-+]?[0-9]+)|\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?i:inf)|\.(?i:nan))$`),
	regexp.MustCompile(`^(?:[-+]?0b[0-1_]+|[-+]?0[0-7_]+|[-+]?(?:0|[1-9][0-9_,]*)|[-+]?0x[0-9a-fA-F_]+|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)$`),
	regexp.MustCompile(`^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)$`),
	regexp.MustCompile(`^(?:~|(?i:null)|)$`),
	regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?(?:[Tt]|[ \t]+)[0-9][0-9]?:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9]{2})?))?)$`),
	regexp.MustCompile(`^(?:<<|=)$`),
}

func TestBareTextIsAlwaysText(t *testing.T) {
	fixSeed(t)
	text := rapid.OneOf(
		rapid.StringMatching(`[-+.:_0-9a-fA-FxXobTZ ,~=<]{0,12}`),
		rapid.StringMatching(`[0-9]{1,4}[-:._eE][0-9]{1,3}[-:._eE+]?[0-9]{0,3}`),
		rapid.SampledFrom([]string{"yes", "No", "ON", "y", "null", "~", "true", "2024-01-01", "0b1", "017", "1_0", ".5", "1e3", "52:54:00:12:34:56"}),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		s := text.Draw(t, "text")
		if isBare(s) {
			for _, re := range implicit11 {
				if re.MatchString(s) {
					t.Fatalf("%q is written bare, but %s matches", s, re)
				}
			}
		}
		n := Node{Kind: Mapping}
		n.Add(s, Text(s))
		n.Add("list"+s, Node{Kind: Sequence, Items: []Node{Text(s), Text("x")}})
		for _, data := range [][]byte{AppendYAML(nil, &n), AppendJSON(nil, &n)} {
			var problems problem.List
			doc := Read("f", data, &problems)
			if doc == nil || problems.Len() > 0 {
				t.Fatalf("%v\n%s", problems.Err(), data)
			}
			if doc.Root.Items[0].Text != s || doc.Root.Items[1].Value() != any(s) || doc.Root.Items[3].Items[0].Value() != any(s) {
				t.Fatalf("%q became %q", s, data)
			}
		}
	})
}

func TestBareWords(t *testing.T) {
	for word, want := range map[string]bool{
		"eth0": true, "bond0.100": true, "192.0.2.1": true, "10.0.0.0/8": true, "2001:db8::1": true, "802.3ad": true, "layer2+3": true,
		"52:54:00:AB:CD:EF": true, "a b": true, "ndots:2": true, "fe80::1%eth0": true, "/etc/x": true, "_x": true,
		"52:54:00:12:34:56": false, "1:2:3:4:5:6:7:8": false, "::1": false, "": false, "yes": false, "-": false, "a: b": false, "a #b": false,
		"é": false, "1.5": false, "12e03": false, "2024-01-01": false, "a ": false,
	} {
		if got := isBare(word); got != want {
			t.Errorf("isBare(%q) = %v, want %v", word, got, want)
		}
	}
}

func TestAppendYAML(t *testing.T) {
	inner := Node{Kind: Mapping}
	inner.Add("k", Int(1))
	inner.Add("empty", Node{Kind: Mapping})
	inner.Add("list", Node{Kind: Sequence, Items: []Node{{Kind: Sequence, Items: []Node{Bool(true), Null()}}, {Kind: Sequence}}})
	root := Node{Kind: Mapping}
	root.Add("a", inner)
	root.Add("b", Node{Kind: Sequence, Items: []Node{inner, Text("x"), Uint(1 << 63)}})
	want := `a:
  k: 1
  empty: {}
  list:
  - - true
    - null
  - []
b:
- k: 1
  empty: {}
  list:
  - - true
    - null
  - []
- x
- 9223372036854775808
`
	if got := string(AppendYAML(nil, &root)); got != want {
		t.Errorf("AppendYAML = %s\nwant %s", got, want)
	}
	if got := string(AppendYAML(nil, &Node{Kind: Mapping})); got != "{}\n" {
		t.Errorf("AppendYAML of the empty mapping = %q", got)
	}
	deep := Text("x")
	for range 60 {
		deep = Node{Kind: Mapping, Items: []Node{Text("k"), deep}}
	}
	if got := string(AppendYAML(nil, &deep)); !strings.HasSuffix(got, "\n"+strings.Repeat(" ", 118)+"k: x\n") {
		t.Errorf("deep indentation ends in %q", got[len(got)-140:])
	}
}
