package api

import (
	"holdfast/probe"
	"holdfast/state"
	"holdfast/transaction"
)

// Options say how to change the host. Times are in seconds; 0 is none, or the
// daemon's own.
type Options struct {
	Force     bool    `json:"force,omitempty"`
	NoVerify  bool    `json:"no-verify,omitempty"`
	Temporary bool    `json:"temporary,omitempty"`
	Timeout   float64 `json:"timeout,omitempty" minimum:"0"`
	// Confirm is how long somebody may take to confirm, from before the first
	// step.
	Confirm float64 `json:"confirm,omitempty" minimum:"0"`
	// Probes are what must be reachable after the change, as --probe takes it.
	Probes []string `json:"probes,omitempty"`
}

// ParseProbes reads the probes.
func (o *Options) ParseProbes() ([]probe.Spec, error) {
	var list []probe.Spec
	for _, text := range o.Probes {
		spec, err := probe.Parse(text)
		if err != nil {
			return nil, err
		}
		list = append(list, spec)
	}
	return list, nil
}

// ApplyRequest asks for a change.
type ApplyRequest struct {
	Desired
	Options
}

// Reply names the pending change; an empty transaction is whichever it is.
type Reply struct {
	Transaction string `json:"transaction,omitempty"`
}

// Names lists interfaces; All is everything, for persist alone.
type Names struct {
	Names []string `json:"names,omitempty"`
	All   bool     `json:"all,omitempty"`
}

// Abandoned tells where the journal lies that was set aside.
type Abandoned struct {
	Outcome transaction.Outcome `json:"outcome"`
	Journal string              `json:"journal"`
}

// Probed is what one probe came to.
type Probed struct {
	When    transaction.Occasion `json:"when"`
	Probe   string               `json:"probe"`
	OK      bool                 `json:"ok"`
	Error   string               `json:"error,omitempty"`
	Seconds float64              `json:"seconds"`
}

// Result is what a change came to. Generation and transaction are null where
// nothing was recorded.
type Result struct {
	Outcome     transaction.Outcome `json:"outcome"`
	Generation  *int                `json:"generation"`
	Transaction *string             `json:"transaction"`
	Steps       int                 `json:"steps"`
	Warnings    []string            `json:"warnings"`
	Probes      []Probed            `json:"probes"`
	// Left is how many seconds remain to confirm it, when the outcome is pending.
	Left float64 `json:"left,omitempty"`
}

// Progress is how far a change is.
type Progress struct {
	Transaction string            `json:"transaction,omitempty"`
	Phase       transaction.Phase `json:"phase"`
	Done        int               `json:"done"`
	Total       int               `json:"total"`
	// Verb and Object are of the step that was just done.
	Verb   string     `json:"verb,omitempty"`
	Object string     `json:"object,omitempty"`
	Type   state.Type `json:"type,omitempty"`
	// Waiting is what the host has not become yet.
	Waiting string  `json:"waiting,omitempty"`
	Left    float64 `json:"left,omitempty"`
}

// Event is one line of the stream that answers a change. One member is set;
// after result or error nothing comes.
type Event struct {
	// Progress comes first, as often as there is some.
	Progress *Progress `json:"progress,omitempty"`
	// Result is the end: also while the change waits to be confirmed.
	Result *Result `json:"result,omitempty"`
	Error  *Error  `json:"error,omitempty"`
}
