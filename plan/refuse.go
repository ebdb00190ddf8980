package plan

import (
	"fmt"
	"slices"
	"strings"

	"holdfast/state"
)

// UnsupportedError is a change that this version cannot carry out at all.
type UnsupportedError struct {
	// Object names the interface.
	Object string
	// Reason says what is not possible.
	Reason string
}

// Error is "object: reason".
func (e *UnsupportedError) Error() string { return e.Object + ": " + e.Reason }

// Refusal is one change that is not made unless it is forced.
type Refusal struct {
	// Object names the interface that would change.
	Object string
	// Manager names the program that runs the link; empty if that is not why.
	Manager string
	// Guests are the foreign ports that would lose their bridge.
	Guests []string
	// Reason is the whole of it in words.
	Reason string
}

// RefusedError lists what is not done without Options.Force.
type RefusedError struct {
	// Refusals are never empty, in the interfaces' order.
	Refusals []Refusal
}

// Error gives the reasons, one a line.
func (e *RefusedError) Error() string {
	lines := make([]string, len(e.Refusals))
	for i, r := range e.Refusals {
		lines[i] = r.Object + ": " + r.Reason
	}
	return strings.Join(lines, "\n")
}

// Hint says what to do about it.
func (e *RefusedError) Hint() string {
	if slices.ContainsFunc(e.Refusals, func(r Refusal) bool { return len(r.Guests) > 0 }) {
		return "move the guests away first, or use --force"
	}
	return "let " + e.Refusals[0].Manager + " make the change or give the link up, or use --force to take it over"
}

// refuse checks what a plan may not do: what is not built yet, and without
// force what guests or other programs would suffer from.
func (b *builder) refuse() error {
	for _, l := range b.touched {
		if key := needsLease(l); key != "" {
			return &UnsupportedError{Object: l.name, Reason: key + ": turning this on is not supported yet"}
		}
		if l.want != nil && value(options(l.want).BalanceSLB) && (l.was == nil || !value(options(l.was).BalanceSLB)) {
			return &UnsupportedError{Object: l.name, Reason: "balance_slb is no option of the kernel's bonding"}
		}
	}
	if b.options.Force {
		return nil
	}
	var list []Refusal
	for _, l := range b.touched {
		if guests := b.guestsOf(l); len(guests) > 0 {
			list = append(list, Refusal{Object: l.name, Guests: guests, Reason: fmt.Sprintf("%s while guests are on it: %s", fate(l), strings.Join(guests, ", "))})
		}
		if lost := b.unbuildable(l); lost != "" {
			list = append(list, Refusal{Object: l.name, Guests: []string{lost}, Reason: fmt.Sprintf("%s, which takes %s along", fate(l), lost)})
		}
	}
	list = append(list, b.managed()...)
	if len(list) > 0 {
		return &RefusedError{Refusals: list}
	}
	return nil
}

// fate says what becomes of a link that is removed.
func fate(l *link) string {
	if l.anew {
		return "would be made anew"
	}
	return "would be removed"
}

// guestsOf are the foreign ports of a bridge that is removed.
func (b *builder) guestsOf(l *link) []string {
	if !l.leaves() {
		return nil
	}
	var names []string
	for _, m := range l.wasMembers {
		if b.guest(m) {
			names = append(names, m.name)
		}
	}
	slices.Sort(names)
	return names
}

// unbuildable names a link that goes with l, is not asked to, and cannot be
// made again.
func (b *builder) unbuildable(l *link) string {
	if !l.leaves() {
		return ""
	}
	for _, u := range l.uppers {
		if u.wasBase == l && u.gone && !u.absent && u.was.Type != state.TypeVLAN {
			return u.name
		}
	}
	return ""
}

// managed lists the changes to links that other programs run, once a link.
func (b *builder) managed() []Refusal {
	var list []Refusal
	seen := map[string]bool{}
	for n := range b.steps {
		s := &b.steps[n]
		for _, name := range [...]string{s.Object, s.Controller} {
			l := b.byName[name]
			if name == "" || s.Verb == "" || seen[name] || l == nil || l.was == nil || l.was.Facts == nil || l.was.Facts.Manager == "" {
				continue
			}
			if s.Type == "" && s.Controller == "" || s.Verb == Describe {
				continue
			}
			seen[name] = true
			list = append(list, Refusal{Object: name, Manager: l.was.Facts.Manager, Reason: "is run by " + l.was.Facts.Manager})
		}
	}
	return list
}
