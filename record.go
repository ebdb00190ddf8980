package holdfast

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
	"time"

	"holdfast/plan"
	"holdfast/state"
	"holdfast/store"
	"holdfast/transaction"
)

// Who asked for a change.
type Who = store.Who

// sets are what a generation holds: the configuration that holdfast answers
// for, as it is in force and as it comes back after a boot. Both may be the same
// State, and neither is ever changed.
type sets struct{ running, persistent *state.State }

// none is what holdfast answers for before the first change.
func none() *state.State { return &state.State{} }

// owned are the sets of the newest generation.
func (h *Host) owned() (sets, error) {
	newest, damages, err := h.store.Newest()
	if err != nil {
		return sets{}, storeError("read the newest generation", err)
	}
	for _, d := range damages {
		h.logger.Warn("a generation is damaged and left out", "file", d.Path, "err", d.Err)
	}
	if newest == nil {
		nothing := none()
		return sets{nothing, nothing}, nil
	}
	return sets{newest.Running, newest.Persistent}, nil
}

func (s sets) equal(other sets) bool {
	return sameText(s.running, other.running) && sameText(s.persistent, other.persistent)
}

// sameText tells whether two sets are written alike: what a generation that is
// read again cannot tell apart does not count.
func sameText(a, b *state.State) bool {
	return a == b || string(state.EncodeJSON(a, state.ShowSecrets())) == string(state.EncodeJSON(b, state.ShowSecrets()))
}

// after are the sets once the target is reached.
func (s sets) after(target *state.Target, current *state.State, temporary bool) (sets, error) {
	next := sets{target.OwnedSet(s.running, current), s.persistent}
	switch {
	case temporary:
		return next, nil
	case s.persistent == s.running:
		next.persistent = next.running
		return next, nil
	}
	next.persistent = target.OwnedSet(s.persistent, current)
	if err := state.CheckPersistent(next.running, next.persistent); err != nil {
		return sets{}, err
	}
	return next, nil
}

// say tells whether the sets say already what a document says, and answer for
// what it names.
func (s sets) say(target *state.Target, temporary bool) bool {
	says := func(set *state.State) bool {
		known := make(map[string]bool, len(set.Interfaces))
		for _, i := range set.Interfaces {
			known[i.Name] = true
		}
		unknown := func(name string) bool { return !known[name] }
		return !slices.ContainsFunc(target.Owned, unknown) && len(state.Compare(target.Desired, set)) == 0
	}
	return says(s.running) && (temporary || s.persistent == s.running || says(s.persistent))
}

// recorder keeps a transaction on record in the store.
type recorder struct {
	store     *store.Store
	meta      store.Meta
	namespace string
	// asked is the request, and steps the plan; nil is a plan without steps.
	asked, steps encoded
	// generation is what is to become the newest one.
	generation *store.Generation
	// number is the generation's, once it is prepared.
	number int
	// foreign is set when the pending transaction is another one.
	foreign bool
}

var _ transaction.Recorder = (*recorder)(nil)

// Prepare writes the generation and the journal.
func (r *recorder) Prepare(record transaction.Record) error {
	asked, err := r.asked()
	if err != nil {
		return err
	}
	steps, err := r.steps()
	if err != nil {
		return err
	}
	j := &store.Journal{
		Meta: r.meta, Boot: bootID(), Namespace: r.namespace, Owner: os.Getpid(),
		Request: asked, Plan: steps, Checkpoint: record.Checkpoint,
		ConfirmWithin: record.ConfirmWithin, Deadline: int64(record.Deadline),
	}
	err = r.store.Prepare(j, r.generation)
	r.number = j.Number
	_, r.foreign = errors.AsType[*store.PendingError](err)
	return err
}

// Begin writes that the host is about to be changed.
func (r *recorder) Begin() error { return r.store.Begin() }

// Mark notes a phase in the run directory.
func (r *recorder) Mark(phase transaction.Phase, deadline time.Duration, attempts int) error {
	mark := store.Waiting
	if phase == transaction.RollingBack {
		mark = store.RollingBack
	}
	return r.store.Mark(mark, int64(deadline), attempts)
}

// Commit makes the change the newest generation.
func (r *recorder) Commit() error { return r.store.Commit() }

// Fail writes down how the change ended.
func (r *recorder) Fail(outcome transaction.Outcome, cause error, took time.Duration) error {
	return r.store.Fail(store.Outcome(outcome), cause, took)
}

// Finish closes the journal.
func (r *recorder) Finish() error { return r.store.Finish() }

// Drop takes a transaction that changed nothing off the record.
func (r *recorder) Drop() error {
	if r.foreign {
		return nil
	}
	if err := r.store.Drop(); !errors.Is(err, store.ErrNothing) {
		return err
	}
	return nil
}

// note makes the sets a generation without changing the host: what a document
// names is ours from then on, also where the host is as it says already.
func (r *recorder) note(engine string) error {
	r.meta.Engine = engine
	if err := r.Prepare(transaction.Record{}); err != nil {
		return err
	}
	for _, step := range []func() error{r.Begin, r.Commit, r.Finish} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// caller is the user and the command line of this process.
func caller() Who {
	who := Who{UID: os.Getuid(), Via: "library"}
	if u, err := user.LookupId(strconv.Itoa(who.UID)); err == nil {
		who.User = u.Username
	}
	return who
}

// namespace names the network namespace of the calling thread; empty if the
// kernel does not tell.
func namespace() string {
	name, err := os.Readlink("/proc/thread-self/ns/net")
	if err != nil {
		return ""
	}
	return name
}

// maxSummary is how many lines of what changed a generation keeps.
const maxSummary = 100

// summary tells what a plan changes, a line for each thing.
func summary(p *plan.Plan) []string {
	what := map[string]string{}
	var order []string
	for i := range p.Steps {
		s := &p.Steps[i]
		word := ""
		switch s.Verb {
		case plan.CreateLink:
			word = "made"
			if what[s.Object] == "removed" {
				word = "made anew"
			}
		case plan.RemoveLink:
			word = "removed"
		case plan.AddRoute, plan.AddRule:
			word = "added"
		case plan.RemoveRoute, plan.RemoveRule:
			word = "removed"
		}
		if _, known := what[s.Object]; !known {
			order = append(order, s.Object)
			what[s.Object] = "changed"
		}
		if word != "" {
			what[s.Object] = word
		}
	}
	lines := make([]string, 0, min(len(order), maxSummary)+1)
	for n, object := range order {
		if n == maxSummary {
			return append(lines, fmt.Sprintf("and %d more", len(order)-n))
		}
		lines = append(lines, object+" "+what[object])
	}
	return lines
}
