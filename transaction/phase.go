package transaction

// Phase is how far a transaction is, in words for people.
type Phase string

// The phases, in the order in which a transaction goes through them. From
// each but Done it may go to RollingBack; from Committing only when what was to
// be written could not be.
const (
	// Preparing probes, takes the checkpoint and writes both down; nothing is
	// changed. In a journal it means that nothing was.
	Preparing Phase = "preparing"
	// Applying carries the plan out.
	Applying Phase = "applying"
	// Verifying reads back and waits for what is asynchronous.
	Verifying Phase = "verifying"
	// Probing asks again what must be reachable.
	Probing Phase = "probing"
	// Waiting waits for somebody to confirm.
	Waiting Phase = "waiting for confirmation"
	// Committing keeps the change; in a journal it means that the change was
	// kept.
	Committing Phase = "committing"
	// RollingBack takes the host back to the checkpoint.
	RollingBack Phase = "rolling back"
	// Done is the end.
	Done Phase = "done"
)

// Occasion is when something is probed.
type Occasion string

// The occasions.
const (
	// Before the first change: what is not reachable now need not be later.
	Before Occasion = "before"
	// After the change was verified.
	After Occasion = "after"
	// Back is after a rollback; it only informs.
	Back Occasion = "back"
)

// Outcome is what became of the host; the list is closed and crosses the API.
type Outcome string

// The outcomes.
const (
	// Unchanged says that the host was not touched.
	Unchanged Outcome = "unchanged"
	// Applied says that the change is in force and verified.
	Applied Outcome = "applied"
	// Pending says that the change is in force and waits to be confirmed.
	Pending Outcome = "pending"
	// RolledBack says that the change failed and the host is as it was.
	RolledBack Outcome = "rolled-back"
	// RollbackFailed says that the change failed and the host is not as it
	// was; the error tells in what it differs.
	RollbackFailed Outcome = "rollback-failed"
	// UnknownOutcome says that nobody knows, because the answer was lost.
	UnknownOutcome Outcome = "unknown"
)
