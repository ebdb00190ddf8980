package state

// value returns what p points to, or fallback for nil.
func value[T any](p *T, fallback T) T {
	if p == nil {
		return fallback
	}
	return *p
}

// is tells whether p is mentioned and true.
func is(p *bool) bool { return p != nil && *p }

// isNot tells whether p is mentioned and false.
func isNot(p *bool) bool { return p != nil && !*p }
