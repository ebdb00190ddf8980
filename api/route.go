package api

import "net/http"

// Right is what a client may do.
type Right string

// The rights. Who may write may read.
const (
	Read  Right = "read"
	Write Right = "write"
)

// Route is one thing that the daemon can be asked for.
type Route struct {
	// ID names the route in the OpenAPI document.
	ID string
	// Method and Path are as net/http's ServeMux takes them.
	Method, Path string
	// Right is what the client needs.
	Right Right
	// Summary is one line about it.
	Summary string
	// Query lists what may stand after the question mark.
	Query []Parameter
	// Request and Answer are zero values of the bodies; nil is none.
	Request, Answer any
	// Stream is set where the answer is a stream of lines, each an Answer.
	Stream bool
	// Urgent is set where the rate of requests is not limited: what takes a
	// change back must always be heard.
	Urgent bool
}

// Parameter is a value in the path or in the query.
type Parameter struct {
	Name, About string
	// Flag is set for a truth value, Repeated where several may be given.
	Flag, Repeated bool
}

var (
	secrets    = Parameter{Name: "show-secrets", About: "passwords and keys instead of a placeholder; needs the right to write", Flag: true}
	configOnly = Parameter{Name: "running-config", About: "leave out what is not configuration", Flag: true}
	details    = Parameter{Name: "details", About: "read what is slow, too: features, rings, coalescing", Flag: true}
)

// Routes are all that the daemon can be asked for.
func Routes() []Route {
	return []Route{
		{ID: "hello", Method: http.MethodGet, Path: "/v1/version", Right: Read, Summary: "What the daemon is, and what the client may do", Answer: Hello{}},
		{ID: "openapi", Method: http.MethodGet, Path: "/v1/openapi.json", Right: Read, Summary: "This document"},
		{
			ID: "show", Method: http.MethodGet, Path: "/v1/state", Right: Read, Summary: "The host's network as it is", Answer: Shown{},
			Query: []Parameter{{Name: "name", About: "only this interface and its routes", Repeated: true}, configOnly, secrets, details},
		},
		{
			ID: "show-one", Method: http.MethodGet, Path: "/v1/state/{name}", Right: Read, Summary: "One interface and its routes",
			Answer: Shown{}, Query: []Parameter{configOnly, secrets, details},
		},
		{ID: "plan", Method: http.MethodPost, Path: "/v1/plan", Right: Read, Summary: "What would change", Request: PlanRequest{}, Answer: Planned{}},
		{ID: "apply", Method: http.MethodPost, Path: "/v1/apply", Right: Write, Summary: "Change the host", Request: ApplyRequest{}, Answer: Event{}, Stream: true},
		{ID: "pending", Method: http.MethodGet, Path: "/v1/pending", Right: Read, Summary: "The change that has not ended", Answer: PendingAnswer{}},
		{ID: "abandon", Method: http.MethodDelete, Path: "/v1/pending", Right: Write, Summary: "Set the pending change aside; the host stays as it is", Answer: Abandoned{}, Urgent: true},
		{ID: "confirm", Method: http.MethodPost, Path: "/v1/confirm", Right: Write, Summary: "Keep the pending change", Request: Reply{}, Answer: Result{}, Urgent: true},
		{ID: "rollback", Method: http.MethodPost, Path: "/v1/rollback", Right: Write, Summary: "Undo the pending change", Request: Reply{}, Answer: Result{}, Urgent: true},
		{ID: "heard", Method: http.MethodPost, Path: "/v1/heard", Right: Write, Summary: "Make oneself heard over a new connection, for the probe client", Urgent: true},
		{ID: "history", Method: http.MethodGet, Path: "/v1/generations", Right: Read, Summary: "What was changed and what was tried, the oldest first", Answer: History{}},
		{
			ID: "generation", Method: http.MethodGet, Path: "/v1/generations/{number}", Right: Read,
			Summary: "An earlier configuration; newest is the one in force", Answer: Generation{}, Query: []Parameter{secrets},
		},
		{
			ID: "return", Method: http.MethodPost, Path: "/v1/generations/{number}/return", Right: Write,
			Summary: "Return to an earlier generation", Request: Options{}, Answer: Event{}, Stream: true,
		},
		{ID: "drift", Method: http.MethodGet, Path: "/v1/drift", Right: Read, Summary: "In what the host differs from what was applied", Answer: Drift{}},
		{ID: "persist", Method: http.MethodPost, Path: "/v1/persist", Right: Write, Summary: "Make temporary interfaces permanent", Request: Names{}, Answer: Result{}},
		{ID: "unpersist", Method: http.MethodPost, Path: "/v1/unpersist", Right: Write, Summary: "Make permanent interfaces temporary", Request: Names{}, Answer: Result{}},
	}
}
