package transaction

import "fmt"

// world is what outlives a process: the host, the state directory and the run
// directory, as far as a transaction changes them.
type world struct {
	// kernel and files are what the host is: as it was, as was asked for, or
	// something between. A restart of the host makes the kernel anew.
	kernel, files condition
	// journal is the phase in the journal on disk, empty for none.
	journal Phase
	// generation tells whether the change is the newest generation.
	generation bool
	// unsynced is set when a power cut may take the generation away.
	unsynced bool
	// outcome is what was written of a change that is not kept.
	outcome Outcome
	// mark and attempts are in the run directory.
	mark     Phase
	attempts int
	// restarted is set when the host was started anew since the journal was
	// written.
	restarted bool
}

type condition string

const (
	isOld condition = "old"
	isMid condition = "half-way"
	isNew condition = "new"
)

func newWorld() world { return world{kernel: isOld, files: isOld} }

// half does a part of an effect; ok is false for those that happen wholly or
// not at all.
func (w *world) half(e Effect) (ok bool) {
	switch e.(type) {
	case Apply, Repair, RollBack:
		w.become(isMid)
		return true
	}
	return false
}

func (w *world) become(c condition) { w.kernel, w.files = c, c }

// do does an effect as its answer tells it went; nil for one that worked.
func (w *world) do(e Effect, answer Event) {
	failed := failure(answer)
	switch e := e.(type) {
	case Apply, Repair:
		w.applied(answer)
	case RollBack:
		w.become(isOld)
		if failed {
			w.become(isMid)
		}
	case Prepare:
		w.write(failed, Preparing)
	case Begin:
		w.write(failed, Applying)
	case Mark:
		if !failed {
			w.mark, w.attempts = e.Phase, e.Attempts
		}
	case Commit:
		w.unsynced = visible(answer)
		w.generation = !failed || w.unsynced
	case Fail:
		if !failed {
			w.generation, w.unsynced, w.outcome = false, false, e.Outcome
		}
	case Finish, Drop:
		if !failed {
			w.journal, w.mark, w.attempts = "", "", 0
		}
	}
}

func (w *world) write(failed bool, phase Phase) {
	if !failed {
		w.journal = phase
	}
}

func (w *world) applied(answer Event) {
	a, ok := answer.(AppliedPlan)
	switch {
	case ok && a.Untouched:
	case failure(answer):
		w.become(isMid)
	default:
		w.become(isNew)
	}
}

// restartHost is what a power cut does: the kernel's part and the run directory
// are gone.
func (w *world) restartHost() {
	w.kernel, w.mark, w.attempts, w.restarted = isOld, "", 0, true
}

// found is what the next process reads, if anything is pending: the outcome
// counts more than the mark of a rollback, that more than the generation, and
// that more than the journal.
func (w *world) found(ahead bool) (Restarted, bool) {
	e := Restarted{Phase: w.journal, SameBoot: !w.restarted, DeadlineAhead: ahead, Attempts: w.attempts}
	switch {
	case w.outcome != "" && w.outcome != RollbackFailed:
		e.Phase, e.Outcome = Done, w.outcome
	case w.mark == RollingBack || w.outcome != "":
		e.Phase = RollingBack
	case w.generation:
		e.Phase = Committing
	case w.mark == Waiting && w.journal == Applying:
		e.Phase = Waiting
	}
	return e, w.journal != ""
}

// restore is what boot does in the end: it applies the newest generation.
func (w *world) restore() {
	if w.generation && w.restarted {
		w.become(isNew)
	}
}

// verdict is what is wrong with a world that a recovery has left; waiting is
// whether it may still wait.
func (w *world) verdict(waiting bool) error {
	want := isOld
	if w.generation || waiting {
		want = isNew
	}
	switch {
	case w.kernel != want || w.files != want:
		return fmt.Errorf("the host is %s and its files %s, want %s", w.kernel, w.files, want)
	case waiting && (w.mark != Waiting || w.journal != Applying || w.generation):
		return fmt.Errorf("it waits, and on record is %+v", *w)
	case !waiting && (w.journal != "" || w.mark != ""):
		return fmt.Errorf("something is pending: %+v", *w)
	}
	return nil
}

// failure tells whether an answer is one of an effect that did not work.
func failure(answer Event) bool {
	switch a := answer.(type) {
	case AppliedPlan:
		return a.Err != nil
	case Repaired:
		return a.Err != nil
	case RolledBackTo:
		return a.Err != nil
	case Prepared:
		return a.Err != nil
	case Begun:
		return a.Err != nil
	case Marked:
		return a.Err != nil
	case Committed:
		return a.Err != nil
	case Recorded:
		return a.Err != nil
	case Finished:
		return a.Err != nil
	case Dropped:
		return a.Err != nil
	}
	return false
}

// visible tells whether a commit that failed left its generation in sight.
func visible(answer Event) bool {
	c, ok := answer.(Committed)
	return ok && c.Err != nil && c.Err.Error() == seen
}

// seen is the error of a commit whose directory could not be synced after the
// rename.
const seen = "sync the generations: input/output error"
