package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"holdfast/state"
)

// Who asked for a change.
type Who struct {
	// UID is the user as the kernel tells it, and User its name if it has one.
	UID  int    `json:"uid"`
	User string `json:"user,omitempty"`
	// Command is what was called.
	Command string `json:"command,omitempty"`
	// Via is the way by which it came: "cli", "api unix", "api tls NAME".
	Via string `json:"via,omitempty"`
}

// Meta is what is known of a change besides its content.
type Meta struct {
	// Number orders generations; the first is 1. Prepare gives it.
	Number int `json:"number"`
	// Transaction names the change in logs and answers.
	Transaction string `json:"transaction"`
	// Time is when it was asked for.
	Time time.Time `json:"time"`
	// Who asked for it.
	Who Who `json:"who"`
	// Purpose is what for, in a few words.
	Purpose string `json:"purpose,omitempty"`
	// Summary tells what changed, one line each.
	Summary []string `json:"summary,omitempty"`
	// Engine is what carried it out.
	Engine string `json:"engine,omitempty"`
	// Temporary is set when the change is not to outlive a reboot.
	Temporary bool `json:"temporary,omitempty"`
}

// Generation is the owned configuration of a commit.
type Generation struct {
	Meta
	// Running is what is owned and in force since the commit; Persistent is
	// what comes back after a reboot. Neither is nil, both may be the same State,
	// and neither is to be changed once it came from a Store or went there. What an engine knows
	// beyond the schema (state.Facts) is not stored, secrets are.
	Running, Persistent *state.State

	// texts are the two in JSON, made ahead; nil makes them when they are written.
	texts *texts
}

// texts are the states of a generation in JSON; persistent is nil when it is the
// same as running.
type texts struct {
	made                chan struct{}
	running, persistent json.RawMessage
	err                 error
}

// EncodeAhead begins to write the states as JSON, which takes the longest of all
// that Prepare does. Neither of them is nil or changed from then on.
func (g *Generation) EncodeAhead() {
	t := &texts{made: make(chan struct{})}
	g.texts = t
	running, persistent := g.Running, g.Persistent
	go func() {
		defer close(t.made)
		defer func() {
			if p := recover(); p != nil {
				t.err = fmt.Errorf("internal error: %v", p)
			}
		}()
		t.encode(running, persistent)
	}()
}

func (t *texts) encode(running, persistent *state.State) {
	t.running = state.EncodeJSON(running, state.ShowSecrets())
	if persistent == running {
		return
	}
	if text := state.EncodeJSON(persistent, state.ShowSecrets()); !bytes.Equal(t.running, text) {
		t.persistent = text
	}
}

// Outcome is what became of a change: the words that cross the API.
type Outcome string

// The outcomes that history knows.
const (
	// Applied says that the generation was committed.
	Applied Outcome = "applied"
	// Unchanged says that the host was not touched.
	Unchanged Outcome = "unchanged"
	// RolledBack says that the host is as it was before.
	RolledBack Outcome = "rolled-back"
	// RollbackFailed says that the host is neither as it was nor as asked for.
	RollbackFailed Outcome = "rollback-failed"
	// Unknown says that the transaction was set aside before it had ended.
	Unknown Outcome = "unknown"
)

// failures are the outcomes of what was not committed.
var failures = []Outcome{Unchanged, RolledBack, RollbackFailed, Unknown}

// Entry is one line of history.
type Entry struct {
	Meta
	// Outcome is what became of it.
	Outcome Outcome
	// Error is why it was not applied, empty if it was. It is empty, too, when
	// the disk had no room for it.
	Error string
	// Took is how long it took; 0 if it was applied, since nothing is written
	// after the commit.
	Took time.Duration
}

// maxError is how much of an error's text is kept, in bytes.
const maxError = 16 << 10

// The depths to which files are broken into lines (layout).
const (
	wideDepth   = 3
	narrowDepth = 1
)

// generationFile is the content of a generation's file.
type generationFile struct {
	head
	Meta
	Running json.RawMessage `json:"running"`
	// Persistent is left out when it is the same as Running.
	Persistent json.RawMessage `json:"persistent,omitempty"`
}

// outcomeFile is the content of an outcome's file.
type outcomeFile struct {
	head
	Meta
	Outcome Outcome `json:"outcome"`
	Error   string  `json:"error,omitempty"`
	Took    span    `json:"took,omitempty"`
	// Attempts counts the rollbacks that failed.
	Attempts int `json:"attempts,omitempty"`
}

// span is a duration that people can read.
type span time.Duration

// MarshalText writes the duration as time.Duration prints it.
func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

// UnmarshalText reads what time.ParseDuration understands.
func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

func encodeGeneration(g *Generation) ([]byte, error) {
	if g.Running == nil || g.Persistent == nil {
		return nil, errors.New("a generation needs a running and a persistent state")
	}
	file := generationFile{head: head{kindGeneration, Version}, Meta: g.Meta}
	if g.texts == nil {
		g.EncodeAhead()
	}
	if <-g.texts.made; g.texts.err != nil {
		return nil, g.texts.err
	}
	file.Running, file.Persistent = g.texts.running, g.texts.persistent
	return seal(file, wideDepth)
}

// decodeGeneration reads a generation's file; path is for messages.
func decodeGeneration(path string, data []byte) (*Generation, error) {
	var file generationFile
	if err := open(data, kindGeneration, &file); err != nil {
		return nil, err
	}
	if err := file.check(); err != nil {
		return nil, err
	}
	g := &Generation{Meta: file.Meta}
	var err error
	if g.Running, err = state.Parse(path, file.Running); err != nil {
		return nil, fmt.Errorf("running: %w", err)
	}
	if file.Persistent == nil {
		g.Persistent = g.Running
		return g, nil
	}
	if g.Persistent, err = state.Parse(path, file.Persistent); err != nil {
		return nil, fmt.Errorf("persistent: %w", err)
	}
	return g, nil
}

// check tells what a content that was read lacks.
func (m *Meta) check() error {
	switch {
	case m.Number < 1 || m.Number > maxNumber:
		return fmt.Errorf("the number %d is none of a generation", m.Number)
	case m.Transaction == "":
		return errors.New("it names no transaction")
	}
	return nil
}

// decodeEntry reads a line of history from the file of an outcome or of a
// generation; the latter was applied.
func decodeEntry(data []byte) (*outcomeFile, error) {
	compact, h, err := unseal(data)
	if err != nil {
		return nil, err
	}
	var file outcomeFile
	switch h.Kind {
	case kindOutcome:
		if err = decode(compact, &file); err == nil && file.Outcome == "" {
			err = errors.New("it tells no outcome")
		}
	case kindGeneration:
		var g generationFile
		err = decode(compact, &g)
		file = outcomeFile{Meta: g.Meta, Outcome: Applied}
	default:
		err = fmt.Errorf("is a %q, neither a generation nor an outcome", h.Kind)
	}
	if err == nil {
		err = file.check()
	}
	if err != nil {
		return nil, err
	}
	return &file, nil
}

// entry is what history shows of an outcome.
func (f *outcomeFile) entry() Entry {
	return Entry{Meta: f.Meta, Outcome: f.Outcome, Error: f.Error, Took: time.Duration(f.Took)}
}
