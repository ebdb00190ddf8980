package probe

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"holdfast/internal/problem"
)

// The limits of what options may say: less than minTimeout is no time on a
// busy network, and more than the others is a mistake.
const (
	minTimeout = 100 * time.Millisecond
	maxTimeout = 10 * time.Minute
	maxRetries = 100
)

// recordTypes are those that dns may ask for.
var recordTypes = []string{"A", "AAAA", "CAA", "CNAME", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SRV", "SVCB", "TXT"}

// option is one of those that may follow a probe.
type option struct {
	name string
	// values are told in completion, example in hints.
	values  []string
	example string
	// read sets the value; what it returns says what the value is not.
	read func(value string, s *Spec) (problem string)
	// text is the inverse; empty when it is the kind's default.
	text func(s Spec, k *kind) string
}

// options are all options, in the order in which String writes them.
var options = []option{
	{name: "interface", example: "interface=eth0", read: readInterface, text: textInterface},
	{name: "status", example: "status=204", values: []string{"200", "204"}, read: readStatus, text: textStatus},
	{name: "verify", example: "verify=no", values: []string{"no", "yes"}, read: readVerify, text: textVerify},
	{name: "type", example: "type=MX", values: recordTypes, read: readType,
		text: func(s Spec, _ *kind) string { return s.Type }},
	{name: "timeout", example: "timeout=3s", values: []string{"3s", "10s", "30s"}, read: readTimeout, text: textTimeout},
	{name: "retries", example: "retries=2", values: []string{"0", "2", "5"}, read: readRetries, text: textRetries},
}

// options reads the list behind the first comma.
func (p *parser) options(k *kind, at int, list string, s *Spec) error {
	var seen []string
	for item := range strings.SplitSeq(list, ",") {
		name, value, assigned := strings.Cut(item, "=")
		if name == "retry" {
			name = "retries"
		}
		o := findOption(name)
		switch {
		case o == nil || !k.allows(name):
			return p.unknownOption(k, at, name)
		case !assigned || value == "":
			return p.fault(at, item, "an option without a value", "write "+o.example)
		case slices.Contains(seen, name):
			return p.fault(at, item, "this option is given twice", "")
		}
		seen = append(seen, name)
		if wrong := o.read(value, s); wrong != "" {
			return p.fault(at+len(item)-len(value), value, wrong, "write "+o.example)
		}
		at += len(item) + 1
	}
	return nil
}

func findOption(name string) *option {
	for i := range options {
		if options[i].name == name {
			return &options[i]
		}
	}
	return nil
}

func (p *parser) unknownOption(k *kind, at int, name string) error {
	if o := findOption(name); o != nil {
		return p.fault(at, name, string(k.name)+" has no such option", "it has "+strings.Join(k.allowed(), ", "))
	}
	hint := problem.DidYouMean(name, k.allowed())
	if hint == "" {
		hint = "the options are " + strings.Join(k.allowed(), ", ")
	}
	if k.name == HTTP {
		hint += "; a comma of the URL itself is written %2C"
	}
	return p.fault(at, name, "no such option", hint)
}

func readTimeout(value string, s *Spec) string {
	d, err := time.ParseDuration(value)
	if err != nil {
		return "not a length of time"
	}
	if d < minTimeout || d > maxTimeout {
		return "not from 100ms to 10m"
	}
	s.Timeout = d
	return ""
}

func readRetries(value string, s *Spec) string {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > maxRetries {
		return "not a number from 0 to 100"
	}
	s.Retries = n
	return ""
}

func readStatus(value string, s *Spec) string {
	n, err := strconv.Atoi(value)
	if err != nil || n < 200 || n > 599 {
		return "not an HTTP status from 200 to 599"
	}
	s.Status = n
	return ""
}

func readVerify(value string, s *Spec) string {
	if value != "yes" && value != "no" {
		return "neither yes nor no"
	}
	s.Insecure = value == "no"
	return ""
}

func readType(value string, s *Spec) string {
	if value = strings.ToUpper(value); !slices.Contains(recordTypes, value) {
		return "not a type of record that can be asked for"
	}
	s.Type = value
	return ""
}

func readInterface(value string, s *Spec) string {
	switch wrong := badInterface(value); {
	case wrong != "":
		return wrong
	case s.Interface != "" && s.Interface != value:
		return "another interface than the one behind the % sign"
	}
	s.Interface = value
	return ""
}

func textTimeout(s Spec, k *kind) string {
	if s.Timeout == k.timeout {
		return ""
	}
	text := s.Timeout.String()
	if strings.HasSuffix(text, "m0s") {
		return strings.TrimSuffix(text, "0s")
	}
	return text
}

func textRetries(s Spec, k *kind) string {
	if s.Retries == k.retries {
		return ""
	}
	return itoa(s.Retries)
}

func textStatus(s Spec, _ *kind) string {
	if s.Status == 0 {
		return ""
	}
	return itoa(s.Status)
}

func textVerify(s Spec, _ *kind) string {
	if s.Insecure {
		return "no"
	}
	return ""
}

// textInterface is for the kinds that do not write it behind the host.
func textInterface(s Spec, k *kind) string {
	if k.name == HTTP || k.name == DNS {
		return s.Interface
	}
	return ""
}

func itoa(n int) string { return strconv.Itoa(n) }
