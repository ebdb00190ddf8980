package holdfast

import (
	"encoding/json"
	"fmt"
	"sync"

	"holdfast/plan"
	"holdfast/probe"
	"holdfast/state"
	"holdfast/store"
)

// encoded gives a text of JSON that is made in the background, and waits for it
// if need be.
type encoded func() (json.RawMessage, error)

// encode begins to make the text of a value, which must not be changed any more.
func encode(value func() any) encoded {
	type answer struct {
		text json.RawMessage
		err  error
	}
	made := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = fmt.Errorf("internal error: %v", p)
			}
			made <- a
		}()
		a.text, a.err = json.Marshal(value())
	}()
	return sync.OnceValues(func() (json.RawMessage, error) {
		a := <-made
		return a.text, a.err
	})
}

// request is what was asked for, as the journal keeps it.
type request struct {
	Desired   json.RawMessage `json:"desired,omitempty"`
	Force     bool            `json:"force,omitempty"`
	NoVerify  bool            `json:"no-verify,omitempty"`
	Temporary bool            `json:"temporary,omitempty"`
	Timeout   string          `json:"timeout,omitempty"`
	Confirm   string          `json:"confirm,omitempty"`
	Probes    []probe.Spec    `json:"probes,omitempty"`
}

func encodeRequest(desired *state.State, o ApplyOptions) encoded {
	return encode(func() any {
		r := request{Force: o.Force, NoVerify: o.NoVerify, Temporary: o.Temporary, Probes: o.Probes}
		if desired != nil {
			r.Desired = state.EncodeJSON(desired)
		}
		if o.Timeout > 0 {
			r.Timeout = o.Timeout.String()
		}
		if o.Confirm > 0 {
			r.Confirm = o.Confirm.String()
		}
		return r
	})
}

// encodePlan is the plan's text; nil is a plan without steps.
func encodePlan(p *plan.Plan) encoded {
	if p == nil {
		p = &plan.Plan{}
	}
	return encode(func() any { return p.Document() })
}

// generationOf is the generation of the sets, of which the long part is written
// in the background.
func generationOf(s sets) *store.Generation {
	g := &store.Generation{Running: s.running, Persistent: s.persistent}
	g.EncodeAhead()
	return g
}
