package probe

import (
	"strings"
	"unicode/utf8"

	"holdfast/internal/problem"
)

// maxText is the length of the longest probe that Parse looks at, in bytes: a
// URL of the customary longest sort and its options.
const maxText = 4096

// parser reads one probe.
type parser struct{ text string }

// Parse reads one probe: KIND[:WHAT][,OPTION=VALUE…][?]. An error is a
// *problem.Problem that names the probe, the character at fault (also as its
// Column; the Line is zero), the value, and what to write instead.
func Parse(text string) (Spec, error) {
	p := &parser{text: text}
	if err := p.plain(); err != nil {
		return Spec{}, err
	}
	word, at := p.word()
	k := kinds.find(Kind(word))
	if k == nil {
		return Spec{}, p.unknown(word)
	}
	s := Spec{Kind: k.name, Timeout: k.timeout, Retries: k.retries}
	rest, optional := strings.CutSuffix(text[at:], "?")
	body, list, listed := strings.Cut(rest, ",")
	what, marked := strings.CutSuffix(body, "?")
	s.Optional = optional || marked
	if err := p.body(k, at, what, &s); err != nil {
		return Spec{}, err
	}
	if listed {
		if err := p.options(k, at+len(body)+1, list, &s); err != nil {
			return Spec{}, err
		}
	}
	if err := p.linkLocal(at, &s); err != nil {
		return Spec{}, err
	}
	return s, nil
}

// plain refuses what cannot be a probe at all.
func (p *parser) plain() error {
	if p.text == "" {
		return &problem.Problem{Key: "probe", Message: "is empty", Hint: forms()}
	}
	if len(p.text) > maxText {
		return &problem.Problem{Key: "probe", Value: p.text, Message: "is too long"}
	}
	for i := range len(p.text) {
		if c := p.text[i]; c >= utf8.RuneSelf {
			return p.fault(i, "", "only plain ASCII is allowed", "write international names in their xn-- form")
		} else if c <= ' ' || c == 0x7f {
			return p.fault(i, "", "a space or control character", "several probes are several arguments")
		}
	}
	return nil
}

// word gives the kind, and where the rest begins. A bare URL is one of http.
func (p *parser) word() (word string, at int) {
	for _, scheme := range []string{"http://", "https://"} {
		if strings.HasPrefix(p.text, scheme) {
			return string(HTTP), 0
		}
	}
	at = strings.IndexAny(p.text, ":,?")
	if at < 0 {
		return p.text, len(p.text)
	}
	if p.text[at] == ':' {
		return p.text[:at], at + 1
	}
	return p.text[:at], at
}

// body reads what stands behind the colon.
func (p *parser) body(k *kind, at int, what string, s *Spec) error {
	colon := at > 0 && p.text[at-1] == ':'
	switch {
	case k.body == nil && colon:
		return p.fault(at-1, "", string(k.name)+" takes nothing behind it", "write "+string(k.name))
	case k.body == nil:
		return nil
	case what == "":
		return p.fault(at, "", "something is missing behind "+string(k.name), "write "+k.form)
	}
	return k.body(p, at, what, s)
}

// unknown is the fault of a kind that there is none of.
func (p *parser) unknown(word string) error {
	hint := problem.DidYouMean(word, kinds.names())
	if hint == "" {
		hint = p.looksLike(word)
	}
	if hint == "" {
		hint = forms()
	}
	return p.fault(0, word, "no kind of probe", hint)
}

// looksLike is a hint for a host that was given without a kind.
func (p *parser) looksLike(word string) string {
	bare := strings.TrimSuffix(p.text, "?")
	if isAddress(bare) {
		return `did you mean "ping:` + bare + `"?`
	}
	if !strings.Contains(word, ".") {
		return ""
	}
	if strings.Contains(bare, ":") {
		return `did you mean "tcp:` + bare + `"?`
	}
	return `did you mean "ping:` + bare + `"?`
}

// forms lists how probes are written.
func forms() string {
	list := make([]string, len(kinds))
	for i, k := range kinds {
		list[i] = k.form
	}
	return "a probe is " + strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// fault is an error at a byte of the text.
func (p *parser) fault(at int, value, message, hint string) error {
	column := utf8.RuneCountInString(p.text[:min(at, len(p.text))]) + 1
	return &problem.Problem{
		Key:     "probe " + problem.Printable(p.text) + ", character " + itoa(column),
		Column:  column,
		Value:   value,
		Message: message,
		Hint:    hint,
	}
}
