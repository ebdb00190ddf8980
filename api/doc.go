// Package api is the contract of the daemon: its routes with the rights that
// they need, the types of requests and answers, and the client for Go programs.
//
// It is HTTP/1.1 with JSON bodies, over a unix socket or TLS with certificates
// on both sides; docs/openapi.json is made from this package. A failure is an
// Error with the HTTP status of its kind. What changes the host is answered by
// a stream of lines (Event) that ends with the outcome, since it may take
// minutes; a client that goes away ends the stream and nothing else.
package api

import "time"

// DefaultSocket is where the daemon listens.
const DefaultSocket = "/run/holdfast/holdfast.sock"

// The headers beyond those of HTTP.
const (
	// CommandHeader has the command line of the client, for the history.
	CommandHeader = "Holdfast-Command"
	// RequestHeader has the name of the request in the daemon's log.
	RequestHeader = "Holdfast-Request"
)

// MaxBody is how many bytes a request may have.
const MaxBody = 8 << 20

// Hello is what the daemon says of itself.
type Hello struct {
	// Version, Commit, Modified, Go and Platform are as `holdfast version` has
	// them.
	Version  string `json:"version"`
	Commit   string `json:"commit"`
	Modified bool   `json:"modified"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	// Engine is what reads and changes the host.
	Engine string `json:"engine"`
	// Namespace names the network namespace that the daemon runs.
	Namespace string `json:"namespace"`
	// StateDir and RunDir are the directories it uses.
	StateDir string `json:"state-dir"`
	RunDir   string `json:"run-dir"`
	// Rights are the client's: read or write.
	Rights Right `json:"rights"`
	// Name is who the client is to the daemon.
	Name string `json:"name"`
}

// Span is the duration of so many seconds.
func Span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }
