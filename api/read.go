package api

import (
	"encoding/json"
	"time"

	"holdfast/plan"
	"holdfast/state"
	"holdfast/store"
)

// Document is a file that says what is desired. Messages name it.
type Document struct {
	Name string `json:"name"`
	// Text is YAML or JSON in nmstate's schema.
	Text string `json:"text"`
}

// Desired is what is asked for: State, or documents that are one change.
type Desired struct {
	State     json.RawMessage `json:"state,omitempty" doc:"a document in nmstate's schema"`
	Documents []Document      `json:"documents,omitempty"`
}

// Shown is the answer of show.
type Shown struct {
	// State is the document in nmstate's schema.
	State json.RawMessage `json:"state"`
	// Age is how many seconds ago the host was read: more than nothing while
	// somebody's change keeps it from being read at once.
	Age float64 `json:"age"`
	// Facts tell by interface what the schema has no words for.
	Facts map[string]Facts `json:"facts,omitempty"`
}

// Facts are what the engine knows of an interface.
type Facts struct {
	Carrier       bool `json:"carrier"`
	Foreign       bool `json:"foreign,omitempty"`
	BaseElsewhere bool `json:"base-elsewhere,omitempty"`
	// Failed lists addresses that somebody else on the network has, too.
	Failed []string `json:"failed,omitempty"`
}

// PlanRequest asks what would change.
type PlanRequest struct {
	Desired
	Force bool `json:"force,omitempty"`
	// Text is "plain" or "color" to have the plan for people, too.
	Text string `json:"text,omitempty" enum:"plain,color"`
}

// Planned is the answer of plan.
type Planned struct {
	// Plan is what `holdfast plan -o json` prints.
	Plan *plan.Document `json:"plan"`
	// Differences tell in what the host is not as desired.
	Differences []state.Difference `json:"differences"`
	Text        string             `json:"text,omitempty"`
}

// Drift is the answer of drift.
type Drift struct {
	Differences []state.Difference `json:"differences"`
	// Generation is what the host is compared with.
	Generation int `json:"generation"`
}

// Damage is a file of the state directory that cannot be used.
type Damage struct {
	File  string `json:"file"`
	Error string `json:"error"`
}

// HistoryEntry is one line of history.
type HistoryEntry struct {
	store.Meta
	Outcome store.Outcome `json:"outcome"`
	Error   string        `json:"error,omitempty"`
	// Seconds is how long it took; absent where that is not known.
	Seconds float64 `json:"seconds,omitempty"`
}

// History is the answer of history.
type History struct {
	History []HistoryEntry `json:"history"`
	Damaged []Damage       `json:"damaged"`
}

// Generation is the configuration of one change.
type Generation struct {
	store.Meta
	// Running and Persistent are documents in nmstate's schema.
	Running    json.RawMessage `json:"running"`
	Persistent json.RawMessage `json:"persistent"`
	Damaged    []Damage        `json:"damaged,omitempty"`
}

// Pending is a change that has not ended.
type Pending struct {
	Transaction string      `json:"transaction"`
	Generation  int         `json:"generation"`
	Who         store.Who   `json:"who"`
	Time        time.Time   `json:"time"`
	Purpose     string      `json:"purpose"`
	Phase       store.Phase `json:"phase"`
	// Left is the time to confirm in seconds.
	Left     float64 `json:"left"`
	Attempts int     `json:"attempts"`
	// Owner is who carries it; empty if nobody does any more.
	Owner string `json:"owner"`
}

// PendingAnswer is the answer of pending; null is none.
type PendingAnswer struct {
	Pending *Pending `json:"pending"`
}
