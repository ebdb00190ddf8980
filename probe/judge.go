package probe

// Verdict is what the answers mean for the change.
type Verdict struct {
	// Refused fail already before the change, though they were asked for and
	// must not: the change is not made.
	Refused []Answer
	// LeftOut fail, but do not count: those that are optional or by default
	// and failed before, and new gateways of a family that had none before.
	LeftOut []Answer
	// Lost passed before the change and fail after it: the change is taken
	// back. A gateway that is no more is among them with its answer of
	// before, OK unset and Error set.
	Lost []Answer
}

// Judge weighs the answers. after is nil as long as the change is not made;
// then nothing is lost. It may lack what a Runner did not ask since it failed
// before. Only what passed before must pass after: of a gateway,
// each family that had one which answered must have one after, and every one
// that is there must answer unless it did not before.
func Judge(before, after []Answer) Verdict {
	var v Verdict
	for _, a := range before {
		switch {
		case a.OK:
		case a.Spec.Optional || a.Spec.Default:
			v.LeftOut = append(v.LeftOut, a)
		default:
			v.Refused = append(v.Refused, a)
		}
	}
	if after == nil {
		return v
	}
	for _, spec := range asked(before) {
		b, a := about(spec, before), about(spec, after)
		if spec.Kind == Gateway {
			v.gateway(b, a)
		} else {
			v.single(b[0], a)
		}
	}
	return v
}

// OK tells whether nothing is refused and nothing lost.
func (v Verdict) OK() bool { return len(v.Refused) == 0 && len(v.Lost) == 0 }

// Wrong lists what is refused or lost, one line each.
func (v Verdict) Wrong() []string {
	var lines []string
	for _, a := range v.Refused {
		lines = append(lines, a.String())
	}
	for _, a := range v.Lost {
		lines = append(lines, a.String())
	}
	return lines
}

// Warnings lists what is left out, one sentence each.
func (v Verdict) Warnings() []string {
	var lines []string
	for _, a := range v.LeftOut {
		lines = append(lines, "probe left out, "+a.String())
	}
	return lines
}

// single judges a probe that is its own question.
func (v *Verdict) single(before Answer, after []Answer) {
	switch {
	case !before.OK:
	case len(after) == 0:
		v.lose(before, "was not asked again")
	case !after[0].OK:
		v.Lost = append(v.Lost, after[0])
	}
}

// gateway judges the answers of all that one gateway probe stands for.
func (v *Verdict) gateway(before, after []Answer) {
	were := remember(before)
	now := remember(nil)
	present := map[string]bool{}
	for _, a := range after {
		now.add(a)
		present[a.family()] = true
		switch {
		case a.OK || were.excuses(a.Question):
		case were.families[a.family()]:
			v.Lost = append(v.Lost, a)
			now.families[a.family()] = true // which is told already
		default:
			v.LeftOut = append(v.LeftOut, a)
		}
	}
	for _, b := range before {
		switch family := b.family(); {
		case !b.OK || now.families[family]:
		case present[family]:
			v.lose(b, "is gone, and no other default gateway for "+family+" answers")
		default:
			v.lose(b, "is gone, and there is no other default gateway for "+family)
		}
	}
}

// lose takes an answer of before for one that is not there any more.
func (v *Verdict) lose(before Answer, why string) {
	before.OK, before.Error = false, why
	v.Lost = append(v.Lost, before)
}

// asked are the probes of the answers, each once.
func asked(answers []Answer) []Spec {
	var specs []Spec
	seen := map[Spec]bool{}
	for _, a := range answers {
		if !seen[a.Spec] {
			seen[a.Spec] = true
			specs = append(specs, a.Spec)
		}
	}
	return specs
}

func about(spec Spec, answers []Answer) []Answer {
	var found []Answer
	for _, a := range answers {
		if a.Spec == spec {
			found = append(found, a)
		}
	}
	return found
}
