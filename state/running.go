package state

// RunningConfig returns what of a host's state is configuration: without
// addresses of finite life or made by the kernel or a daemon, without routes
// and resolvers that run but are not configured. It shares with s what it does
// not change.
func RunningConfig(s *State) *State {
	out := *s
	if s.DNS != nil {
		out.DNS = &DNS{Config: s.DNS.Config, Origin: s.DNS.Origin}
	}
	if s.Hostname != nil {
		out.Hostname = &Hostname{Config: s.Hostname.Config, Origin: s.Hostname.Origin}
	}
	if s.Routes != nil {
		out.Routes = &Routes{Config: configuredRoutes(s.Routes.Config)}
	}
	if s.Rules != nil {
		out.Rules = &Rules{Config: configuredRules(s.Rules.Config)}
	}
	out.Interfaces = make([]*Interface, len(s.Interfaces))
	for n, i := range s.Interfaces {
		out.Interfaces[n] = staticInterface(i)
	}
	return &out
}

// staticInterface returns the interface without addresses that are no
// configuration: itself when it has none.
func staticInterface(i *Interface) *Interface {
	out := *i
	if i.IPv4 != nil {
		if list, changed := staticAddresses(i.IPv4.Address); changed {
			ip := *i.IPv4
			ip.Address = list
			out.IPv4 = &ip
		}
	}
	if i.IPv6 != nil {
		if list, changed := staticAddresses(i.IPv6.Address); changed {
			ip := *i.IPv6
			ip.Address = list
			out.IPv6 = &ip
		}
	}
	if out.IPv4 == i.IPv4 && out.IPv6 == i.IPv6 {
		return i
	}
	return &out
}

func staticAddresses(list []Address) ([]Address, bool) {
	kept := make([]Address, 0, len(list))
	for _, a := range list {
		if !a.foreign() {
			kept = append(kept, a)
		}
	}
	return kept, len(kept) < len(list)
}

func configuredRoutes(list []*Route) []*Route {
	kept := make([]*Route, 0, len(list))
	for _, r := range list {
		if !r.foreign() {
			kept = append(kept, r)
		}
	}
	return kept
}

func configuredRules(list []*Rule) []*Rule {
	kept := make([]*Rule, 0, len(list))
	for _, r := range list {
		if !r.foreign() {
			kept = append(kept, r)
		}
	}
	return kept
}
