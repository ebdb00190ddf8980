package monitor

import (
	"slices"
	"strings"

	"holdfast/state"
)

// Diff tells in what after differs from before, in an order in which it can
// have happened: what goes, from rules down to links, then what comes and
// changes, from links up to rules. Within a kind the order is that of the
// states. The events have neither number nor time. The same link is one with
// the same number (state.Facts.Index), where an engine tells it, whatever its
// name.
func Diff(before, after *state.State) []Event {
	d := &differ{before: before, after: after}
	d.match()
	routes, rules := d.routes(), d.rules()
	d.add(rules.gone...)
	d.add(routes.gone...)
	d.goneAddresses()
	d.goneLinks()
	d.newLinks()
	d.keptLinks()
	d.newAddresses()
	d.add(routes.come...)
	d.add(rules.come...)
	d.host()
	return d.events
}

// differ is a Diff under way.
type differ struct {
	before, after *state.State
	// was are the links before of those that are there after; is is the other
	// way round.
	was, is map[*state.Interface]*state.Interface
	// names are the names after of the links that were there before under
	// another one.
	names  map[string]string
	events []Event
}

func (d *differ) add(events ...Event) { d.events = append(d.events, events...) }

// identity tells links apart: by number, or by name where there is none.
type identity struct {
	index int
	name  string
}

func identify(i *state.Interface) identity {
	if i.Facts != nil && i.Facts.Index != 0 {
		return identity{index: i.Facts.Index}
	}
	return identity{name: string(i.Type) + " " + i.Name}
}

// match finds the pairs of links.
func (d *differ) match() {
	size := len(d.before.Interfaces)
	d.was = make(map[*state.Interface]*state.Interface, size)
	d.is = make(map[*state.Interface]*state.Interface, size)
	d.names = map[string]string{}
	index := make(map[identity]*state.Interface, size)
	for _, i := range d.before.Interfaces {
		index[identify(i)] = i
	}
	for _, i := range d.after.Interfaces {
		was := index[identify(i)]
		if was == nil {
			continue
		}
		d.was[i], d.is[was] = was, i
		if was.Name != i.Name {
			d.names[was.Name] = i.Name
		}
	}
}

// now is the name after of a link that was called name before.
func (d *differ) now(name string) string {
	if renamed, ok := d.names[name]; ok {
		return renamed
	}
	return name
}

func (d *differ) goneLinks() {
	for _, i := range d.before.Interfaces {
		if d.is[i] == nil {
			d.add(Event{Kind: Link, What: Vanished, Object: i.Name, Type: string(i.Type), From: string(i.State)})
		}
	}
}

func (d *differ) newLinks() {
	for _, i := range d.after.Interfaces {
		if was := d.was[i]; was != nil {
			if was.Name != i.Name {
				d.add(Event{Kind: Link, What: Renamed, Object: i.Name, Type: string(i.Type), From: was.Name, To: i.Name})
			}
			continue
		}
		d.add(Event{Kind: Link, What: Appeared, Object: i.Name, Type: string(i.Type), To: string(i.State)})
		if carrier(i) {
			d.add(Event{Kind: Carrier, What: Up, Object: i.Name})
		}
	}
}

// keptLinks tells what changed of the links that stay: first what is told by
// name, then every other key.
func (d *differ) keptLinks() {
	want, have := &state.State{}, &state.State{}
	for _, i := range d.after.Interfaces {
		was := d.was[i]
		if was == nil || was == i {
			continue
		}
		d.standing(was, i)
		want.Interfaces = append(want.Interfaces, settings(i))
		old := settings(was)
		old.Name = i.Name
		have.Interfaces = append(have.Interfaces, old)
	}
	for _, c := range state.Compare(want, have) {
		d.add(Event{Kind: Link, What: Changed, Object: c.Object, Key: c.Key, From: c.Have, To: c.Want})
	}
}

// standing tells whether a link is up, has a carrier, whose port it is and by
// which further names it is known.
func (d *differ) standing(was, i *state.Interface) {
	if was.State != i.State {
		what := Up
		if i.State != state.Up {
			what = Down
		}
		d.add(Event{Kind: Link, What: what, Object: i.Name, From: string(was.State), To: string(i.State)})
	}
	if carrier(was) != carrier(i) {
		what := Up
		if !carrier(i) {
			what = Down
		}
		d.add(Event{Kind: Carrier, What: what, Object: i.Name})
	}
	if from, to := d.now(controller(was)), controller(i); from != to {
		d.add(Event{Kind: Link, What: Changed, Object: i.Name, Key: "controller", From: from, To: to})
	}
	if from, to := altNames(was), altNames(i); from != to {
		d.add(Event{Kind: Link, What: Changed, Object: i.Name, Key: "alt-names", From: from, To: to})
	}
}

// settings is a link without what is told otherwise: its addresses, whether it
// is up, its controller and its further names.
func settings(i *state.Interface) *state.Interface {
	out := *i
	out.State, out.Controller, out.AltNames = state.Up, nil, nil
	if i.IPv4 != nil {
		ip := *i.IPv4
		ip.Address, ip.Enabled = nil, nil // the kernel's IPv4 is on where there are addresses
		out.IPv4 = &ip
	}
	if i.IPv6 != nil {
		ip := *i.IPv6
		ip.Address = nil
		out.IPv6 = &ip
	}
	return &out
}

func carrier(i *state.Interface) bool { return i.Facts != nil && i.Facts.Carrier }

func controller(i *state.Interface) string {
	if i.Controller == nil {
		return ""
	}
	return *i.Controller
}

func altNames(i *state.Interface) string {
	names := make([]string, 0, len(i.AltNames))
	for _, n := range i.AltNames {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// host tells what changed of the resolver and the host's name.
func (d *differ) host() {
	for _, part := range []struct {
		kind Kind
		of   func(*state.State) *state.State
	}{
		{DNS, func(s *state.State) *state.State { return &state.State{DNS: s.DNS} }},
		{Hostname, func(s *state.State) *state.State { return &state.State{Hostname: s.Hostname} }},
	} {
		for _, c := range state.Compare(part.of(d.after), part.of(d.before)) {
			d.add(Event{Kind: part.kind, What: Changed, Object: c.Object, Key: c.Key, From: c.Have, To: c.Want})
		}
	}
}
