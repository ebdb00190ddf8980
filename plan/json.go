package plan

import (
	"encoding/json"
	"net/netip"

	"holdfast/state"
)

// Document is a plan as -o json prints it: stable and complete.
type Document struct {
	// Empty tells that there is nothing to do.
	Empty bool `json:"empty"`
	// Impact is the highest one of the steps.
	Impact Impact `json:"impact"`
	// Steps in order; "needs" counts from 0 in this list.
	Steps []StepDocument `json:"steps"`
	// Warnings are what the reader should know.
	Warnings []string `json:"warnings"`
}

// StepDocument is a step as -o json prints it.
type StepDocument struct {
	Verb   Verb       `json:"verb"`
	Object string     `json:"object"`
	Type   state.Type `json:"type,omitempty"`
	Why    string     `json:"why"`
	Impact Impact     `json:"impact"`
	Level  int        `json:"level"`
	// Needs are the places of the steps that come before.
	Needs []int `json:"needs,omitempty"`
	// Affects names what else is disturbed.
	Affects []string `json:"affects,omitempty"`
	// Changes are the values from and to.
	Changes []Change `json:"changes,omitempty"`
	// Controller is the bond or bridge of a step on a port.
	Controller string `json:"controller,omitempty"`
	// Keys are the keys that the step sets, in order.
	Keys []string `json:"keys,omitempty"`
	// Address is the address of a step on one.
	Address *netip.Prefix `json:"address,omitempty"`
	// VLANsAdded and VLANsRemoved are entries of a filter table.
	VLANsAdded   []VLANDocument `json:"vlans-added,omitempty"`
	VLANsRemoved []VLANDocument `json:"vlans-removed,omitempty"`
}

// VLANDocument is an entry of a filter table as -o json prints it.
type VLANDocument struct {
	First    uint16 `json:"first"`
	Last     uint16 `json:"last"`
	PVID     bool   `json:"pvid,omitempty"`
	Untagged bool   `json:"untagged,omitempty"`
}

// Document is the plan in the form that -o json prints.
func (p *Plan) Document() *Document {
	d := &Document{Empty: p.Empty(), Impact: p.Impact(), Steps: make([]StepDocument, len(p.Steps)), Warnings: p.Warnings}
	if d.Warnings == nil {
		d.Warnings = []string{}
	}
	for n := range p.Steps {
		s := &p.Steps[n]
		d.Steps[n] = StepDocument{
			Verb: s.Verb, Object: s.Object, Type: s.Type, Why: s.Why, Impact: s.Impact, Level: s.Level, Needs: s.Needs,
			Affects: s.Affects, Changes: s.Changes, Controller: s.Controller, Keys: s.Keys,
			VLANsAdded: vlanDocuments(s.VLANsAdded), VLANsRemoved: vlanDocuments(s.VLANsRemoved),
		}
		if s.Address != nil {
			prefix := s.Address.Prefix()
			d.Steps[n].Address = &prefix
		}
	}
	return d
}

func vlanDocuments(list []VLANEntry) []VLANDocument {
	var documents []VLANDocument
	for _, e := range list {
		documents = append(documents, VLANDocument(e))
	}
	return documents
}

// JSON is the plan as indented JSON with a newline at its end.
func (p *Plan) JSON() []byte { return p.Document().JSON() }

// JSON is the document as indented JSON with a newline at its end.
func (d *Document) JSON() []byte {
	data, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		panic("internal error: " + err.Error())
	}
	return append(data, '\n')
}
