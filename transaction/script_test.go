package transaction

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// script is a course of a transaction: the machine's options, how it begins,
// and how effects are answered that are not simply answered with success. Its
// text is
//
//	# What it is about.
//	with journal probes confirm attended no-verify
//	restarted phase=applying boot=same
//	apply: applied err=bond0:_no_such_device
//	----
//	the trace: an event at the margin, and the effects that it leads to, indented
//
// Without a line that begins it it starts anew. Several answers of one effect
// are used one after the other; an event that is not the effect's own answer (an
// interruption) comes while it is under way.
type script struct {
	name    string
	head    string
	trace   string
	machine Machine
	first   string
	answers []reply
}

type reply struct{ effect, event string }

const separator = "----\n"

// scripts reads the ones of a folder below testdata.
func scripts(t *testing.T, folders ...string) []*script {
	t.Helper()
	var list []*script
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no scripts in %s: %v", folder, err)
		}
		for _, file := range files {
			list = append(list, readScript(t, file))
		}
	}
	return list
}

func readScript(t *testing.T, file string) *script {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Base(filepath.Dir(file))
	s := &script{name: folder + "/" + strings.TrimSuffix(filepath.Base(file), ".txt"), first: "start"}
	var found bool
	if s.head, s.trace, found = strings.Cut(string(text), separator); !found {
		t.Fatalf("%s has no %q", file, separator)
	}
	for line := range strings.Lines(s.head) {
		s.read(t, strings.TrimSpace(line))
	}
	return s
}

func (s *script) read(t *testing.T, line string) {
	t.Helper()
	effect, event, isReply := strings.Cut(line, ": ")
	switch {
	case line == "" || strings.HasPrefix(line, "#"):
	case strings.HasPrefix(line, "with "):
		for _, option := range strings.Fields(line)[1:] {
			s.option(t, option)
		}
	case strings.HasPrefix(line, "restarted"):
		s.first = line
	case isReply:
		s.answers = append(s.answers, reply{effect, event})
	default:
		t.Fatalf("%s: what is %q?", s.name, line)
	}
}

func (s *script) option(t *testing.T, option string) {
	t.Helper()
	switch option {
	case "journal":
		s.machine.Journal = true
	case "probes":
		s.machine.Probes = true
	case "confirm":
		s.machine.Confirm = true
	case "attended":
		s.machine.Attended = true
	case "no-verify":
		s.machine.NoVerify = true
	default:
		t.Fatalf("%s: there is no option %q", s.name, option)
	}
}

// act is one event of a course and what it led to.
type act struct {
	event   Event
	line    string
	effects []Effect
}

// play goes through the whole course and gives its acts. Each effect that has
// no answer in the script works; one that waits for somebody ends the course if
// nobody comes.
func (s *script) play(t *testing.T) []act {
	t.Helper()
	m, left := s.machine, slices.Clone(s.answers)
	acts := []act{step(t, &m, s.first)}
	pending := underWay(acts[0].effects, nil)
	for range 200 {
		line, ok := next(&left, pending)
		if !ok {
			if len(left) > 0 {
				t.Fatalf("%s: nobody needs the answers %q", s.name, left)
			}
			return acts
		}
		a := step(t, &m, line)
		acts = append(acts, a)
		pending = underWay(a.effects, pending)
	}
	t.Fatalf("%s does not end", s.name)
	return nil
}

func step(t *testing.T, m *Machine, line string) act {
	t.Helper()
	e := parse(t, line)
	return act{event: e, line: line, effects: m.Step(e)}
}

// next is the event that comes while an effect is under way.
func next(left *[]reply, pending Effect) (line string, ok bool) {
	key := keyOf(pending)
	for i, r := range *left {
		if r.effect == key {
			*left = slices.Delete(*left, i, i+1)
			return r.event, true
		}
	}
	line, ok = successes[key]
	return line, ok
}

// successes are what is answered when an effect works.
var successes = map[string]string{
	"probe before":      "probed",
	"probe after":       "probed",
	"probe back":        "probed",
	"checkpoint":        "checkpointed",
	"prepare":           "prepared",
	"begin":             "begun",
	"apply":             "applied",
	"verify":            "verified",
	"repair":            "repaired",
	"wait":              "timer",
	"mark waiting":      "marked",
	"mark rolling back": "marked",
	"commit":            "committed",
	"reopen":            "reopened",
	"roll back":         "rolled-back",
	"release":           "released",
	"fail":              "recorded",
	"finish":            "finished",
	"drop":              "dropped",
}

// keyOf names an effect without what varies.
func keyOf(e Effect) string {
	switch e := e.(type) {
	case Wait:
		return "wait"
	case Fail:
		return "fail"
	case Report:
		return "report"
	case Mark:
		if e.Phase == Waiting {
			return "mark waiting"
		}
		return "mark rolling back"
	}
	return e.String()
}

// underWay is the effect that an answer is due for after these; before is the
// one that was.
func underWay(effects []Effect, before Effect) Effect {
	for _, e := range effects {
		switch e.(type) {
		case Enter, Cancel, Refuse:
		default:
			before = e
		}
	}
	return before
}

// traceOf writes acts down.
func traceOf(acts []act) string {
	var out strings.Builder
	for _, a := range acts {
		out.WriteString(a.line + "\n")
		for _, effect := range a.effects {
			fmt.Fprintf(&out, "  %s\n", effect)
		}
	}
	return out.String()
}

// parse reads an event: its name and then key=value, the values without blanks
// ("_" stands for one).
func parse(t *testing.T, line string) Event {
	t.Helper()
	fields := strings.Fields(line)
	values := map[string][]string{}
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		values[key] = append(values[key], strings.ReplaceAll(value, "_", " "))
	}
	maker, ok := makers[fields[0]]
	if !ok {
		t.Fatalf("unknown event %q", fields[0])
	}
	return maker(t, words(values))
}

// words are what stands behind an event's name.
type words map[string][]string

func (w words) err() error {
	if text := w.text("err"); text != "" {
		return errors.New(text)
	}
	return nil
}

func (w words) text(key string) string {
	if len(w[key]) == 0 {
		return ""
	}
	return w[key][0]
}

func (w words) is(key string) bool { return w[key] != nil }

func (w words) duration(t *testing.T, key string, otherwise time.Duration) time.Duration {
	t.Helper()
	if !w.is(key) {
		return otherwise
	}
	return duration(t, w.text(key))
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// makers make the events.
var makers = map[string]func(t *testing.T, w words) Event{
	"start":          func(*testing.T, words) Event { return Started{} },
	"restarted":      makeRestarted,
	"probed":         func(_ *testing.T, w words) Event { return Probed{w.err(), w["wrong"], w["warning"]} },
	"checkpointed":   func(_ *testing.T, w words) Event { return Checkpointed{w.err()} },
	"prepared":       func(_ *testing.T, w words) Event { return Prepared{w.err()} },
	"begun":          func(_ *testing.T, w words) Event { return Begun{w.err()} },
	"applied":        func(_ *testing.T, w words) Event { return AppliedPlan{w.err(), w.is("untouched")} },
	"verified":       makeVerified,
	"repaired":       func(_ *testing.T, w words) Event { return Repaired{w.err()} },
	"timer":          func(*testing.T, words) Event { return TimerFired{} },
	"marked":         func(_ *testing.T, w words) Event { return Marked{w.err()} },
	"committed":      func(_ *testing.T, w words) Event { return Committed{w.err()} },
	"released":       func(_ *testing.T, w words) Event { return Released{w.err()} },
	"reopened":       func(_ *testing.T, w words) Event { return Reopened{w.err()} },
	"rolled-back":    func(_ *testing.T, w words) Event { return RolledBackTo{w.err()} },
	"recorded":       func(_ *testing.T, w words) Event { return Recorded{w.err()} },
	"finished":       func(_ *testing.T, w words) Event { return Finished{w.err()} },
	"dropped":        func(_ *testing.T, w words) Event { return Dropped{w.err()} },
	"interrupted":    func(_ *testing.T, w words) Event { return Interrupted{w.err()} },
	"confirmed":      func(_ *testing.T, w words) Event { return Confirmed{w.text("who")} },
	"rollback-asked": func(_ *testing.T, w words) Event { return RollbackAsked{w.text("who")} },
	"deadline":       func(_ *testing.T, w words) Event { return DeadlinePassed{w.err()} },
	"left":           func(*testing.T, words) Event { return Left{} },
}

func makeVerified(t *testing.T, w words) Event {
	t.Helper()
	v := Verified{
		Err: w.err(), Wrong: w["wrong"], Final: w.is("final"),
		Elapsed: w.duration(t, "elapsed", 0), Left: w.duration(t, "left", time.Minute),
	}
	for _, key := range []string{"waiting", "minor"} {
		for _, value := range w[key] {
			what, budget, _ := strings.Cut(value, "/")
			v.Waiting = append(v.Waiting, Outstanding{What: what, Budget: duration(t, budget), Minor: key == "minor"})
		}
	}
	return v
}

// recordedPhases are the phases by the words of scripts.
var recordedPhases = map[string]Phase{
	"preparing": Preparing, "applying": Applying, "waiting": Waiting, "rolling-back": RollingBack, "committing": Committing, "done": Done,
}

func makeRestarted(t *testing.T, w words) Event {
	t.Helper()
	phase, ok := recordedPhases[w.text("phase")]
	if !ok {
		t.Fatalf("no transaction is found %q", w.text("phase"))
	}
	e := Restarted{
		Phase: phase, SameBoot: w.text("boot") == "same", OwnerAlive: w.is("owner"),
		DeadlineAhead: w.is("ahead"), Asked: w.is("asked"), Outcome: Outcome(w.text("outcome")),
	}
	if w.is("attempts") {
		var err error
		if e.Attempts, err = strconv.Atoi(w.text("attempts")); err != nil {
			t.Fatal(err)
		}
	}
	return e
}
