package state

// Target is what Merge makes of a current and a desired state: the whole
// state that the host should reach.
type Target struct {
	// State is the whole of it. Interfaces that nobody asked to change are the
	// very pointers of the current state; those to be removed are there with
	// state absent; foreign ports, addresses, routes and rules are kept in it.
	// Routes and rules stand in Routes.Config and Rules.Config, foreign ones
	// included, without any absent entry.
	State *State
	// Desired is what was asked for with every name and type resolved against
	// the host: what verification compares.
	Desired *State
	// Owned names the interfaces that the document answers for from now on.
	Owned []string
	// Warnings are what the author should know, one sentence each.
	Warnings []string
}
