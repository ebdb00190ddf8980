package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"holdfast"
	"holdfast/api"
	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/plan"
	"holdfast/state"
)

// handlers are those of the routes, by their ids.
func handlers() map[string]handler {
	return map[string]handler{
		"hello": hello, "openapi": openAPI, "show": show, "show-one": show, "plan": planned, "drift": drift,
		"pending": pending, "history": history, "generation": generation,
		"apply": apply, "return": returnTo, "confirm": confirm, "rollback": rollback, "abandon": abandon, "heard": heard,
		"persist": persist, "unpersist": unpersist,
	}
}

func hello(s *Server, c *call) (any, error) {
	answer := s.options.Build
	answer.Engine, answer.Rights, answer.Name = s.host.Engine(), c.rights, c.peer.identity()
	return answer, nil
}

// maxName is the longest name of a link, an alternative one (ALTIFNAMSIZ - 1,
// linux/if.h), in bytes.
const maxName = 127

// interfaceName checks a name of the path or the query.
func interfaceName(name string) error {
	bad := func(r rune) bool { return r == '/' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if name == "" || name == "." || name == ".." || len(name) > maxName || strings.IndexFunc(name, bad) >= 0 {
		return &engine.Error{Kind: engine.Invalid, Err: fmt.Errorf("%.60q is not the name of an interface", name)}
	}
	return nil
}

func show(s *Server, c *call) (any, error) {
	names := c.r.URL.Query()["name"]
	if one := c.r.PathValue("name"); c.route.ID == "show-one" {
		names = []string{one}
	}
	for _, name := range names {
		if err := interfaceName(name); err != nil {
			return nil, err
		}
	}
	secrets, err := c.secrets()
	if err != nil {
		return nil, err
	}
	configOnly, err := c.flag("running-config")
	if err != nil {
		return nil, err
	}
	details, err := c.flag("details")
	if err != nil {
		return nil, err
	}
	current, age, err := s.current(c, names, details)
	if err != nil {
		return nil, err
	}
	current = c.visible(current)
	facts := factsOf(current)
	if configOnly {
		current = state.RunningConfig(current)
	}
	return api.Shown{State: state.EncodeJSON(current, secrets...), Age: age.Seconds(), Facts: facts}, nil
}

// current reads the host, or a part of it.
func (s *Server) current(c *call, names []string, details bool) (current *state.State, age time.Duration, err error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), readLimit)
	defer cancel()
	if len(names) == 0 && !details {
		return s.reader.read(ctx)
	}
	leave, err := s.gate.enter(ctx, c.peer.key())
	if err != nil {
		return nil, 0, err
	}
	defer leave()
	current, err = s.host.Show(ctx, holdfast.ShowOptions{Names: names, Details: details})
	if err == nil && c.route.ID == "show-one" && len(current.Interfaces) == 0 {
		err = &engine.Error{Object: names[0], Kind: engine.NotFound, Err: errors.New("no such interface")}
	}
	return current, 0, err
}

// secrets tells whether secrets are to be shown, which needs the right to write.
func (c *call) secrets() ([]state.EncodeOption, error) {
	wanted, err := c.flag("show-secrets")
	switch {
	case err != nil || !wanted:
		return nil, err
	case c.rights != api.Write:
		return nil, c.noRight()
	}
	return []state.EncodeOption{state.ShowSecrets()}, nil
}

// visible is the part of a state that the peer may see: the kernel tells a
// bond's LACP identity to root only (bond_netlink.c, bond_fill_info).
func (c *call) visible(s *state.State) *state.State {
	if c.rights == api.Write {
		return s
	}
	s = s.Clone()
	for _, i := range s.Interfaces {
		if i.Bond != nil && i.Bond.Options != nil {
			o := i.Bond.Options
			o.ADActorSysPrio, o.ADActorSystem, o.ADUserPortKey = nil, "", nil
		}
	}
	return s
}

// privileged tells whether a key is among what visible takes out.
func privileged(key string) bool {
	return strings.HasSuffix(key, "ad_actor_sys_prio") || strings.HasSuffix(key, "ad_actor_system") || strings.HasSuffix(key, "ad_user_port_key")
}

// differences are those that the peer may see.
func (c *call) differences(list []state.Difference) []state.Difference {
	seen := slices.Clone(list)
	if c.rights != api.Write {
		seen = slices.DeleteFunc(seen, func(d state.Difference) bool { return privileged(d.Key) })
	}
	if seen == nil {
		seen = []state.Difference{}
	}
	return seen
}

func factsOf(s *state.State) map[string]api.Facts {
	all := make(map[string]api.Facts, len(s.Interfaces))
	for _, i := range s.Interfaces {
		if i.Facts == nil {
			continue
		}
		f := api.Facts{Carrier: i.Facts.Carrier, Foreign: i.Facts.Foreign, BaseElsewhere: i.Facts.BaseElsewhere}
		for _, a := range addresses(i) {
			if a.Facts != nil && a.Facts.Failed {
				f.Failed = append(f.Failed, a.Prefix().String())
			}
		}
		all[i.Name] = f
	}
	return all
}

func addresses(i *state.Interface) []state.Address {
	var all []state.Address
	if i.IPv4 != nil {
		all = append(all, i.IPv4.Address...)
	}
	if i.IPv6 != nil {
		all = append(all, i.IPv6.Address...)
	}
	return all
}

// desired reads what is asked for.
func desired(d *api.Desired) (*state.State, error) {
	switch {
	case len(d.State) > 0 && len(d.Documents) > 0:
		return nil, &engine.Error{Kind: engine.Invalid, Err: errors.New("state and documents exclude each other")}
	case len(d.State) > 0:
		return state.Parse("state", d.State)
	case len(d.Documents) == 0:
		return nil, &engine.Error{Kind: engine.Invalid, Err: errors.New("neither state nor documents say what is desired")}
	}
	var states []*state.State
	var problems problem.List
	for _, doc := range d.Documents {
		s, err := state.Parse(problem.Printable(doc.Name), []byte(doc.Text))
		problems.AddError(err)
		states = append(states, s)
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return state.Combine(states...)
}

func planned(s *Server, c *call) (any, error) {
	var request api.PlanRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	want, err := desired(&request.Desired)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(c.r.Context(), readLimit)
	defer cancel()
	draft, err := s.host.Plan(ctx, want, holdfast.PlanOptions{Force: request.Force})
	if err != nil {
		return nil, err
	}
	answer := api.Planned{
		Plan: draft.Plan.Document(), Differences: c.differences(state.Compare(draft.Target.Desired, draft.Plan.Current)),
	}
	switch request.Text {
	case "":
	case "plain", "color":
		var text bytes.Buffer
		err = plan.Render(&text, draft.Plan, plan.RenderOptions{Color: request.Text == "color"})
		answer.Text = text.String()
	default:
		err = &engine.Error{Object: "text", Kind: engine.Invalid, Err: fmt.Errorf("%.60q is neither plain nor color", request.Text)}
	}
	return answer, err
}

func drift(s *Server, c *call) (any, error) {
	ctx, cancel := context.WithTimeout(c.r.Context(), readLimit)
	defer cancel()
	list, number, err := s.host.Drift(ctx)
	if err != nil {
		return nil, err
	}
	return api.Drift{Differences: c.differences(list), Generation: number}, nil
}

func pending(s *Server, c *call) (any, error) {
	p, err := s.host.Pending(c.r.Context())
	if p == nil || err != nil {
		return api.PendingAnswer{}, err
	}
	return api.PendingAnswer{Pending: &api.Pending{
		Transaction: p.Transaction, Generation: p.Generation, Who: p.Who, Time: p.Time, Purpose: p.Purpose,
		Phase: p.Phase, Left: p.Left.Seconds(), Attempts: p.Attempts, Owner: p.Owner,
	}}, nil
}

func history(s *Server, c *call) (any, error) {
	entries, damages, err := s.host.History(c.r.Context())
	if err != nil {
		return nil, err
	}
	answer := api.History{History: []api.HistoryEntry{}, Damaged: damaged(damages)}
	for _, e := range entries {
		answer.History = append(answer.History, api.HistoryEntry{Meta: e.Meta, Outcome: e.Outcome, Error: e.Error, Seconds: e.Took.Seconds()})
	}
	return answer, nil
}

func damaged(damages []holdfast.Damage) []api.Damage {
	list := []api.Damage{}
	for _, d := range damages {
		list = append(list, api.Damage{File: d.Path, Error: d.Err.Error()})
	}
	return list
}

// number reads the generation of the path.
func (c *call) number() (int, error) {
	word := c.r.PathValue("number")
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 {
		return 0, &engine.Error{Kind: engine.Invalid, Err: fmt.Errorf("%.60q is not the number of a generation", word)}
	}
	return n, nil
}

func generation(s *Server, c *call) (any, error) {
	secrets, err := c.secrets()
	if err != nil {
		return nil, err
	}
	var g *holdfast.Generation
	var damages []holdfast.Damage
	if c.r.PathValue("number") == "newest" {
		g, damages, err = s.host.Newest(c.r.Context())
		if g == nil && err == nil {
			err = &engine.Error{Kind: engine.NotFound, Err: errors.New("nothing was applied yet")}
		}
	} else {
		var n int
		if n, err = c.number(); err == nil {
			g, err = s.host.Generation(c.r.Context(), n)
		}
	}
	if err != nil {
		return nil, err
	}
	return api.Generation{
		Meta: g.Meta, Running: state.EncodeJSON(c.visible(g.Running), secrets...),
		Persistent: state.EncodeJSON(c.visible(g.Persistent), secrets...), Damaged: damaged(damages),
	}, nil
}
