package state

import (
	"cmp"
	"slices"
)

// Difference is one thing in which a host is not what was asked for.
type Difference struct {
	// Object names the interface, or the route or rule in ip(8)'s words, or the
	// section.
	Object string `json:"object"`
	// Key is the schema's key path inside the object; empty for the whole.
	Key string `json:"key,omitempty"`
	// Want and Have are the values as a document writes them; Have is empty for
	// what is not there.
	Want string `json:"want"`
	Have string `json:"have"`
	// Pending is set when waiting may still bring it about: an address whose
	// duplicate detection runs.
	Pending bool `json:"pending,omitempty"`
}

// Compare tells in what have is not as want asks, in a fixed order. Only what
// want mentions counts, and the same said differently is equal: the order of
// ports, letter case of MACs, ranges of VLANs, -1 and 0 for defaults. More
// addresses than listed are fine unless allow-extra-address is false. What
// have cannot tell, such as LACP settings that need privileges, is no
// difference. Nothing is changed.
func Compare(want, have *State) []Difference {
	if want == have || want == nil {
		return nil
	}
	c := &comparison{have: have}
	if have == nil {
		c.have = &State{}
	}
	c.interfaces(want.Interfaces)
	c.routes(want.Routes)
	c.rules(want.Rules)
	c.dns(want.DNS)
	c.hostname(want.Hostname)
	return c.differences
}

// comparison is a comparison under way.
type comparison struct {
	have *State
	// index finds the interfaces of have.
	index map[string]*Interface
	// asked names the interfaces of want.
	asked       map[string]bool
	object      string
	differences []Difference
}

func (c *comparison) add(key, want, have string) {
	c.differences = append(c.differences, Difference{Object: c.object, Key: key, Want: want, Have: have})
}

// text compares two words; an empty wish is none.
func (c *comparison) text(key, want, have string) {
	if want != "" && want != have {
		c.add(key, want, have)
	}
}

func (c *comparison) interfaces(list []*Interface) {
	c.index = make(map[string]*Interface, len(c.have.Interfaces))
	for _, i := range c.have.Interfaces {
		c.index[linkKey(i.Name, i.Type)] = i
	}
	c.asked = make(map[string]bool, len(list))
	for _, want := range list {
		c.asked[want.Name] = want.State != Ignore
	}
	for _, want := range list {
		have := c.index[linkKey(want.Name, want.Type)]
		if have == want || want.State == Ignore {
			continue
		}
		c.object = want.Name
		switch {
		case want.State == Absent:
			if have != nil && !physical(have) {
				c.add("state", string(Absent), string(have.State))
			}
		case have == nil:
			c.add("state", string(cmp.Or(want.State, Up)), string(Absent))
		default:
			c.iface(want, have)
		}
	}
}

func (c *comparison) iface(want, have *Interface) {
	for _, part := range comparers {
		part(c, want, have)
	}
}

func (c *comparison) dns(want *DNS) {
	if want == nil || want.Config == nil {
		return
	}
	c.object = "dns-resolver"
	have, w := Resolver{}, *want.Config
	if c.have.DNS != nil && c.have.DNS.Config != nil {
		have = *c.have.DNS.Config
	}
	if w.Server == nil && w.Search == nil && w.Options == nil {
		w = Resolver{Server: []string{}, Search: []string{}, Options: []string{}}
	}
	c.list("config.server", w.Server, have.Server, slices.Equal)
	c.list("config.search", w.Search, have.Search, slices.Equal)
	c.list("config.options", w.Options, have.Options, sameSet)
}

// list compares two lists of words; nil is no wish.
func (c *comparison) list(key string, want, have []string, equal func(a, b []string) bool) {
	if want != nil && !equal(want, have) {
		c.add(key, listText(want), listText(have))
	}
}

func (c *comparison) hostname(want *Hostname) {
	if want == nil {
		return
	}
	c.object = "hostname"
	have := Hostname{}
	if c.have.Hostname != nil {
		have = *c.have.Hostname
	}
	if want.Running != nil && *want.Running != value(have.Running, "") {
		c.add("running", *want.Running, value(have.Running, ""))
	}
	if want.Config != nil && *want.Config != value(have.Config, "") {
		c.add("config", *want.Config, value(have.Config, ""))
	}
}
