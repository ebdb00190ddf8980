package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Version is the newest format that is known, of every file and of the
// directory. docs/store.md describes it.
const Version = 1

// head begins the content of every file.
type head struct {
	// Kind is what the file is: generation, outcome, journal or mark.
	Kind string `json:"kind"`
	// Version is the format's.
	Version int `json:"version"`
}

// The kinds of files.
const (
	kindGeneration = "generation"
	kindOutcome    = "outcome"
	kindJournal    = "journal"
	kindMark       = "mark"
)

// seal makes a file of content: its checksum, and itself with line breaks down
// to that depth.
func seal(content any, depth int) ([]byte, error) {
	var compact bytes.Buffer
	encoder := json.NewEncoder(&compact)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(content); err != nil {
		return nil, err
	}
	return wrap(bytes.TrimRight(compact.Bytes(), "\n"), depth), nil
}

// wrap puts content, JSON without white space, into a file.
func wrap(compact []byte, depth int) []byte {
	sum := sha256.Sum256(compact)
	out := make([]byte, 0, len(compact)+len(compact)/4+128)
	out = fmt.Appendf(out, "{\n  \"sha256\": \"%x\",\n  \"content\": ", sum)
	out = layout(out, compact, depth)
	return append(out, "\n}\n"...)
}

// unseal gives the content of a file without white space, and its head. The
// error says what is wrong with the file; it is a *VersionError if it is whole
// and too new.
func unseal(data []byte) ([]byte, head, error) {
	var envelope struct {
		SHA256  string          `json:"sha256"`
		Content json.RawMessage `json:"content"`
	}
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, head{}, errors.New("is empty")
	}
	if err := decode(data, &envelope); err != nil {
		return nil, head{}, err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, envelope.Content); err != nil {
		return nil, head{}, err
	}
	if sum := sha256.Sum256(compact.Bytes()); hex.EncodeToString(sum[:]) != envelope.SHA256 {
		return nil, head{}, errors.New("the checksum is wrong")
	}
	var h head
	if err := json.Unmarshal(compact.Bytes(), &h); err != nil {
		return nil, head{}, err
	}
	switch {
	case h.Version > Version:
		return nil, h, &VersionError{Version: h.Version}
	case h.Version < 1:
		return nil, h, fmt.Errorf("format version %d is unknown", h.Version)
	}
	return compact.Bytes(), h, nil
}

// open reads a file of a kind into content.
func open(data []byte, kind string, content any) error {
	compact, h, err := unseal(data)
	if err != nil {
		return err
	}
	if h.Kind != kind {
		return fmt.Errorf("is a %q, not a %s", h.Kind, kind)
	}
	return decode(compact, content)
}

// decode reads one JSON value that holds nothing unknown, and nothing behind it.
func decode(data []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows its end")
	}
	return nil
}

// layout appends JSON without white space, with line breaks where people look
// for them: between the members of objects down to that depth, and between the
// objects of a list. What lies deeper stays on its line: an interface, a route.
func layout(out, compact []byte, depth int) []byte {
	p := printer{out: out, broken: []bool{true}, depth: depth}
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; c {
		case '"':
			end := i + 1 + stringEnd(compact[i+1:])
			p.out = append(p.out, compact[i:end]...)
			i = end - 1
		case '{', '[':
			p.begin(c, compact[i+1])
		case '}', ']':
			p.end(c)
		case ',', ':':
			p.between(c)
		default:
			p.out = append(p.out, c)
		}
	}
	return p.out
}

// stringEnd is the place behind the quote that ends a JSON string.
func stringEnd(text []byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// A printer breaks JSON into lines.
type printer struct {
	out []byte
	// broken tells of each object and list that is open, from the outermost,
	// whether it has line breaks.
	broken []bool
	depth  int
}

// wide tells whether what is printed stands on lines of its own.
func (p *printer) wide() bool { return p.broken[len(p.broken)-1] }

func (p *printer) newline() {
	p.out = append(p.out, '\n')
	for range len(p.broken) {
		p.out = append(p.out, "  "...)
	}
}

func (p *printer) begin(c, next byte) {
	empty := next == '}' || next == ']'
	wanted := len(p.broken) <= p.depth || (c == '[' && next == '{')
	p.out = append(p.out, c)
	p.broken = append(p.broken, p.wide() && wanted && !empty)
	if p.wide() {
		p.newline()
	}
}

func (p *printer) end(c byte) {
	wide := p.wide()
	p.broken = p.broken[:len(p.broken)-1]
	if wide {
		p.newline()
	}
	p.out = append(p.out, c)
}

func (p *printer) between(c byte) {
	p.out = append(p.out, c)
	switch {
	case !p.wide():
	case c == ':':
		p.out = append(p.out, ' ')
	default:
		p.newline()
	}
}
