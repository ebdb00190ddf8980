package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"holdfast/state"
)

// reencode reads a file of any kind and writes it again.
func reencode(data []byte) ([]byte, error) {
	compact, h, err := unseal(data)
	if err != nil {
		return nil, err
	}
	switch h.Kind {
	case kindGeneration:
		g, err := decodeGeneration("file", data)
		if err != nil {
			return nil, err
		}
		return encodeGeneration(g)
	case kindOutcome:
		file, err := decodeEntry(data)
		if err != nil {
			return nil, err
		}
		return seal(file, wideDepth)
	case kindJournal:
		j, err := decodeJournal(data)
		if err != nil {
			return nil, err
		}
		return encodeJournal(j)
	case kindMark:
		m, err := decodeMark(data)
		if err != nil {
			return nil, err
		}
		return encodeMark(*m)
	}
	return nil, fmt.Errorf("%q is no kind: %s", h.Kind, compact)
}

// TestFlippedBits flips each bit of each kind of file: what is read is what was
// written, or nothing.
func TestFlippedBits(t *testing.T) {
	for _, sample := range samples(t) {
		for i := range len(sample.data) * 8 {
			flipped := bytes.Clone(sample.data)
			flipped[i/8] ^= 1 << (i % 8)
			again, err := reencode(flipped)
			if err == nil && !bytes.Equal(again, sample.data) {
				t.Errorf("%s: bit %d of byte %d flipped gives another content\n%s", sample.path, i%8, i/8, again)
			}
		}
	}
}

// TestCutShort reads each beginning of each kind of file, alone and followed by
// zeroes.
func TestCutShort(t *testing.T) {
	for _, sample := range samples(t) {
		whole := len(bytes.TrimSpace(sample.data))
		for n := range whole {
			for _, data := range [][]byte{sample.data[:n], append(bytes.Clone(sample.data[:n]), make([]byte, len(sample.data)-n)...)} {
				if _, err := reencode(data); err == nil {
					t.Errorf("%s: %d of %d bytes are read", sample.path, n, len(sample.data))
				}
			}
		}
	}
}

// TestWrongContent seals contents that must be refused although their checksum
// is right.
func TestWrongContent(t *testing.T) {
	meta := `"number":1,"transaction":"a","time":"2026-03-14T09:15:02Z","who":{"uid":0}`
	for content, want := range map[string]string{
		`{"kind":"generation","version":2,"new":{}}`:                                                "newer",
		`{"kind":"generation","version":0,` + meta + `,"running":{}}`:                               "version 0",
		`{"kind":"generation",` + meta + `,"running":{}}`:                                           "version 0",
		`{"kind":"generation","version":1,` + meta + `,"running":{},"colour":"red"}`:                `unknown field "colour"`,
		`{"kind":"generation","version":1,` + meta + `,"running":{"colour":"red"}}`:                 "colour",
		`{"kind":"generation","version":1,` + meta + `,"running":{},"persistent":{"colour":"red"}}`: "colour",
		`{"kind":"generation","version":1,` + meta + `}`:                                            "running",
		`{"kind":"generation","version":1,"number":0,"transaction":"a","running":{}}`:               "number 0",
		`{"kind":"generation","version":1,"number":1,"running":{}}`:                                 "no transaction",
		`{"kind":"outcome","version":1,` + meta + `}`:                                               "no outcome",
		`{"kind":"outcome","version":1,` + meta + `,"outcome":"rolled-back","took":"long"}`:         "long",
		`{"kind":"journal","version":1,` + meta + `,"checkpoint":{},"checkpoint-bytes":"AA=="}`:     "two checkpoints",
		`{"kind":"journal","version":1,"number":1}`:                                                 "no transaction",
		`{"kind":"mark","version":1,"transaction":"a","number":1,"phase":"committed"}`:              "none of a mark",
		`{"kind":"mark","version":1,"transaction":"a","number":"1","phase":"waiting"}`:              "number",
		`{"kind":"song","version":1}`:                                                               "no kind",
		`[]`:                                                                                        "array",
	} {
		if _, err := reencode(wrap([]byte(content), wideDepth)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
	good := samples(t)[0].data
	for name, data := range map[string][]byte{
		"is empty":      nil,
		"follows":       append(bytes.Clone(good), "{}"...),
		"checksum":      bytes.Replace(good, []byte("192.0.2.5"), []byte("192.0.2.6"), 1),
		"unknown field": bytes.Replace(good, []byte(`"sha256"`), []byte(`"sha257"`), 1),
	} {
		if _, err := reencode(data); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, want %q", err, name)
		}
	}
	if err := open(good, kindJournal, &journalFile{}); err == nil || !strings.Contains(err.Error(), "not a journal") {
		t.Errorf("a generation as a journal: %v", err)
	}
}

// TestVersionError keeps the kind of the fault.
func TestVersionError(t *testing.T) {
	_, err := decodeGeneration("file", wrap([]byte(`{"kind":"generation","version":7}`), wideDepth))
	if version, ok := errors.AsType[*VersionError](err); !ok || version.Version != 7 {
		t.Errorf("%v is not a *VersionError of 7", err)
	}
}

// TestStates stores every state that the cases of package state print, and reads it
// again, secrets included.
func TestStates(t *testing.T) {
	paths, err := filepath.Glob("../state/testdata/encode/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	paths = append(paths, "../examples")
	count := 0
	for _, path := range paths {
		for _, text := range documents(t, path) {
			s, err := state.Parse(path, text)
			if err != nil {
				continue // a case of something else
			}
			count++
			g := &Generation{Meta: sampleMeta(), Running: s, Persistent: s}
			data, err := encodeGeneration(g)
			if err != nil {
				t.Fatal(err)
			}
			got, err := decodeGeneration(path, data)
			if err != nil {
				t.Fatalf("%s: %v\n%s", path, err, data)
			}
			want := string(state.EncodeYAML(s, state.ShowSecrets()))
			for _, s := range []*state.State{got.Running, got.Persistent} {
				if diff := cmp.Diff(want, string(state.EncodeYAML(s, state.ShowSecrets()))); diff != "" {
					t.Errorf("%s (-stored +read)\n%s", path, diff)
				}
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d states were tried", count)
	}
}

// documents are the texts of a case, or the files of a directory.
func documents(t *testing.T, path string) [][]byte {
	t.Helper()
	if filepath.Ext(path) == ".txtar" {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var texts [][]byte
		for part := range strings.SplitSeq("\n"+string(data), "\n-- ") {
			if _, text, ok := strings.Cut(part, " --\n"); ok {
				texts = append(texts, []byte(text))
			}
		}
		return texts
	}
	files, err := filepath.Glob(filepath.Join(path, "*.y*ml"))
	if err != nil {
		t.Fatal(err)
	}
	var texts [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, data)
	}
	return texts
}

// TestSecretsAreStored looks for what show hides.
func TestSecretsAreStored(t *testing.T) {
	s, err := state.Parse("a", []byte(`{"interfaces":[{"name":"eth0","type":"ethernet","802.1x":{"identity":"me","password":"<pass&word>"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	data, err := encodeGeneration(&Generation{Meta: sampleMeta(), Running: s, Persistent: s})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("<pass&word>")) {
		t.Errorf("the secret is not stored as it is:\n%s", data)
	}
	if strings.Count(string(data), `"name":"eth0"`) != 1 {
		t.Errorf("a persistent state that is the running one is stored twice:\n%s", data)
	}
}

// TestCheckpointBytes keeps each checkpoint byte by byte, whatever it is.
func TestCheckpointBytes(t *testing.T) {
	for _, checkpoint := range []string{"", `{"a":1}`, `{ "a": 1 }`, `"\u003c<\u2028"`, "null", "\x00\xff", "12", "{}\n"} {
		j := sampleJournal()
		j.Checkpoint = []byte(checkpoint)
		data, err := encodeJournal(j)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeJournal(data)
		if err != nil {
			t.Fatalf("%q: %v\n%s", checkpoint, err, data)
		}
		if string(got.Checkpoint) != checkpoint {
			t.Errorf("%q became %q", checkpoint, got.Checkpoint)
		}
	}
	j := sampleJournal()
	j.Plan = json.RawMessage("{")
	if _, err := encodeJournal(j); err == nil {
		t.Error("a plan that is no JSON is taken")
	}
}

// TestLayout breaks lines without changing anything else.
func TestLayout(t *testing.T) {
	const compact = `{"a":[],"b":{},"c":[{"x":"{\"[,:\\"},{"y":[1,2]}],"d":[1,2],"e":{"f":[{"g":{"h":1}}]}}`
	const want = `{
    "a": [],
    "b": {},
    "c": [
      {"x":"{\"[,:\\"},
      {"y":[1,2]}
    ],
    "d": [1,2],
    "e": {"f":[{"g":{"h":1}}]}
  }`
	got := layout(nil, []byte(compact), narrowDepth)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var back bytes.Buffer
	if err := json.Compact(&back, layout(nil, []byte(compact), 100)); err != nil || back.String() != compact {
		t.Errorf("%v\n%s", err, back.String())
	}
}

// FuzzFile reads anything as a file: what can be read can be written and read
// again with the same result.
func FuzzFile(f *testing.F) {
	for _, sample := range samples(f) {
		f.Add(sample.data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { checkFile(t, data) })
}

// FuzzContent does the same behind a checksum that is right.
func FuzzContent(f *testing.F) {
	for _, sample := range samples(f) {
		compact, _, err := unseal(sample.data)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(compact)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var compact bytes.Buffer
		if json.Compact(&compact, data) == nil && compact.Len() > 0 {
			checkFile(t, wrap(compact.Bytes(), wideDepth))
		}
	})
}

func checkFile(t *testing.T, data []byte) {
	t.Helper()
	once, err := reencode(data)
	if err != nil {
		if err.Error() == "" {
			t.Error("an error that says nothing")
		}
		return
	}
	again, err := reencode(once)
	if err != nil {
		t.Fatalf("what was written cannot be read: %v\n%s", err, once)
	}
	if diff := cmp.Diff(string(once), string(again)); diff != "" {
		t.Errorf("written again it differs (-once +again)\n%s", diff)
	}
}

// FuzzName gives names of files back as they are.
func FuzzName(f *testing.F) {
	for _, name := range []string{"00000012.json", "00000012.prepared.json", "00000012.rolled-back.json", "123456789.json", "0.json", "00000012.json.tmp", "-0000001.json"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		number, part, ok := parseName(name)
		if ok && (fileName(number, part) != name || number < 1) {
			t.Errorf("%q is read as %d %q", name, number, part)
		}
	})
}

// TestCut keeps texts whole runes and short.
func TestCut(t *testing.T) {
	long := strings.Repeat("ä", maxError)
	if got := cut(long); len(got) > maxError+8 || !strings.HasPrefix(long, strings.TrimSuffix(got, " …")) {
		t.Errorf("%d bytes, ends with %q", len(got), got[len(got)-8:])
	}
	if cut("short") != "short" {
		t.Error("a short text was changed")
	}
}

// TestSpan writes durations as people read them.
func TestSpan(t *testing.T) {
	if text, _ := span(90 * time.Second).MarshalText(); string(text) != "1m30s" {
		t.Errorf("%s", text)
	}
}
