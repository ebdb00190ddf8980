package transaction

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the traces in testdata")

// TestScripts plays the scripts in testdata and compares their traces.
func TestScripts(t *testing.T) {
	for _, s := range scripts(t, "plain", "journal", "recovery") {
		t.Run(s.name, func(t *testing.T) {
			golden(t, filepath.Join("testdata", s.name+".txt"), s.head+separator+s.trace, s.head+separator+traceOf(s.play(t)))
		})
	}
}

// golden compares what a file holds with what it should, or rewrites it.
func golden(t *testing.T, file, want, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace (-want +got):\n%s", diff)
	}
}

// TestOutcomeIsTheWorlds plays every script against a world and holds the report
// against what became of it.
func TestOutcomeIsTheWorlds(t *testing.T) {
	for _, s := range scripts(t, "journal") {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld()
			var pending, last Effect
			for _, a := range s.play(t) {
				if !outside(a.event) && pending != nil {
					w.do(pending, a.event)
				}
				pending = underWay(a.effects, pending)
				if _, ok := pending.(Report); ok && last == nil {
					last = pending
				}
			}
			if report, ok := last.(Report); ok {
				holdAgainst(t, report, w)
			} else if err := w.verdict(true); err != nil {
				t.Errorf("still waiting: %v", err)
			}
		})
	}
}

// holdAgainst checks that a report tells the truth, and that nothing is pending
// that it does not tell of.
func holdAgainst(t *testing.T, report Report, w world) {
	t.Helper()
	want := map[Outcome]condition{Unchanged: isOld, RolledBack: isOld, RollbackFailed: isMid, Applied: isNew, Pending: isNew}[report.Outcome]
	if w.kernel != want {
		t.Errorf("%s, and the host is %s", report, w.kernel)
	}
	if w.generation != (report.Outcome == Applied) && !w.unsynced {
		t.Errorf("%s, and on record is %+v", report, w)
	}
	open := report.Outcome == RollbackFailed || report.Outcome == Pending || len(report.Warnings) > 0
	if w.journal != "" && !open {
		t.Errorf("%s, and the journal is open without a word: %+v", report, w)
	}
	if kept := report.Outcome == Applied || report.Outcome == Pending; kept != (report.Err == nil) {
		t.Errorf("%s: error %v", report, report.Err)
	}
}

// TestInterruptAnywhere puts every event from outside before every event of every
// script: the machine must still come to one report, touch nothing after it, go
// back where it can, and not be stopped once it commits.
func TestInterruptAnywhere(t *testing.T) {
	for _, s := range scripts(t, "plain", "journal", "recovery") {
		acts := s.play(t)
		for n := 1; n <= len(acts); n++ {
			for _, e := range []Event{
				Interrupted{errors.New("interrupted")}, DeadlinePassed{errors.New("late")},
				RollbackAsked{"somebody"}, Confirmed{"somebody"}, Left{},
			} {
				if err := interrupt(s.machine, acts[:n], e); err != nil {
					t.Errorf("%s: %T after %d events: %v", s.name, e, n, err)
				}
			}
		}
	}
}

// interrupt replays acts, lets e come, and answers everything with success.
func interrupt(m Machine, acts []act, e Event) error {
	w, pending := replay(&m, acts)
	at := m.Phase()
	report, err := toTheEnd(&m, &w, underWay(m.Step(e), pending))
	switch {
	case err != nil || at == Done:
		return err
	case report == nil && (len(m.warnings) > 0 || !m.Journal):
		return nil // the mark could not be written, and that is told
	case report == nil:
		return w.verdict(true)
	case at == Committing && m.attempts == 0 && report.Outcome != Applied:
		return errors.New("stopped while committing: " + report.String())
	}
	if want, ok := meant[report.Outcome]; ok && w.kernel != want {
		return errors.New(report.String() + ", and the host is " + string(w.kernel))
	}
	return nil
}

// replay lets a machine and a world go through acts, and gives what is under way
// then.
func replay(m *Machine, acts []act) (w world, pending Effect) {
	w = newWorld()
	if restarted, ok := acts[0].event.(Restarted); ok {
		w = worldOf(restarted)
	}
	for _, a := range acts {
		if !outside(a.event) && pending != nil {
			w.do(pending, a.event)
		}
		m.Step(a.event)
		pending = underWay(a.effects, pending)
	}
	return w, pending
}

// meant is what outcomes say of the host.
var meant = map[Outcome]condition{Unchanged: isOld, RolledBack: isOld, Applied: isNew}

// toTheEnd answers every effect with success until the report, or until the
// machine waits for somebody, which is nil.
func toTheEnd(m *Machine, w *world, pending Effect) (*Report, error) {
	for range 50 {
		switch e := pending.(type) {
		case Report:
			return &e, nil
		case AwaitAnswer:
			return nil, nil
		}
		answer := succeed(pending)
		w.do(pending, answer)
		pending = underWay(m.Step(answer), nil)
	}
	return nil, errors.New("it does not end")
}

// worldOf is a world in which a process finds what it starts with.
func worldOf(e Restarted) world {
	w := world{journal: e.Phase, attempts: e.Attempts}
	w.become(isMid)
	switch e.Phase {
	case Preparing:
		w.become(isOld)
	case Waiting:
		w.journal, w.mark = Applying, Waiting
		w.become(isNew)
	case RollingBack:
		w.journal, w.mark = Applying, RollingBack
	case Committing:
		w.journal, w.generation = Applying, true
		w.become(isNew)
	case Done:
		w.journal, w.outcome = Applying, e.Outcome
		w.become(isOld)
	}
	return w
}

// outside tells whether an event answers no effect.
func outside(e Event) bool {
	switch e.(type) {
	case Interrupted, Confirmed, RollbackAsked, DeadlinePassed, Left:
		return true
	}
	return false
}

// succeed is what happens when the effect works.
func succeed(e Effect) Event {
	switch keyOf(e) {
	case "verify":
		return Verified{}
	case "wait":
		return TimerFired{}
	}
	return e.(task).failed(nil)
}

// readIfThere reads a file that need not be there.
func readIfThere(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}

// TestNothingIsWrittenBetween holds every script against the order of writing:
// between the first change and the end of applying or rolling back there are
// marks only, and the journal is closed only after the outcome is on disk.
func TestNothingIsWrittenBetween(t *testing.T) {
	for _, s := range scripts(t, "journal", "recovery") {
		o := &order{}
		for _, a := range s.play(t) {
			o.hear(a.event)
			for _, effect := range a.effects {
				if problem := o.see(effect); problem != "" {
					t.Errorf("%s: %s", s.name, problem)
				}
			}
		}
	}
}

// order is what may be written now.
type order struct {
	// changing is set while the host is half-way, settled when the outcome is on
	// disk.
	changing, settled bool
}

func (o *order) hear(e Event) {
	switch e := e.(type) {
	case Restarted:
		o.changing = e.Phase == Applying || e.Phase == RollingBack
		o.settled = e.Phase == Committing || e.Phase == Done
	case RolledBackTo, Reopened:
		o.changing = false
	case Committed, Recorded:
		o.settled = !failure(e)
	}
}

func (o *order) see(effect Effect) (problem string) {
	switch effect.(type) {
	case Apply, Repair, RollBack:
		o.changing = true
	case Commit: // all that was to be changed is, and was looked at
		o.changing = false
	case Prepare, Begin, Drop, Fail:
		if o.changing {
			return effect.String() + " while the host is half-way"
		}
	case Finish:
		if !o.settled {
			return "the journal is closed before the outcome is on disk"
		}
	}
	return ""
}
