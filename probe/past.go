package probe

// past is what the gateways of one probe came to: the families that had one
// which answered, and the addresses with and without their links.
type past struct{ families, ok, failed, failedThere map[string]bool }

func remember(answers []Answer) past {
	p := past{families: map[string]bool{}, ok: map[string]bool{}, failed: map[string]bool{}, failedThere: map[string]bool{}}
	for _, a := range answers {
		p.add(a)
	}
	return p
}

func (p past) add(a Answer) {
	if a.OK {
		p.families[a.family()], p.ok[a.Target.Host] = true, true
		return
	}
	p.failed[a.Target.Host], p.failedThere[there(a.Question)] = true, true
}

// there is an address on its link.
func there(q Question) string { return hostText(q.Target.Host, q.Target.Interface, 0) }

// excuses tells whether the gateway did not answer: on that link, or, since it
// may have moved to another, on none. A link-local address may be that of
// several gateways.
func (p past) excuses(q Question) bool {
	return p.failedThere[there(q)] || p.failed[q.Target.Host] && !p.ok[q.Target.Host]
}

// counts tells whether the answer to a question matters to Judge, after those
// that were given before the change.
func (q Question) counts(before []Answer) bool {
	were := remember(about(q.Spec, before))
	return len(were.ok) > 0 && (q.Spec.Kind != Gateway || !were.excuses(q))
}
