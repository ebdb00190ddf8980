package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v4"

	"holdfast/internal/problem"
)

func read(t *testing.T, data string) (*Document, string) {
	t.Helper()
	var problems problem.List
	doc := Read("f", []byte(data), &problems)
	if err := problems.Err(); err != nil {
		return doc, problem.Text(err)
	}
	if doc == nil {
		t.Fatalf("Read(%.40q) gave neither document nor problem", data)
	}
	return doc, ""
}

func TestReadRefuses(t *testing.T) {
	laughs := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'h'; c++ {
		laughs += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*%c, ", c-1), 10), ", "))
	}
	many := ""
	for i := range 40 {
		many += fmt.Sprintf("k%d: 1\n", i)
	}
	tests := []struct{ name, data, want string }{
		{"nothing", "", "f: the document is empty\nhint: {} is the document that asks for nothing"},
		{"spaces", "  \n\n", "f: the document is empty\nhint: {} is the document that asks for nothing"},
		{"too large", strings.Repeat(" ", MaxSize+1), "f: the document is larger than 64 MiB\nhint: make several files of it"},
		{"utf-16", "\xff\xfea\x00", "f:1:1: the document is UTF-16\nhint: save it as UTF-8"},
		{"latin 1", "a: b\nc: d\xe9", "f:2:5: the document is not valid UTF-8 (byte 0xe9)\nhint: save it as UTF-8"},
		{"control", "a: é\x1b[0m", "f:1:5: control characters are not allowed (byte 0x1b)\nhint: remove them"},
		{"zero", "a: \x00", "f:1:4: control characters are not allowed (byte 0x00)\nhint: remove them"},
		{"deep flow", "a: " + strings.Repeat("[", 101) + strings.Repeat("]", 101), "f:1:103: mappings and lists are nested deeper than 100 levels\nhint: no state needs that many"},
		{"very deep flow", strings.Repeat("[", 20000), "f:1:10001: mappings and lists are nested deeper than 100 levels\nhint: no state needs that many"},
		{"deep json", `{"a":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + "}", "f:1:105: mappings and lists are nested deeper than 100 levels\nhint: no state needs that many"},
		{"laughs", laughs, "f:6:16: the aliases of the document stand for more than 500000 values\nhint: write the values out, or make several files of it"},
		{"self", "a: &a\n  b: *a", "f:2:6: the alias *a stands inside what it stands for\nhint: write the value out"},
		{"key is a list", "[a]: b", "f:1:1: a key must be a word, not a list\nhint: check the indentation and the colons"},
		{"binary", "a: !!binary aGk=", "f:1:4: the tag is not supported (!!binary)\nhint: leave the tag out, and put a text in quotes"},
		{"many keys twice", many + "k7: 2\n", "f:41:1: k7: the key is given twice\nhint: it was first given in line 8"},
		{"many keys twice in json", "{" + jsonKeys(40) + `,"k7":2}`,
			"f:1:312: k7: the key is given twice\nhint: it was first given in line 1"},
		{"text after json", "{\"a\": 1}\nrest", "f:2:1: text follows after the end of the document\nhint: remove it; a file holds one document"},
		{"text after json in line", "{\"a\": 1} rest", "f:1:10: text follows after the end of the document\nhint: remove it; a file holds one document"},
		{"brace after json", "{\"a\": 1}}", "f:1:9: text follows after the end of the document\nhint: remove it; a file holds one document"},
		{"second json", "{\"a\": 1}\n{\"b\": 2}", "f:2:1: text follows after the end of the document\nhint: remove it; a file holds one document"},
		{"second document broken", "a: 1\n---\n\tb", "f:2:1: the file holds more than one document\nhint: give each document as a file of its own"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, got := read(t, tt.data); got != tt.want {
				t.Errorf("problems = %q\nwant %q", got, tt.want)
			}
		})
	}
}

func jsonKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	return strings.Join(keys, ",")
}

func TestReadAccepts(t *testing.T) {
	tests := []struct {
		name, data string
		want       map[string]any
	}{
		{"byte order mark", "\ufeffa: 1", map[string]any{"a": int64(1)}},
		{"carriage returns", "a: 1\r\nb: x\r\n", map[string]any{"a": int64(1), "b": "x"}},
		{"header and end", "# c\n---\na: 1\n...\n", map[string]any{"a": int64(1)}},
		{"flow that is no json", "{a: [b, 'c'], d: {}}", map[string]any{"a": []any{"b", "c"}, "d": map[string]any{}}},
		{"json with tabs and escapes", "{\t\"a\":\t\"\\ud83d\\ude00\\/\\n\"}", map[string]any{"a": "😀/\n"}},
		{"json scalars", `{"a":[1,-1,1.5,true,null,"1",18446744073709551615,1e3]}`,
			map[string]any{"a": []any{int64(1), int64(-1), 1.5, true, nil, "1", uint64(1<<64 - 1), "1e3"}}},
		{"yaml 1.2 scalars", "a: [yes, 0x10, '1', !!str 1, ~, 1_0, 1.50, True]",
			map[string]any{"a": []any{"yes", "0x10", "1", "1", nil, "1_0", "1.50", true}}},
		{"block texts", "a: |\n  x\n  y\nb: >-\n  x\n  y\n", map[string]any{"a": "x\ny\n", "b": "x y"}},
		{"merge", "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: {'<<': 1}\n", map[string]any{
			"a": map[string]any{"x": int64(1), "y": int64(2)}, "b": map[string]any{"x": int64(1), "y": int64(3)}, "c": map[string]any{"<<": int64(1)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			doc, problems := read(t, tt.data)
			if problems != "" {
				t.Fatal(problems)
			}
			if diff := cmp.Diff(any(tt.want), doc.Root.Value()); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPositionsOfJSONAndYAMLAgree(t *testing.T) {
	const text = "{\"a\": [1, \"é\", {\"b\": null}],\n \"ü\": {},\n\n  \"c\":\n \"d\"}\n"
	fast := readJSON("f", []byte(text), nil)
	slow := readYAML("f", []byte(text), nil)
	if diff := cmp.Diff(slow, fast, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-yaml +json):\n%s", diff)
	}
}

// FuzzRead compares with encoding/json and with the YAML library's own
// construction of values, and reads again what it prints.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a: 1", "{\"a\": [1, true, null, \"x\\u00e9\"]}", "a: &x [1]\nb: *x\n", "a: {<<: {b: 1}}", "- a", "a: |\n  x\n",
		"---\na: 'it''s'\n...\n", "a: \"\\x41\\u2028\"", "a:\n- b: c\n  d:\n  - e\n-\n", "? a\n: b\n", "{a: , b}", "a: 52:54:00:12:34:56",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var problems problem.List
		doc := Read("f", data, &problems)
		if doc == nil || problems.Len() > 0 {
			if problems.Len() == 0 {
				t.Fatal("neither document nor problem")
			}
			return
		}
		compareWithJSON(t, data, doc)
		compareWithYAML(t, data, doc)
		value := doc.Root.Value()
		for _, text := range [][]byte{AppendYAML(nil, new(FromValue(value))), AppendJSON(nil, new(FromValue(value)))} {
			if bytes.Contains(text, []byte("\n---")) {
				t.Fatalf("printed something like a document's end: %q", text)
			}
			again := Read("g", text, &problems)
			if again == nil || problems.Len() > 0 {
				t.Fatalf("what was printed cannot be read: %v\n%s", problems.Err(), text)
			}
			if got := again.Root.Value(); !reflect.DeepEqual(got, value) {
				t.Fatalf("read again differs:\n%s", cmp.Diff(value, got))
			}
		}
	})
}

// FuzzReadBlock holds the quick reader to what the YAML library reads.
func FuzzReadBlock(f *testing.F) {
	for _, seed := range []string{
		"a: 1", "---\na:\n- b\n-  c: d\n   e:\nf:\n  g: ''\n", "a:\n  - - b\n    - c\n  - d: {}\n", "# c\na: []\n\n  # c\nb: \"x y\"\n",
		"a:\n  b\nc: d\n", "a: b\n c: d\n", "a: ::1\nb: -1\nc: 52:54:00:12:34:56\n", "a: 1\nb: 2\na: 3\n", "a:\n- b\n - c\n", "a:\n# c\nb:\n",
		"a:\n  - b:\n    c:\n    - d\n  e: f\n", "- a\n", "a: b: c\n", "a:\n-\n", "a: 'b'c\n", "a: ---\n", "a:\n  ---\n", "---\n---\na: 1", "a: 1\n...\n", "a: x\n\n  y\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var quick, slow problem.List
		if checkText(data) != nil {
			return
		}
		got := readBlock("f", data, &quick)
		if got == nil {
			return
		}
		want := readYAML("f", data, &slow)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("differs from the library's (-library +quick):\n%s", diff)
		}
		if fmt.Sprint(quick.Err()) != fmt.Sprint(slow.Err()) {
			t.Fatalf("problems differ: %v, library %v", quick.Err(), slow.Err())
		}
	})
}

func compareWithJSON(t *testing.T, data []byte, doc *Document) {
	t.Helper()
	var want any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil || !json.Valid(data) || bytes.Contains(data, []byte("-0")) {
		return
	}
	if got := doc.Root.Value(); !reflect.DeepEqual(texts(got), texts(want)) {
		t.Fatalf("differs from encoding/json:\n%s", cmp.Diff(texts(want), texts(got)))
	}
}

// compareWithYAML compares the shape and the texts with the library's nodes,
// which know nothing of our limits, merges and types.
func compareWithYAML(t *testing.T, data []byte, doc *Document) {
	t.Helper()
	var tree yaml.Node
	if err := yaml.Load(data, &tree); err != nil || bytes.Contains(data, []byte("<<")) || bytes.ContainsRune(data, '\\') {
		return
	}
	if got, want := shape(&doc.Root), yamlShape(tree.Content[0]); got != want {
		t.Fatalf("differs from the library:\n got %s\nwant %s", got, want)
	}
}

func shape(n *Node) string {
	if n.Kind == Scalar {
		return fmt.Sprintf("%q", n.Text)
	}
	parts := make([]string, len(n.Items))
	for i := range n.Items {
		parts[i] = shape(&n.Items[i])
	}
	return fmt.Sprint(n.Kind, parts)
}

func yamlShape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.AliasNode:
		return yamlShape(n.Alias)
	case yaml.ScalarNode:
		return fmt.Sprintf("%q", n.Value)
	}
	kind := Mapping
	if n.Kind == yaml.SequenceNode {
		kind = Sequence
	}
	parts := make([]string, len(n.Content))
	for i := range n.Content {
		parts[i] = yamlShape(n.Content[i])
	}
	return fmt.Sprint(kind, parts)
}

// texts makes values of both readers comparable: numbers become text.
func texts(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, e := range v {
			m[k] = texts(e)
		}
		return m
	case []any:
		s := make([]any, len(v))
		for i, e := range v {
			s[i] = texts(e)
		}
		return s
	case float64:
		return formatFloat(v)
	case nil:
		return nil
	}
	return fmt.Sprint(v)
}

func TestReadErrorsAreProblems(t *testing.T) {
	var problems problem.List
	Read("f", []byte("a: ["), &problems)
	if p, ok := errors.AsType[*problem.Problem](problems.Err()); !ok || p.File != "f" || p.Line == 0 {
		t.Errorf("problem = %+v", p)
	}
}
