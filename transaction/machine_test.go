package transaction

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the traces in testdata")

// TestScripts plays the scripts in testdata: a line at the margin is an event
// (or a comment, or "no-verify"), the indented lines below it are the effects
// that the machine answers with.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(script))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(script), got); diff != "" {
				t.Errorf("trace (-want +got):\n%s", diff)
			}
		})
	}
}

// TestInterruptAnywhere puts an interruption before every event of every
// script: the machine must still come to one report, touch nothing after it,
// roll back whatever was applied, and not be stopped once it commits.
func TestInterruptAnywhere(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		script, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		events := events(t, string(script))
		for i := 1; i <= len(events); i++ {
			t.Run(fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(file), ".txt"), i), func(t *testing.T) {
				interruptBefore(t, strings.Contains(string(script), "no-verify"), events, i)
			})
		}
	}
}

func interruptBefore(t *testing.T, noVerify bool, events []Event, n int) {
	m := Machine{NoVerify: noVerify}
	var pending Effect
	for _, e := range events[:n] {
		for _, effect := range m.Step(e) {
			if effect != (Cancel{}) {
				pending = effect
			}
		}
	}
	at := m.Phase()
	if at == Done {
		if got := m.Step(Interrupted{errors.New("interrupted")}); len(got) != 0 {
			t.Fatalf("interrupted after the end: %v", got)
		}
		return
	}
	late := at == Committing || at == RollingBack || m.cause != nil
	if got := m.Step(Interrupted{errors.New("interrupted")}); late == (len(got) > 0) {
		t.Fatalf("interrupted while %s: %v", at, got)
	}
	var report *Report
	for range 10 {
		effects := m.Step(answer(pending))
		pending = effects[len(effects)-1]
		if r, ok := pending.(Report); ok {
			report = &r
			break
		}
	}
	want := map[Phase]Outcome{Preparing: Unchanged, Applying: RolledBack, Verifying: RolledBack, Committing: Applied, RollingBack: RolledBack}[at]
	if m.untouched {
		want = Unchanged
	}
	if report == nil || report.Outcome != want {
		t.Fatalf("interrupted while %s: report %v, want %s", at, report, want)
	}
	if (want == Applied) != (report.Err == nil) {
		t.Fatalf("interrupted while %s: error %v", at, report.Err)
	}
}

// answer is what happens when the effect works.
func answer(e Effect) Event {
	switch e.(type) {
	case TakeCheckpoint:
		return Checkpointed{}
	case Apply:
		return AppliedPlan{}
	case Verify:
		return Verified{Left: time.Hour}
	case Repair:
		return Repaired{}
	case Wait:
		return TimerFired{}
	case RollBack:
		return RolledBackTo{}
	case Release:
		return Released{}
	}
	panic(fmt.Sprintf("internal error: nobody answers %s", e))
}

func play(t *testing.T, script string) string {
	t.Helper()
	var out strings.Builder
	var m Machine
	for line := range strings.Lines(script) {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		out.WriteString(line)
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case line == "no-verify":
			m.NoVerify = true
		default:
			for _, effect := range m.Step(parse(t, line)) {
				fmt.Fprintf(&out, "  %s\n", effect)
			}
		}
	}
	return out.String()
}

func events(t *testing.T, script string) []Event {
	t.Helper()
	var events []Event
	for line := range strings.Lines(script) {
		margin := !strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "#")
		if line = strings.TrimSpace(line); margin && line != "" && line != "no-verify" {
			events = append(events, parse(t, line))
		}
	}
	return slices.Clip(events)
}

// parse reads an event: its name and then key=value, the values without blanks
// ("_" stands for one).
func parse(t *testing.T, line string) Event {
	t.Helper()
	fields := strings.Fields(line)
	var err error
	v := Verified{Left: time.Minute}
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		value = strings.ReplaceAll(value, "_", " ")
		switch key {
		case "err":
			err = errors.New(value)
		case "wrong":
			v.Wrong = append(v.Wrong, value)
		case "untouched":
		case "final":
			v.Final = true
		case "waiting", "minor":
			what, budget, _ := strings.Cut(value, "/")
			v.Waiting = append(v.Waiting, Waiting{What: what, Budget: duration(t, budget), Minor: key == "minor"})
		case "elapsed":
			v.Elapsed = duration(t, value)
		case "left":
			v.Left = duration(t, value)
		default:
			t.Fatalf("unknown key %q in %q", key, line)
		}
	}
	v.Err = err
	event, ok := map[string]Event{
		"start":        Started{},
		"checkpointed": Checkpointed{err},
		"applied":      AppliedPlan{Err: err, Untouched: slices.Contains(fields, "untouched")},
		"verified":     v,
		"repaired":     Repaired{err},
		"timer":        TimerFired{},
		"interrupted":  Interrupted{err},
		"released":     Released{err},
		"rolled-back":  RolledBackTo{err},
	}[fields[0]]
	if !ok {
		t.Fatalf("unknown event %q", fields[0])
	}
	return event
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
