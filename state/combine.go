package state

import (
	"slices"

	"holdfast/internal/document"
	"holdfast/internal/problem"
)

// Combine makes one state of several documents that are one change. Routes and
// rules add up; an interface, a name or a list that two documents define is an
// error which names both places, even if they say the same. The states are
// shared, not copied. Without any it is an empty state.
func Combine(states ...*State) (*State, error) {
	if len(states) == 1 {
		return states[0], nil
	}
	c := &combination{out: &State{}, interfaces: map[string]*Interface{}}
	for _, s := range states {
		c.add(s)
	}
	if err := c.problems.Err(); err != nil {
		return nil, err
	}
	return c.out, nil
}

// combination is a combining under way.
type combination struct {
	out        *State
	interfaces map[string]*Interface
	problems   problem.List
}

func (c *combination) add(s *State) {
	if s.Description != "" {
		if c.out.Description != "" {
			c.out.Description += "\n"
		}
		c.out.Description += s.Description
	}
	c.addInterfaces(s.Interfaces)
	c.addHostname(s.Hostname)
	c.addDNS(s.DNS)
	if s.Routes != nil {
		if c.out.Routes == nil {
			c.out.Routes = &Routes{}
		}
		c.out.Routes.Config = append(slices.Clip(c.out.Routes.Config), s.Routes.Config...)
	}
	if s.Rules != nil {
		if c.out.Rules == nil {
			c.out.Rules = &Rules{}
		}
		c.out.Rules.Config = append(slices.Clip(c.out.Rules.Config), s.Rules.Config...)
	}
	c.addRaw("ovs-db", &c.out.OVSDB, s.OVSDB)
	c.addRaw("ovn", &c.out.OVN, s.OVN)
}

// addInterfaces refuses names of an earlier document; those that one document
// repeats are left to Validate.
func (c *combination) addInterfaces(list []*Interface) {
	for _, i := range list {
		if before := c.interfaces[linkKey(i.Name, i.Type)]; before != nil {
			c.problems.Add(fault(i, "name", i.Name, "the interface is described twice"+whereFirst(before), "describe it in one file"))
		}
	}
	for _, i := range list {
		c.interfaces[linkKey(i.Name, i.Type)] = i
		c.out.Interfaces = append(c.out.Interfaces, i)
	}
}

// twice reports a second definition of a part of a section.
func (c *combination) twice(section, path string, first, second *document.Origin) {
	p := second.Problem(path, "", "is defined twice"+where(first, path), "define it in one file")
	if second == nil {
		p.Key = section + "." + path
	}
	c.problems.Add(p)
}

func (c *combination) addHostname(h *Hostname) {
	switch was := c.out.Hostname; {
	case h == nil:
	case was == nil:
		c.out.Hostname = h
	default:
		out := *was
		if was.Running != nil && h.Running != nil {
			c.twice("hostname", "running", was.Origin, h.Origin)
		}
		if was.Config != nil && h.Config != nil {
			c.twice("hostname", "config", was.Origin, h.Origin)
		}
		out.Running = overlayScalar(out.Running, h.Running)
		out.Config = overlayScalar(out.Config, h.Config)
		c.out.Hostname = &out
	}
}

func (c *combination) addDNS(d *DNS) {
	switch was := c.out.DNS; {
	case d == nil || d.Config == nil:
	case was == nil:
		c.out.DNS = d
	default:
		out := *was.Config
		purges := func(r *Resolver) bool { return r.Server == nil && r.Search == nil && r.Options == nil }
		if purges(was.Config) || purges(d.Config) {
			c.twice("dns-resolver", "config", was.Origin, d.Origin)
			return
		}
		for _, l := range []struct {
			path     string
			out      *[]string
			was, des []string
		}{
			{"config.server", &out.Server, was.Config.Server, d.Config.Server},
			{"config.search", &out.Search, was.Config.Search, d.Config.Search},
			{"config.options", &out.Options, was.Config.Options, d.Config.Options},
		} {
			if l.was != nil && l.des != nil {
				c.twice("dns-resolver", l.path, was.Origin, d.Origin)
			} else if l.des != nil {
				*l.out = l.des
			}
		}
		c.out.DNS = &DNS{Config: &out, Origin: was.Origin}
	}
}

func (c *combination) addRaw(key string, out *Raw, r Raw) {
	if *out != nil && r != nil {
		c.problems.Add(&problem.Problem{Key: key, Message: "the section is defined twice", Hint: "define it in one file"})
		return
	}
	if r != nil {
		*out = r
	}
}
