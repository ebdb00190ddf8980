package state

import "holdfast/internal/problem"

// unsupported is a problem of an interface of the document that asks for
// something which is right, but not carried out yet.
func unsupported(i *Interface, path, val, message, hint string) *problem.Problem {
	p := fault(i, path, val, message, hint)
	p.Unsupported = true
	return p
}

func unsupportedRoute(r *Route, path, val, message string) *problem.Problem {
	p := routeFault(r, path, val, message, "")
	p.Unsupported = true
	return p
}
