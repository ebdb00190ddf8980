package monitor

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"go.uber.org/goleak"

	"holdfast/state"
)

var update = flag.Bool("update", false, "rewrite the expected events")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// runCases runs every case of a folder: do gets its files by name and gives the
// events that the file "events" has.
func runCases(t *testing.T, dir string, do func(t *testing.T, files map[string]string) []Event) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files := map[string]string{}
			for _, f := range archive.Files {
				files[f.Name] = string(f.Data)
			}
			got := eventLines(t, do(t, files))
			if *update {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "events" })
				archive.Files = append(archive.Files, txtar.File{Name: "events", Data: []byte(got)})
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(files["events"], got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// eventLines are events as JSON, one on a line, without number and time.
func eventLines(t *testing.T, events []Event) string {
	t.Helper()
	var b strings.Builder
	for _, e := range events {
		b.WriteString(eventLine(t, e) + "\n")
	}
	return b.String()
}

func eventLine(t *testing.T, e Event) string {
	t.Helper()
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(e); err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(b.String(), `"event":`)
	if !ok {
		t.Fatalf("an event without a kind: %s", b.String())
	}
	return `{"event":` + strings.TrimSuffix(rest, "\n")
}

// host parses a state. Lines "#link NAME INDEX [carrier]", "#address NAME
// ADDRESS tentative|failed", "#route TEXT = PROTOCOL" and "#rule TEXT = PROTOCOL"
// in it are the facts that an engine would know.
func host(t *testing.T, name, text string) *state.State {
	t.Helper()
	s, err := state.Parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text) {
		if fact, ok := strings.CutPrefix(line, "#"); ok {
			if err := setFact(s, strings.TrimSpace(fact)); err != nil {
				t.Fatalf("%s: %q: %v", name, fact, err)
			}
		}
	}
	return s
}

func setFact(s *state.State, fact string) error {
	words := strings.Fields(fact)
	switch words[0] {
	case "link":
		i := s.Find(words[1])
		index, err := strconv.Atoi(words[2])
		if i == nil || err != nil {
			return fmt.Errorf("no such link, or no number: %w", err)
		}
		i.Facts = &state.Facts{Index: index, Carrier: len(words) > 3}
		return nil
	case "address":
		return setAddressFact(s.Find(words[1]), netip.MustParsePrefix(words[2]), words[3])
	}
	text, protocol, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(fact, words[0])), " = ")
	number, err := strconv.ParseUint(protocol, 10, 8)
	if err != nil {
		return err
	}
	if words[0] == "route" {
		r := findRoute(s.Routes, text)
		if r == nil {
			return fmt.Errorf("no such route")
		}
		r.Facts = &state.RouteFacts{Protocol: uint8(number)}
		return nil
	}
	at := slices.IndexFunc(s.Rules.Config, func(r *state.Rule) bool { return r.String() == text })
	if at < 0 {
		return fmt.Errorf("no such rule")
	}
	s.Rules.Config[at].Facts = &state.RuleFacts{Protocol: uint8(number)}
	return nil
}

func setAddressFact(i *state.Interface, prefix netip.Prefix, word string) error {
	for _, ip := range []*state.IP{&i.IPv4.IP, &i.IPv6.IP} {
		for n := range ip.Address {
			if a := &ip.Address[n]; a.Prefix() == prefix {
				a.Facts = &state.AddressFacts{Tentative: word == tentative, Failed: word == "failed"}
				return nil
			}
		}
	}
	return fmt.Errorf("no such address")
}

func TestDiff(t *testing.T) {
	runCases(t, "diff", func(t *testing.T, files map[string]string) []Event {
		before, after := host(t, "before", files["before"]), host(t, "after", files["after"])
		if same := append(Diff(before, before), Diff(after, after)...); len(same) > 0 {
			t.Errorf("a host differs from itself:\n%s", eventLines(t, same))
		}
		again := Diff(host(t, "after", files["after"]), after)
		if len(again) > 0 {
			t.Errorf("a host differs from the same read again:\n%s", eventLines(t, again))
		}
		return Diff(before, after)
	})
}

// TestDrift compares hosts, one after the other, with what is wanted. Routes in
// the file "hidden" are those that Show leaves out.
func TestDrift(t *testing.T) {
	runCases(t, "drift", func(t *testing.T, files map[string]string) []Event {
		want := host(t, "want", files["want"])
		var hidden []*state.Route
		if text := files["hidden"]; text != "" {
			hidden = host(t, "hidden", text).Routes.Config
		}
		var drift driftState
		var events []Event
		for n := 1; ; n++ {
			text, ok := files["host "+strconv.Itoa(n)]
			if !ok {
				break
			}
			found := drifted(want, host(t, "host", text))
			events = append(events, drift.next(7, found, func([]netip.Prefix) []*state.Route { return hidden })...)
		}
		return events
	})
}
