package transaction

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestCrashAnywhere cuts every script in the midst of and after each of its
// effects, lets the next process find what is on record, on the same boot or
// another, with time left to confirm or without, and checks that the host ends as
// it was or as was asked for, with nothing pending. That process dies after each
// of its effects too, and so does the one after it. The traces of the first one
// are in testdata/crash.
func TestCrashAnywhere(t *testing.T) {
	total := &crashes{seen: map[place]fate{}}
	for _, s := range scripts(t, "journal") {
		t.Run(s.name, func(t *testing.T) {
			got := crashEach(t, s, total)
			file := filepath.Join("testdata", "crash", filepath.Base(s.name)+".txt")
			golden(t, file, readIfThere(t, file), got)
		})
	}
	t.Logf("%d crashes of first processes, %d of those that recover", total.first, total.later)
}

// crashes counts, and remembers what came of a world already seen.
type crashes struct {
	first, later int
	seen         map[place]fate
}

type place struct {
	world world
	in    circumstances
	depth int
}

type fate struct {
	text  string
	err   error
	later int
}

// crashEach is the report of one script: each place to die at, and what the next
// process does then. Places with the same report stand together.
func crashEach(t *testing.T, s *script, total *crashes) string {
	t.Helper()
	w := newWorld()
	var out strings.Builder
	var places []string
	var said string
	note := func(place string, w world) {
		total.first++
		now := recoveries(t, s.name+", "+place, w, total)
		if now != said && len(places) > 0 {
			fmt.Fprintf(&out, "%s\n%s", strings.Join(places, ", "), said)
			places = nil
		}
		places, said = append(places, place), now
	}
	note("at first", w)
	var pending Effect
	for _, a := range s.play(t) {
		if effect, ok := pending.(task); ok && !outside(a.event) {
			half := w
			if half.half(effect) {
				note("in "+keyOf(effect), half)
			}
			w.do(effect, a.event)
			note("after "+keyOf(effect), w)
		}
		pending = underWay(a.effects, pending)
	}
	fmt.Fprintf(&out, "%s\n%s", strings.Join(places, ", "), said)
	return out.String()
}

// circumstances are what a process may find when it comes.
type circumstances struct {
	name            string
	sameBoot, ahead bool
	renameLost      bool
}

var allCircumstances = []circumstances{
	{name: "same boot, time left", sameBoot: true, ahead: true},
	{name: "same boot, too late", sameBoot: true},
	{name: "other boot", ahead: true},
	{name: "other boot, rename lost", renameLost: true},
}

// recoveries tells what the next process does in each of the circumstances.
func recoveries(t *testing.T, place string, w world, total *crashes) string {
	t.Helper()
	names, said := map[string][]string{}, []string{}
	for _, c := range allCircumstances {
		if c.renameLost && !w.unsynced {
			continue
		}
		text, err := recoverOnce(w, c, total, 2)
		if err != nil {
			t.Errorf("%s, %s: %v", place, c.name, err)
		}
		if names[text] == nil {
			said = append(said, text)
		}
		names[text] = append(names[text], c.name)
	}
	var out strings.Builder
	for _, text := range said {
		who := strings.Join(names[text], "; ")
		if len(said) == 1 {
			who = "always"
		}
		fmt.Fprintf(&out, "  %s: %s\n", who, text)
	}
	return out.String()
}

// recoverOnce is what the next process does: its effects in one line, and what
// the host is afterwards. It dies after each effect as well, depth times.
func recoverOnce(w world, c circumstances, total *crashes, depth int) (string, error) {
	at, before := place{w, c, depth}, total.later
	known, ok := total.seen[at]
	if ok {
		total.later += known.later
		return known.text, known.err
	}
	text, err := recoverNow(w, c, total, depth)
	total.seen[at] = fate{text, err, total.later - before}
	return text, err
}

func recoverNow(w world, c circumstances, total *crashes, depth int) (string, error) {
	if !c.sameBoot {
		w.restartHost()
		w.generation = w.generation && !c.renameLost
		w.unsynced = false
	}
	first, pending := w.found(c.ahead)
	if !pending {
		w.restore()
		return "nothing on record: the host is " + string(w.kernel), w.verdict(false)
	}
	return recovered(w, first, total, depth)
}

func recovered(w world, first Restarted, total *crashes, depth int) (string, error) {
	m := Machine{Journal: true}
	var done []string
	effects := m.Step(first)
	for range 20 {
		effect := underWay(effects, nil)
		done = append(done, briefly(effect))
		switch e := effect.(type) {
		case AwaitAnswer:
			return strings.Join(done, ", ") + ": the host is " + string(w.kernel), answered(m, w)
		case Report:
			err := judge(e, &w, first, total)
			return strings.Join(done, ", ") + ": the host is " + string(w.kernel), err
		}
		if err := dieAgain(w, effect, total, depth); err != nil {
			return "", fmt.Errorf("%s: %w", strings.Join(done, ", "), err)
		}
		answer := succeed(effect)
		w.do(effect, answer)
		effects = m.Step(answer)
	}
	return "", fmt.Errorf("does not end: %s", done)
}

// briefly names an effect without its error.
func briefly(e Effect) string {
	switch e := e.(type) {
	case Report:
		return "report " + string(e.Outcome)
	case Fail:
		return "fail " + string(e.Outcome)
	}
	return e.String()
}

// judge checks the end of a recovery. One that has been begun too often is asked
// for by a person then.
func judge(report Report, w *world, first Restarted, total *crashes) error {
	if report.Outcome == RollbackFailed && first.Attempts >= automaticAttempts && !first.Asked {
		first.Asked = true
		_, err := recovered(*w, first, total, 0)
		return err
	}
	w.restore()
	return w.verdict(false)
}

// dieAgain lets the process die in the midst of an effect and after it, and
// another one come, on this boot or the next.
func dieAgain(w world, effect Effect, total *crashes, depth int) error {
	if depth == 0 {
		return nil
	}
	half, after := w, w
	worlds := []world{w}
	if half.half(effect) {
		worlds = append(worlds, half)
	}
	after.do(effect, nil)
	worlds = append(worlds, after)
	for _, w := range worlds {
		for _, next := range allCircumstances[:3] {
			total.later++
			if text, err := recoverOnce(w, next, total, depth-1); err != nil {
				return fmt.Errorf("then died at %q, and then %s: %s: %w", effect, next.name, text, err)
			}
		}
	}
	return nil
}

// answered checks the ways that a recovered wait can end.
func answered(m Machine, w world) error {
	if err := w.verdict(true); err != nil {
		return err
	}
	for _, e := range []Event{Confirmed{"somebody"}, RollbackAsked{"somebody"}, DeadlinePassed{errOwned}, Left{}, Interrupted{errOwned}} {
		m, w := m, w
		m.warnings = slices.Clone(m.warnings)
		report, err := toTheEnd(&m, &w, underWay(m.Step(e), AwaitAnswer{}))
		if err != nil {
			return err
		}
		if err := w.verdict(report == nil || report.Outcome == Pending); err != nil {
			return fmt.Errorf("%T: %w", e, err)
		}
	}
	return nil
}
