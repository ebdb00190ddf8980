package transaction

import "time"

// Event is something that happened, for the Machine to answer.
type Event interface{ event() }

// The events. Err is nil where what was tried worked.
type (
	// Started begins the transaction.
	Started struct{}
	// Checkpointed answers TakeCheckpoint.
	Checkpointed struct{ Err error }
	// AppliedPlan answers Apply.
	AppliedPlan struct {
		Err error
		// Untouched is set when Err came before the first change.
		Untouched bool
	}
	// Verified answers Verify.
	Verified struct {
		// Err is why the host could not be read.
		Err error
		// Wrong lists what is not as it was asked for, one line each.
		Wrong []string
		// Final is set when repairing Wrong is of no use: an address that
		// another host has, for example.
		Final bool
		// Waiting lists what is not there yet but may still come.
		Waiting []Waiting
		// Elapsed is the time since verifying began.
		Elapsed time.Duration
		// Left is the time to the transaction's limit.
		Left time.Duration
	}
	// Repaired answers Repair.
	Repaired struct{ Err error }
	// TimerFired answers Wait.
	TimerFired struct{}
	// Interrupted tells that the caller gave up, a signal came, or the
	// transaction's limit passed; Err says which.
	Interrupted struct{ Err error }
	// Released answers Release.
	Released struct{ Err error }
	// RolledBackTo answers RollBack.
	RolledBackTo struct{ Err error }
)

// Waiting is something asynchronous that has not come true yet: duplicate
// address detection, a carrier, an LACP partner.
type Waiting struct {
	// What is one line for people.
	What string
	// Budget is how long to wait for it before it counts as missing.
	Budget time.Duration
	// Minor things that are missing are a warning, others a failure.
	Minor bool
}

func (Started) event()      {}
func (Checkpointed) event() {}
func (AppliedPlan) event()  {}
func (Verified) event()     {}
func (Repaired) event()     {}
func (TimerFired) event()   {}
func (Interrupted) event()  {}
func (Released) event()     {}
func (RolledBackTo) event() {}
