package state

import "slices"

// Without returns the set without the named interfaces and without all that
// cannot be made without them: links that stand on them, the other ends of
// pairs, and routes through any of these. Bonds and bridges only lose the ports.
// dropped names what else went, sorted.
func (s *State) Without(names []string) (rest *State, dropped []string) {
	gone := map[string]bool{}
	for _, name := range names {
		gone[name] = true
	}
	for again := true; again; {
		again = false
		for _, i := range s.Interfaces {
			if gone[i.Name] || !slices.ContainsFunc(requires(i), func(name string) bool { return gone[name] }) {
				continue
			}
			gone[i.Name], again = true, true
			dropped = append(dropped, i.Name)
		}
	}
	slices.Sort(dropped)
	return s.only(func(name string) bool { return !gone[name] }), dropped
}

// requires names what an interface cannot be made without: its base, and the other
// end of a pair.
func requires(i *Interface) []string {
	if i.Veth != nil && i.Veth.Peer != "" {
		return []string{i.Veth.Peer}
	}
	return bases(i)
}

// only returns the set with the interfaces that keep names, ports of theirs
// alone, and routes through them. What has no interface stays.
func (s *State) only(keep func(name string) bool) *State {
	out := s.Clone()
	out.Interfaces = slices.DeleteFunc(out.Interfaces, func(i *Interface) bool { return !keep(i.Name) })
	for _, i := range out.Interfaces {
		if i.Bond != nil {
			i.Bond.Port = slices.DeleteFunc(i.Bond.Port, func(p string) bool { return !keep(p) })
			i.Bond.PortsConfig = slices.DeleteFunc(i.Bond.PortsConfig, func(p BondPort) bool { return !keep(p.Name) })
		}
		if i.Bridge != nil {
			i.Bridge.Port = slices.DeleteFunc(i.Bridge.Port, func(p BridgePort) bool { return !keep(p.Name) })
		}
	}
	if out.Routes != nil {
		out.Routes.Config = slices.DeleteFunc(out.Routes.Config, func(r *Route) bool {
			name := value(r.NextHopInterface, "")
			return name != "" && !keep(name)
		})
	}
	return out
}

// Parts cuts a set into those that have nothing to do with each other: each
// holds the interfaces that stand on one another, are ports of one another or
// pairs, and the routes through them. The last one holds the rest: rules, routes
// without an interface, the resolver and the host name. The order is that of the
// first interface of each.
func (s *State) Parts() []*State {
	group := map[string]string{}
	var find func(name string) string
	find = func(name string) string {
		if up, known := group[name]; known && up != name {
			group[name] = find(up)
			return group[name]
		}
		return name
	}
	for _, i := range s.Interfaces {
		for _, other := range slices.Concat(below(i), requires(i)) {
			group[find(other)] = find(i.Name)
		}
	}
	members := map[string]map[string]bool{}
	var order []string
	for _, i := range s.Interfaces {
		root := find(i.Name)
		if members[root] == nil {
			members[root] = map[string]bool{}
			order = append(order, root)
		}
		members[root][i.Name] = true
	}
	parts := make([]*State, 0, len(order)+1)
	for _, root := range order {
		part := s.only(func(name string) bool { return members[root][name] })
		part.Rules, part.DNS, part.Hostname = nil, nil, nil
		if part.Routes != nil {
			part.Routes.Config = slices.DeleteFunc(part.Routes.Config, func(r *Route) bool { return value(r.NextHopInterface, "") == "" })
		}
		parts = append(parts, part)
	}
	rest := s.Clone()
	rest.Interfaces = nil
	if rest.Routes != nil {
		rest.Routes.Config = slices.DeleteFunc(rest.Routes.Config, func(r *Route) bool { return value(r.NextHopInterface, "") != "" })
	}
	return append(parts, rest)
}

// Missing tells which hardware of an owned set is not on the host, and for each
// the name that it seems to have now: that of the NIC with the permanent address
// that the set knows it by, empty if there is none.
func Missing(set, current *State) map[string]string {
	there := map[string]bool{}
	byMAC := map[MAC]string{}
	for _, i := range current.Interfaces {
		there[i.Name] = true
		for _, a := range i.AltNames {
			there[a.Name] = true
		}
		if i.PermanentMAC != "" {
			byMAC[upper(i.PermanentMAC)] = i.Name
		}
	}
	missing := map[string]string{}
	for _, i := range set.Interfaces {
		if there[i.Name] || remakeable(i) || i.Type == TypeLoopback {
			continue
		}
		missing[i.Name] = byMAC[upper(i.PermanentMAC)]
	}
	return missing
}
