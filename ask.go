package holdfast

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"

	"holdfast/engine"
	"holdfast/internal/door"
	"holdfast/transaction"
)

// doorName is the socket in the run directory where the process that carries a
// change can be spoken to.
const doorName = "transaction.sock"

// errNobody says that no process carries the change that can be asked.
var errNobody = errors.New("nobody carries the change")

// question is what is asked of the process that carries a change.
type question struct {
	// Answer is "confirm" or "rollback".
	Answer string `json:"answer"`
	// Transaction is the one that is meant; empty is the one under way.
	Transaction string `json:"transaction,omitempty"`
	// Who asks, in one line.
	Who string `json:"who"`
}

// reply is the answer.
type reply struct {
	Outcome     Outcome  `json:"outcome"`
	Transaction string   `json:"transaction"`
	Generation  int      `json:"generation,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
	// Nobody is set when the change had ended already.
	Nobody bool   `json:"nobody,omitempty"`
	Kind   Kind   `json:"kind,omitempty"`
	Error  string `json:"error,omitempty"`
	Hint   string `json:"hint,omitempty"`
}

// enter makes a transaction known to Confirm and Rollback of this process and,
// by the door, of others. leave must be called when it is done.
func (h *Host) enter(run *transaction.Run) (leave func()) {
	h.mu.Lock()
	h.run = run
	h.mu.Unlock()
	shut := h.open()
	return func() {
		shut()
		h.mu.Lock()
		h.run = nil
		h.mu.Unlock()
	}
}

// open opens the door for other processes, unless the host is in this one's
// memory.
func (h *Host) open() (shut func()) {
	if _, own := h.engine.(locker); own {
		return func() {}
	}
	opened, err := door.Open(filepath.Join(h.options.RunDir, doorName), func(ctx context.Context, who door.Peer, text json.RawMessage) any {
		return h.hear(ctx, who, text)
	})
	if err != nil {
		h.logger.Warn("other processes cannot confirm this change", "err", err)
		return func() {}
	}
	return func() { _ = opened.Close() }
}

// underway is the transaction of this process, nil if none.
func (h *Host) underway() *transaction.Run {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.run
}

// hear answers a question of another process.
func (h *Host) hear(ctx context.Context, who door.Peer, text json.RawMessage) *reply {
	var q question
	if err := json.Unmarshal(text, &q); err != nil {
		return &reply{Kind: engine.Invalid, Error: err.Error()}
	}
	if q.Who == "" {
		q.Who = who.Name()
	}
	result, err := h.askHere(ctx, q)
	if errors.Is(err, errNobody) {
		return &reply{Nobody: true}
	}
	out := &reply{}
	if result != nil {
		out.Outcome, out.Transaction, out.Generation, out.Warnings = result.Outcome, result.Transaction, result.Generation, result.Warnings
	}
	if err != nil {
		out.Kind, out.Error = KindOf(err), err.Error()
		if fault, ok := errors.AsType[*engine.Error](err); ok {
			out.Hint = fault.Hint
		}
	}
	return out
}

// askHere answers for a transaction of this process.
func (h *Host) askHere(ctx context.Context, q question) (*Result, error) {
	run := h.underway()
	if run == nil {
		return nil, errNobody
	}
	id := q.Transaction
	if id == "" {
		if over(run) {
			return nil, nothing()
		}
		id = run.ID()
	}
	var done *transaction.Result
	var err error
	switch q.Answer {
	case "confirm":
		done, err = run.Confirm(ctx, id, q.Who)
	case "rollback":
		done, err = run.RollBack(ctx, id, q.Who)
	default:
		err = &engine.Error{Kind: engine.Invalid, Err: errors.New("there is no such question: " + q.Answer)}
	}
	if done == nil {
		return nil, err
	}
	return (&Result{}).with(done, 0), err
}

// over tells whether a transaction has ended that is known here for a moment
// longer: nobody means it who asks for the pending one.
func over(run *transaction.Run) bool {
	select {
	case <-run.Done():
		return true
	default:
		return false
	}
}

// ask asks whoever carries the pending change: this process or, by the door,
// another. The error is errNobody if there is none.
func (h *Host) ask(ctx context.Context, q question) (*Result, error) {
	if _, own := h.engine.(locker); own || h.underway() != nil {
		return h.askHere(ctx, q)
	}
	var answer reply
	err := door.Ask(ctx, filepath.Join(h.options.RunDir, doorName), q, &answer)
	if errors.Is(err, door.ErrClosed) || err == nil && answer.Nobody {
		return nil, errNobody
	}
	if err != nil {
		return &Result{Outcome: transaction.UnknownOutcome}, &engine.Error{Op: "ask who carries the change", Kind: engine.Internal, Err: err}
	}
	result := &Result{
		Outcome: answer.Outcome, Transaction: answer.Transaction, Generation: answer.Generation, Warnings: answer.Warnings,
	}
	if answer.Error != "" {
		return result, &engine.Error{Kind: answer.Kind, Hint: answer.Hint, Err: errors.New(answer.Error)}
	}
	return result, nil
}
