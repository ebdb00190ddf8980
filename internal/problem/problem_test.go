package problem

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestProblemText(t *testing.T) {
	tests := []struct {
		name    string
		problem Problem
		want    string
	}{
		{"whole", Problem{File: "a.yml", Line: 3, Column: 7, Key: "interfaces[0].mtu", Value: "big", Message: "not a whole number", Hint: "give bytes"},
			"a.yml:3:7: interfaces[0].mtu: not a whole number (big)\nhint: give bytes"},
		{"no position", Problem{File: "a.yml", Message: "the document is empty"}, "a.yml: the document is empty"},
		{"no file", Problem{Line: 3, Column: 7, Message: "tab"}, "line 3:7: tab"},
		{"no column", Problem{File: "a.yml", Line: 3, Message: "tab"}, "a.yml:3: tab"},
		{"message alone", Problem{Message: "odd"}, "odd"},
		{"control characters", Problem{Message: "odd", Value: "a\x1b[31mb"}, `odd ("a\x1b[31mb")`},
		{"long value", Problem{Message: "odd", Value: strings.Repeat("x", 100)}, "odd (" + strings.Repeat("x", 60) + "…)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.problem.Text(); got != tt.want {
				t.Errorf("Text() = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestListSortsAndJoins(t *testing.T) {
	var l List
	if l.Err() != nil {
		t.Fatal("an empty list is no error")
	}
	l.Add(&Problem{File: "a", Line: 9, Column: 1, Message: "last", Hint: "h"})
	l.AddError(fmt.Errorf("wrapped: %w", &Problem{File: "a", Line: 2, Column: 5, Message: "second"}))
	l.Add(&Problem{File: "a", Line: 2, Column: 1, Message: "first"})
	l.Add(&Problem{File: "a", Line: 2, Column: 1, Message: "first"})
	err := l.Err()
	if got, want := err.Error(), "a:2:1: first\na:2:5: second\na:9:1: last"; got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if got, want := Text(fmt.Errorf("read: %w", err)), "a:2:1: first\na:2:5: second\na:9:1: last\nhint: h"; got != want {
		t.Errorf("Text() = %q, want %q", got, want)
	}
	if p, ok := errors.AsType[*Problem](err); !ok || p.Message != "first" {
		t.Errorf("errors.As finds %v", p)
	}
}

func TestListIsCut(t *testing.T) {
	var l List
	for i := range maxShown + 7 {
		l.Add(&Problem{Line: i + 1, Message: "odd"})
	}
	if got := l.Err().Error(); !strings.HasSuffix(got, "\nand 7 more problems") {
		t.Errorf("Error() ends in %q", got[len(got)-30:])
	}
}

func TestSuggest(t *testing.T) {
	keys := []string{"name", "type", "state", "mtu", "mac-address", "ipv4", "ipv6", "link-aggregation", "bridge", "port"}
	for word, want := range map[string]string{
		"nmae": "name", "sate": "state", "MTU": "mtu", "mtuu": "mtu", "mac_address": "mac-address",
		"ip4": "ipv4", "link": "link-aggregation", "ip": "", "link-agregation": "link-aggregation", "brigde": "bridge", "ports": "port",
		"quux": "", "": "", "x": "", "controller": "",
	} {
		if got := Suggest(word, keys); got != want {
			t.Errorf("Suggest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := DidYouMean("nmae", keys); got != `did you mean "name"?` {
		t.Errorf("DidYouMean = %q", got)
	}
}
