package state

import (
	"fmt"
	"slices"

	"holdfast/internal/problem"
)

// Return is the document that leads from one owned set to another: the other
// one, with an absent entry for everything that only the first has. The
// resolver and the host name stay where only the first names them: nobody
// knows what they were before.
func Return(from, to *State) *State {
	out := to.Clone()
	for _, i := range from.Interfaces {
		if to.Find(i.Name) == nil {
			out.Interfaces = append(out.Interfaces, &Interface{Name: i.Name, Type: i.Type, State: Absent})
		}
	}
	keep := map[routeKey]bool{}
	for _, r := range configRoutes(to) {
		keep[r.key()] = true
	}
	for _, r := range configRoutes(from) {
		if !keep[r.key()] && out.keepsInterface(value(r.NextHopInterface, "")) {
			c := *r
			c.State = Absent
			out.addRoute(&c)
		}
	}
	stay := map[ruleKey]bool{}
	for _, r := range configRules(to) {
		stay[r.key()] = true
	}
	for _, r := range configRules(from) {
		if !stay[r.key()] {
			c := *r
			c.State = Absent
			out.addRule(&c)
		}
	}
	return out
}

// keepsInterface tells whether a route through the interface has to be taken
// away by itself: with an absent interface its routes go.
func (s *State) keepsInterface(name string) bool {
	i := s.Find(name)
	return i == nil || i.State != Absent
}

func configRoutes(s *State) []*Route {
	if s.Routes == nil {
		return nil
	}
	return s.Routes.Config
}

func configRules(s *State) []*Rule {
	if s.Rules == nil {
		return nil
	}
	return s.Rules.Config
}

func (s *State) addRoute(r *Route) {
	if s.Routes == nil {
		s.Routes = &Routes{}
	}
	s.Routes.Config = append(s.Routes.Config, r)
}

func (s *State) addRule(r *Rule) {
	if s.Rules == nil {
		s.Rules = &Rules{}
	}
	s.Rules.Config = append(s.Rules.Config, r)
}

// Persist returns the persistent set with the named interfaces as they are in
// the running one, and the routes through them. The error is a *problem.List:
// a name that the running set does not have, or an interface that would stand
// on one that is not persistent.
func Persist(running, persistent *State, names []string) (*State, error) {
	out := persistent.Clone()
	var problems problem.List
	for _, name := range names {
		i := running.Find(name)
		if i == nil {
			problems.Add(&problem.Problem{
				Key: name, Message: "holdfast answers for no interface of this name",
				Hint: suggestOwned(name, running),
			})
			continue
		}
		out.dropInterface(name)
		out.Interfaces = append(out.Interfaces, i.Clone())
		for _, r := range configRoutes(running) {
			if value(r.NextHopInterface, "") == name {
				c := *r
				out.addRoute(&c)
			}
		}
	}
	sortInterfaces(out)
	problems.AddError(CheckPersistent(running, out))
	return out, problems.Err()
}

// Unpersist returns the persistent set without the named interfaces and the
// routes through them. The error is a *problem.List: a name that the set does
// not have, or an interface that another persistent one stands on.
func Unpersist(running, persistent *State, names []string) (*State, error) {
	out := persistent.Clone()
	var problems problem.List
	for _, name := range names {
		if persistent.Find(name) == nil {
			message := "is not a persistent interface of holdfast's"
			if running.Find(name) != nil {
				message = "is temporary already"
			}
			problems.Add(&problem.Problem{Key: name, Message: message, Hint: suggestOwned(name, persistent)})
		}
		out.dropInterface(name)
	}
	problems.AddError(CheckPersistent(running, out))
	return out, problems.Err()
}

// dropInterface removes the interface and the routes through it.
func (s *State) dropInterface(name string) {
	s.Interfaces = slices.DeleteFunc(s.Interfaces, func(i *Interface) bool { return i.Name == name })
	if s.Routes != nil {
		s.Routes.Config = slices.DeleteFunc(s.Routes.Config, func(r *Route) bool {
			return value(r.NextHopInterface, "") == name
		})
		if len(s.Routes.Config) == 0 {
			s.Routes = nil
		}
	}
}

// CheckPersistent tells whether the persistent set can be made without the
// temporary links of the running one. The error is a *problem.List that names
// each interface and what it stands on.
func CheckPersistent(running, persistent *State) error {
	var problems problem.List
	if running == persistent {
		return nil
	}
	run, stay := byName(running), byName(persistent)
	missing := func(name string) bool {
		i := run[name]
		return i != nil && !physical(i) && slices.Contains(remakes, i.Type) && stay[name] == nil
	}
	for _, i := range persistent.Interfaces {
		for _, name := range below(i) {
			if missing(name) {
				problems.Add(&problem.Problem{
					Key: i.Name, Message: fmt.Sprintf("cannot outlive the boot: %s, which it stands on, is temporary", name),
					Hint: "make " + name + " permanent too, or " + i.Name + " temporary",
				})
			}
		}
	}
	return problems.Err()
}

func suggestOwned(name string, set *State) string {
	names := make([]string, 0, len(set.Interfaces))
	for _, i := range set.Interfaces {
		names = append(names, i.Name)
	}
	if near := problem.Suggest(name, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
