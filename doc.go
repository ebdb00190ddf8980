// Package holdfast manages the network of a host: it takes a declared state,
// shows what would change, changes it as one transaction, checks the result
// and puts everything back if it is not as it was asked for.
//
// This package is the front door for Go programs; the command holdfast and the
// packages below it stand on the same functions. A program opens the host,
// reads a state in nmstate's schema (package holdfast/state) and plans or
// applies it:
//
//	host, err := holdfast.Open(holdfast.Options{})
//	…
//	defer host.Close()
//	desired, err := state.Parse("host.yml", text)
//	…
//	result, err := host.Apply(ctx, desired, holdfast.ApplyOptions{})
//
// A desired state is partial: what it does not mention stays as it is. Apply
// validates everything before it touches anything, holds the lock of the
// network namespace while it works, and rolls back when a step fails, when the
// host does not become what was asked for, or when its context ends. What
// became of the host is Result.Outcome, whatever the error says; KindOf sorts
// errors.
//
// Show and Plan change nothing and need no lock, so they work at any time.
// Everything but Apply works without privileges as far as the kernel allows.
package holdfast
