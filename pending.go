package holdfast

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"holdfast/engine"
	"holdfast/internal/door"
	"holdfast/store"
	"holdfast/transaction"
)

// errNothing says that no change is pending.
var errNothing = errors.New("no change is pending")

// nothing is the answer to who asks for the pending change when there is none.
func nothing() error {
	return &engine.Error{Kind: engine.NotFound, Err: errNothing, Hint: "`holdfast history` lists what was changed"}
}

// PendingChange is a change that has not ended.
type PendingChange struct {
	// Transaction and Generation name it.
	Transaction string
	Generation  int
	// Who asked for it, when, and what for.
	Who     Who
	Time    time.Time
	Purpose string
	// Phase is how far it is.
	Phase store.Phase
	// Left is the time to confirm it, 0 if it does not wait for that.
	Left time.Duration
	// Attempts counts the rollbacks that were begun.
	Attempts int
	// Owner tells in one line who carries it; empty if nobody does any more.
	Owner string
}

// Pending tells which change has not ended; nil if none. It touches nothing.
func (h *Host) Pending(ctx context.Context) (*PendingChange, error) {
	j, err := h.store.Pending()
	if err != nil || j == nil {
		return nil, storeError("read the journal", err)
	}
	owner, err := h.Holder(ctx)
	if err != nil {
		return nil, err
	}
	p := &PendingChange{
		Transaction: j.Transaction, Generation: j.Number, Who: j.Who, Time: j.Time, Purpose: j.Purpose,
		Phase: j.Phase, Attempts: j.Attempts, Owner: owner,
	}
	if j.Phase == store.Waiting && j.Deadline > 0 {
		p.Left = max(0, time.Duration(j.Deadline)-transaction.BootTime())
	}
	return p, nil
}

// begin takes the lock and brings to an end what a process left behind that is
// gone; the warnings tell what that came to.
func (h *Host) begin(ctx context.Context, purpose string) (release func() error, warnings []string, err error) {
	release, err = h.lock(ctx, purpose)
	if err != nil {
		return nil, nil, err
	}
	left, err := h.takeUp(ctx, takeUp{})
	if err == nil && left != nil {
		warnings = append(warnings, left.warning())
		if left.Outcome == Pending || left.Outcome == RollbackFailed {
			err = left.refusal()
		}
	}
	if err != nil {
		_ = release()
		return nil, nil, err
	}
	return release, warnings, nil
}

// Recovery is what became of a change that another process left behind.
type Recovery struct {
	// Result tells the outcome.
	*Result
	// Err is why it was not kept; nil if it was.
	Err error
	// Left is the time to confirm it, when the outcome is Pending.
	Left time.Duration
}

// warning tells it in one sentence.
func (r *Recovery) warning() string {
	text := fmt.Sprintf("an earlier change (transaction %s) was left behind: it is %s", r.Transaction, r.Outcome)
	if r.Err != nil {
		text += ": " + r.Err.Error()
	}
	return text
}

// refusal is why no other change can begin.
func (r *Recovery) refusal() error {
	if r.Outcome == Pending {
		return &engine.Error{
			Kind: engine.Busy, Err: fmt.Errorf("transaction %s waits for another %s to be confirmed", r.Transaction, r.Left.Round(time.Second)),
			Hint: "`holdfast confirm` keeps it, `holdfast rollback` undoes it",
		}
	}
	return &engine.Error{
		Kind: engine.Conflict, Err: fmt.Errorf("an earlier change, transaction %s, could not be rolled back: %w", r.Transaction, r.Err),
		Hint: "`holdfast rollback` tries again, `holdfast rollback --abandon` leaves the host as it is",
	}
}

// takeUp says how to take up what is pending.
type takeUp struct {
	// wait stays with a change that waits for confirmation, until its end.
	wait bool
	// answer is what a person asked for: "confirm" or "rollback".
	answer, who string
	// id is the transaction that is meant; empty is the pending one.
	id string
}

// takeUp brings to an end what is pending, nil if nothing is. The lock is held,
// so that whoever carried it is gone. A change that waits for its confirmation
// goes on waiting, and nobody stays with it unless told so.
func (h *Host) takeUp(ctx context.Context, how takeUp) (*Recovery, error) {
	j, err := h.store.Pending()
	switch {
	case err != nil:
		return nil, storeError("read the journal", err)
	case j == nil:
		return nil, h.clean()
	case how.id != "" && how.id != j.Transaction:
		return nil, otherTransaction(how.id, j.Transaction)
	case j.Namespace != "" && j.Namespace != h.namespace && j.Boot == bootID():
		return nil, &engine.Error{
			Kind: engine.Conflict, Err: fmt.Errorf("the state directory %s has a change pending in another network namespace (%s)", h.options.StateDir, j.Namespace),
			Hint: "give each namespace a state directory of its own (--state-dir)",
		}
	}
	restart := restartOf(j, how.answer != "")
	if waiting(restart) && !how.wait && how.answer == "" {
		left := restart.Deadline - transaction.BootTime()
		return &Recovery{Result: &Result{Outcome: Pending, Transaction: j.Transaction, Generation: j.Number}, Left: left}, nil
	}
	return h.recover(ctx, j, restart, how)
}

// clean removes what a process left behind that was killed before its change was
// on record, or after its end. The lock is held.
func (h *Host) clean() error {
	if _, own := h.engine.(locker); !own {
		door.Forget(filepath.Join(h.options.RunDir, doorName))
	}
	return storeError("clean the state directory", h.store.Clean())
}

// waiting tells whether the change may go on waiting.
func waiting(r transaction.Restart) bool {
	return r.Phase == transaction.Waiting && r.SameBoot && (r.Deadline == 0 || r.Deadline > transaction.BootTime())
}

// restartOf is what the journal says, in the transaction's words.
func restartOf(j *store.Journal, asked bool) transaction.Restart {
	phases := map[store.Phase]transaction.Phase{
		store.Prepared: transaction.Preparing, store.Applying: transaction.Applying, store.Waiting: transaction.Waiting,
		store.RollingBack: transaction.RollingBack, store.Committed: transaction.Committing, store.Ended: transaction.Done,
	}
	return transaction.Restart{
		Phase: phases[j.Phase], Outcome: Outcome(j.Outcome), SameBoot: j.Boot == bootID(), Checkpoint: j.Checkpoint,
		Deadline: time.Duration(j.Deadline), Attempts: j.Attempts, Asked: asked,
	}
}

// recover carries the recovery out.
func (h *Host) recover(ctx context.Context, j *store.Journal, restart transaction.Restart, how takeUp) (*Recovery, error) {
	h.logger.Info("take up what is pending", "transaction", j.Transaction, "phase", string(j.Phase), "attempts", j.Attempts)
	runner := transaction.Runner{Engine: h.engine, Logger: h.logger}
	recorder := &recorder{store: h.store, namespace: h.namespace, meta: j.Meta, number: j.Number}
	run := runner.Recover(ctx, transaction.Job{ID: j.Transaction, Recorder: recorder}, restart)
	leave := h.enter(run)
	defer leave()
	if how.answer != "" && waiting(restart) {
		<-run.Settled()
		answer := run.RollBack
		if how.answer == "confirm" {
			answer = run.Confirm
		}
		if _, err := answer(ctx, j.Transaction, how.who); err != nil && run.Result().Outcome == transaction.Pending {
			run.Leave(ctx)
			return nil, err
		}
	}
	<-run.Done()
	done := run.Result()
	result := (&Result{}).with(done, j.Number)
	return &Recovery{Result: result, Err: done.Err}, nil
}

// Recover brings to an end what a process left behind that is gone: what had
// begun is rolled back, what was committed is finished, what waits for
// confirmation goes on waiting. With wait set it stays with the latter until
// its end, so that the clock is heard. nil means that nothing was pending. The
// error is of kind busy if somebody carries it.
func (h *Host) Recover(ctx context.Context, wait bool) (*Recovery, error) {
	release, err := h.lock(ctx, "recover")
	if err != nil {
		return nil, err
	}
	defer func() { _ = release() }()
	return h.takeUp(ctx, takeUp{wait: wait})
}

// Confirm keeps the pending change, in whichever process it is carried; id is
// its transaction, or empty. The answer comes when the outcome is on disk. The
// error is of kind not-found if there is no such change, conflict if it is too
// early or too late.
func (h *Host) Confirm(ctx context.Context, id string, who Who) (*Result, error) {
	return h.answer(ctx, question{Answer: "confirm", Transaction: id, Who: asker(who)})
}

// Rollback undoes the pending change, in whichever process it is carried; id is
// its transaction, or empty. A rollback that failed is tried again. The answer
// comes when the outcome is on disk.
func (h *Host) Rollback(ctx context.Context, id string, who Who) (*Result, error) {
	return h.answer(ctx, question{Answer: "rollback", Transaction: id, Who: asker(who)})
}

// Abandon sets a pending change aside that cannot be rolled back: the host
// stays as it is. It returns where the journal lies.
func (h *Host) Abandon(ctx context.Context) (path string, err error) {
	release, err := h.lock(ctx, "abandon")
	if err != nil {
		return "", err
	}
	defer func() { _ = release() }()
	path, err = h.store.Abandon()
	if errors.Is(err, store.ErrNothing) {
		return "", &engine.Error{Kind: engine.NotFound, Err: errNothing}
	}
	return path, storeError("set the journal aside", err)
}

// answer asks the process that carries the change; if there is none, this one
// takes it up.
func (h *Host) answer(ctx context.Context, q question) (*Result, error) {
	result, err := h.ask(ctx, q)
	if err == nil || errors.Is(err, errNobody) {
		h.awaitRelease(ctx)
	}
	if !errors.Is(err, errNobody) {
		return result, err
	}
	unchanged := &Result{Outcome: Unchanged}
	release, err := h.lock(ctx, q.Answer)
	if err != nil {
		return unchanged, err
	}
	defer func() { _ = release() }()
	left, err := h.takeUp(ctx, takeUp{answer: q.Answer, who: q.Who, id: q.Transaction})
	switch {
	case err != nil:
		return unchanged, err
	case left == nil:
		return unchanged, nothing()
	case q.Answer == "rollback" && left.Outcome == RolledBack:
		return left.Result, nil
	}
	return left.Result, left.Err
}

// awaitRelease waits until the process that carried the change has let go of the
// lock, so that the next command is not refused for a change that is over. Another change
// may have begun since, or its owner be held up: the wait is short and bounded.
func (h *Host) awaitRelease(ctx context.Context) {
	const most, pause = 2 * time.Second, 2 * time.Millisecond
	first, err := h.Holder(ctx)
	for end := time.Now().Add(most); err == nil && first != "" && time.Now().Before(end) && ctx.Err() == nil; {
		time.Sleep(pause)
		var now string
		if now, err = h.Holder(ctx); now != first {
			return
		}
	}
}

func otherTransaction(id, pending string) error {
	return &engine.Error{
		Kind: engine.NotFound, Hint: "the pending transaction is " + pending,
		Err: fmt.Errorf("there is no pending transaction %q", id),
	}
}

// asker is who answers, in one line.
func asker(who Who) string {
	if who == (Who{}) {
		who = caller()
	}
	return strings.TrimSpace(who.User + " " + who.Command)
}

// bootID is the kernel's id of this boot (random(4)).
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
