package store

import (
	"errors"
	"fmt"
	"io/fs"
)

// ErrNothing tells that no transaction is pending.
var ErrNothing = errors.New("no transaction is pending")

// ErrNoFile tells that what lies in a file's place is none: a directory, a
// symbolic link, a device.
var ErrNoFile = errors.New("is no regular file")

// Damage is a file that cannot be used. It is skipped, and said so; it is an
// error for who has to stop at it.
type Damage struct {
	// Path is the file.
	Path string
	// Err is what is wrong with it; a *VersionError if it is only too new.
	Err error
}

// Error names the file and what is wrong with it.
func (d Damage) Error() string { return d.Path + ": " + d.Err.Error() }

// Unwrap gives what is wrong.
func (d Damage) Unwrap() error { return d.Err }

// Hint says what to do about it.
func (d Damage) Hint() string {
	if version, ok := errors.AsType[*VersionError](d.Err); ok {
		return version.Hint()
	}
	return "the file is left as it is and not used; remove it when it has been looked at"
}

// VersionError tells that a file is of a format that came after this program.
type VersionError struct {
	// Version is the file's.
	Version int
}

// Error tells both versions.
func (e *VersionError) Error() string {
	return fmt.Sprintf("format version %d is newer than %d, the newest that this holdfast knows", e.Version, Version)
}

// Hint says what to do about it.
func (e *VersionError) Hint() string { return "use the holdfast that wrote it, or a newer one" }

// JournalError tells that there is a journal of a pending transaction that
// cannot be used. Whether the host was changed is not known.
type JournalError struct {
	// Path is the journal.
	Path string
	// Err is what is wrong with it; a *VersionError if it is only too new.
	Err error
}

// Error names the file and what is wrong with it.
func (e *JournalError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap gives what is wrong.
func (e *JournalError) Unwrap() error { return e.Err }

// Hint says what to do about it.
func (e *JournalError) Hint() string {
	const abandon = "holdfast rollback --abandon sets it aside and leaves the host as it is"
	if version, ok := errors.AsType[*VersionError](e.Err); ok {
		return version.Hint() + "; " + abandon
	}
	return "a transaction was not ended and its journal cannot be used; " + abandon
}

// PendingError tells that a transaction cannot begin, since another has not
// been ended.
type PendingError struct {
	// Path is the other's journal.
	Path string
}

// Error names the journal.
func (e *PendingError) Error() string { return "another transaction is pending: " + e.Path }

// PhaseError tells that something was asked for that does not fit how far the
// transaction is.
type PhaseError struct {
	// Op is what was asked for.
	Op string
	// Transaction is the one that is pending.
	Transaction string
	// Phase is how far it is.
	Phase Phase
}

// Error tells what was asked for and how far the transaction is.
func (e *PhaseError) Error() string {
	return fmt.Sprintf("transaction %s: %s does not fit its phase: %s", e.Transaction, e.Op, e.Phase)
}

// NumberError tells that a generation of that number cannot be had. It is
// fs.ErrNotExist when there is none.
type NumberError struct {
	// Number is what was asked for.
	Number int
	// Outcome is what became of it if it was tried and not committed, empty if
	// there is no such generation.
	Outcome Outcome
}

// Error tells what became of the number.
func (e *NumberError) Error() string {
	if e.Outcome != "" {
		return fmt.Sprintf("generation %d was never in force: %s", e.Number, e.Outcome)
	}
	return fmt.Sprintf("there is no generation %d", e.Number)
}

// Is tells that what was never in force, or was not there, does not exist.
func (e *NumberError) Is(target error) bool { return target == fs.ErrNotExist }

// Hint says what to do about it.
func (e *NumberError) Hint() string { return "holdfast history lists those that are there" }

// UnsafeError tells that others could change what lies in a directory.
type UnsafeError struct {
	// Path is the directory.
	Path string
	// Why is what is wrong with it.
	Why string
}

// Error names the directory and what is wrong with it.
func (e *UnsafeError) Error() string { return e.Path + ": " + e.Why }

// Hint says what to do about it.
func (e *UnsafeError) Hint() string {
	return "chown root " + e.Path + " && chmod 700 " + e.Path + ", after a look at what lies in it"
}
