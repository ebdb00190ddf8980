package state

import (
	"holdfast/internal/document"
	"holdfast/internal/problem"
	"holdfast/internal/schema"
)

// Parse reads a state from YAML or JSON. name is the file's name for
// messages. The error holds every problem of the document, each with its
// position; it is a *problem.List for whoever wants them one by one.
//
// An interface with state absent keeps its name, type and state only, as with
// nmstate; what else it mentions is checked for typing errors and dropped.
func Parse(name string, data []byte) (*State, error) {
	var problems problem.List
	s := new(State)
	if doc := document.Read(name, data, &problems); doc != nil {
		schema.Decode(doc, s, &problems)
		checkRaw(doc, &problems)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	for _, i := range s.Interfaces {
		if i.State == Absent {
			*i = Interface{Name: i.Name, Type: i.Type, State: i.State, Origin: i.Origin}
		}
	}
	return s, nil
}
