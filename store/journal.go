package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Phase is how far a pending transaction is.
type Phase string

// The phases.
const (
	// Prepared says that nothing was changed: the transaction can be dropped.
	Prepared Phase = "prepared"
	// Applying says that the host may be changed in part.
	Applying Phase = "applying"
	// Waiting says that the change is done and waits to be confirmed.
	Waiting Phase = "waiting"
	// RollingBack says that a rollback began, or was tried and failed.
	RollingBack Phase = "rolling-back"
	// Committed says that the generation is in force; Finish is all that lacks.
	Committed Phase = "committed"
	// Ended says that the change is undone and its outcome recorded; Finish is
	// all that lacks.
	Ended Phase = "ended"
)

// Journal is a transaction that has not ended. What it holds is not to be
// changed after Prepare, nor when Pending gave it.
type Journal struct {
	Meta
	// Boot is the id of the boot in which it was prepared. What the checkpoint
	// says of the kernel is of use in that boot only.
	Boot string
	// Namespace is the network namespace that it changes.
	Namespace string
	// Owner is the process that prepared it; the lock tells whether it lives.
	Owner int
	// Request is what was asked for, Plan the steps; both are JSON and are kept
	// without its white space.
	Request, Plan json.RawMessage
	// Checkpoint is engine.Checkpoint's stored form, byte by byte.
	Checkpoint []byte
	// ConfirmWithin is how long the change waits to be confirmed; 0 if it does
	// not.
	ConfirmWithin time.Duration
	// Deadline is when it is taken back without a confirmation, in nanoseconds
	// of CLOCK_BOOTTIME; 0 is never.
	Deadline int64

	// Phase is how far it is; Pending tells.
	Phase Phase
	// Attempts counts the rollbacks that were begun; Pending tells.
	Attempts int
	// Outcome is what was recorded already: RollbackFailed or Unknown in phase
	// RollingBack, what became of it in phase Ended. Pending tells.
	Outcome Outcome
}

// journalFile is the content of the journal.
type journalFile struct {
	head
	Meta
	Boot          string          `json:"boot,omitempty"`
	Namespace     string          `json:"namespace,omitempty"`
	Owner         int             `json:"owner,omitempty"`
	ConfirmWithin span            `json:"confirm-within,omitempty"`
	Deadline      int64           `json:"deadline,omitempty"`
	Request       json.RawMessage `json:"request,omitempty"`
	Plan          json.RawMessage `json:"plan,omitempty"`
	// Checkpoint is the checkpoint where it is JSON, as that of the kernel
	// engine is, and CheckpointBytes where it is anything else.
	Checkpoint      json.RawMessage `json:"checkpoint,omitempty"`
	CheckpointBytes []byte          `json:"checkpoint-bytes,omitempty"`
}

func encodeJournal(j *Journal) ([]byte, error) {
	file := journalFile{
		head: head{kindJournal, Version}, Meta: j.Meta,
		Boot: j.Boot, Namespace: j.Namespace, Owner: j.Owner,
		ConfirmWithin: span(j.ConfirmWithin), Deadline: j.Deadline,
		Request: j.Request, Plan: j.Plan,
	}
	if isCompact(j.Checkpoint) {
		file.Checkpoint = j.Checkpoint
	} else {
		file.CheckpointBytes = j.Checkpoint
	}
	return seal(file, narrowDepth)
}

// isCompact tells whether data comes through a JSON document unchanged.
func isCompact(data []byte) bool {
	var compact bytes.Buffer
	return json.Compact(&compact, data) == nil && bytes.Equal(compact.Bytes(), data) && !bytes.Equal(data, []byte("null"))
}

func decodeJournal(data []byte) (*Journal, error) {
	var file journalFile
	if err := open(data, kindJournal, &file); err != nil {
		return nil, err
	}
	if err := file.check(); err != nil {
		return nil, err
	}
	if file.Checkpoint != nil && file.CheckpointBytes != nil {
		return nil, errors.New("it holds two checkpoints")
	}
	j := &Journal{
		Meta: file.Meta, Boot: file.Boot, Namespace: file.Namespace, Owner: file.Owner,
		Request: file.Request, Plan: file.Plan, Checkpoint: file.Checkpoint,
		ConfirmWithin: time.Duration(file.ConfirmWithin), Deadline: file.Deadline,
	}
	if file.CheckpointBytes != nil {
		j.Checkpoint = file.CheckpointBytes
	}
	return j, nil
}

// mark is what the run directory holds of a pending transaction: what must
// outlive a process but not a boot, and may be written while the network, and
// with it the disk, is half-way.
type mark struct {
	head
	// Transaction and Number name the transaction.
	Transaction string `json:"transaction"`
	Number      int    `json:"number"`
	// Boot is the boot in which the mark was made; in another it says nothing.
	Boot string `json:"boot,omitempty"`
	// Phase is Waiting or RollingBack, or Prepared when beginning failed.
	Phase Phase `json:"phase"`
	// Deadline is as in Journal.
	Deadline int64 `json:"deadline,omitempty"`
	// Attempts is as in Journal.
	Attempts int `json:"attempts,omitempty"`
}

func encodeMark(m mark) ([]byte, error) {
	m.head = head{kindMark, Version}
	return seal(m, narrowDepth)
}

func decodeMark(data []byte) (*mark, error) {
	var m mark
	if err := open(data, kindMark, &m); err != nil {
		return nil, err
	}
	switch m.Phase {
	case Prepared, Waiting, RollingBack:
		return &m, nil
	}
	return nil, fmt.Errorf("the phase %q is none of a mark", m.Phase)
}
