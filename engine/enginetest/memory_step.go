package enginetest

import (
	"fmt"
	"slices"
	"syscall"

	"holdfast/plan"
	"holdfast/state"
)

// verbs is what carries each verb out.
var verbs = map[plan.Verb]func(*host, *plan.Step) error{
	plan.CreateLink:    (*host).create,
	plan.ChangeLink:    (*host).change,
	plan.RemoveLink:    (*host).removeStep,
	plan.SetUp:         (*host).upStep,
	plan.SetDown:       (*host).downStep,
	plan.Attach:        (*host).attachStep,
	plan.Detach:        (*host).detachStep,
	plan.ChangePort:    (*host).changePort,
	plan.ChangeVLANs:   (*host).changeVLANs,
	plan.ChangeIP:      (*host).changeIP,
	plan.AddAddress:    (*host).addAddress,
	plan.RemoveAddress: (*host).removeAddress,
	plan.AddRoute:      (*host).addRoute,
	plan.RemoveRoute:   (*host).removeRoute,
	plan.ReplaceRoute:  (*host).replaceRoute,
	plan.AddRule:       (*host).addRule,
	plan.RemoveRule:    (*host).removeRule,
	plan.AddName:       (*host).addName,
	plan.RemoveName:    (*host).removeName,
	plan.Describe:      (*host).describe,
	plan.SetDNS:        (*host).setDNS,
	plan.SetHostname:   (*host).setHostname,
}

func (h *host) do(step *plan.Step) error {
	verb := verbs[step.Verb]
	if verb == nil {
		return fmt.Errorf("internal error: unknown verb %q", step.Verb)
	}
	if err := verb(h, step); err != nil {
		return err
	}
	h.settle()
	return nil
}

// settle lets follow what follows by itself: MTU and MAC of bridges and bonds,
// link-local addresses.
func (h *host) settle() {
	for range 2 { // a bridge can sit on a VLAN on a bridge
		for _, l := range h.sorted() {
			h.settleMAC(l)
			h.settleMTU(l)
		}
	}
	for _, l := range h.sorted() {
		h.settleLinkLocal(l)
	}
}

func (h *host) addName(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	if h.taken(step.AltName) {
		return syscall.EEXIST
	}
	l.set.AltNames = append(l.set.AltNames, state.AltName{Name: step.AltName})
	return nil
}

// describe keeps what changes nothing.
func (h *host) describe(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	l.set.Description, l.set.ProfileName, l.set.WaitIP = step.Link.Description, step.Link.ProfileName, step.Link.WaitIP
	return nil
}

// taken tells whether a name or alternative name is in use.
func (h *host) taken(name string) bool {
	for _, l := range h.links {
		if l.name() == name || slices.ContainsFunc(l.set.AltNames, func(a state.AltName) bool { return a.Name == name }) {
			return true
		}
	}
	return false
}

func (h *host) removeName(step *plan.Step) error {
	l, err := h.find(step.Object)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(l.set.AltNames, func(a state.AltName) bool { return a.Name == step.AltName })
	if at < 0 {
		return syscall.ENOENT
	}
	l.set.AltNames = slices.Delete(l.set.AltNames, at, at+1)
	return nil
}

func (h *host) addRule(step *plan.Step) error {
	rule := completeRule(step.Rule)
	if slices.ContainsFunc(h.rules, func(r *state.Rule) bool { return sameRule(r, rule) }) {
		return syscall.EEXIST
	}
	h.rules = append(h.rules, rule)
	return nil
}

func (h *host) removeRule(step *plan.Step) error {
	rule := completeRule(step.Rule)
	at := slices.IndexFunc(h.rules, func(r *state.Rule) bool { return sameRule(r, rule) })
	if at < 0 {
		return syscall.ENOENT
	}
	h.rules = slices.Delete(h.rules, at, at+1)
	return nil
}

// completeRule is a copy of the rule as the kernel shows it.
func completeRule(r *state.Rule) *state.Rule {
	c := *r
	c.State, c.Origin = "", nil
	if c.Family == "" {
		c.Family = state.FamilyIPv4
		if c.IPFrom.Addr().Is6() || c.IPTo.Addr().Is6() {
			c.Family = state.FamilyIPv6
		}
	}
	if c.Action == "" && value(c.RouteTable) == 0 {
		c.RouteTable = new(uint32(mainTable))
	}
	if c.Action != "" {
		c.RouteTable = nil
	}
	if c.FWMark != nil && c.FWMask == nil {
		c.FWMask = new(^uint32(0))
	}
	if c.Facts == nil {
		c.Facts = &state.RuleFacts{Protocol: ourProtocol}
	}
	return &c
}

func sameRule(a, b *state.Rule) bool {
	return a.Family == b.Family && a.IPFrom == b.IPFrom && a.IPTo == b.IPTo && a.IIF == b.IIF && a.Action == b.Action &&
		value(a.Priority) == value(b.Priority) && value(a.RouteTable) == value(b.RouteTable) &&
		value(a.FWMark) == value(b.FWMark) && value(a.FWMask) == value(b.FWMask) &&
		sameValue(a.SuppressPrefixLength, b.SuppressPrefixLength)
}

func sameValue[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && value(a) == value(b)
}

func (h *host) setDNS(step *plan.Step) error {
	config := *step.Resolver
	h.dns = &state.DNS{Config: &config, Running: &config}
	return nil
}

func (h *host) setHostname(step *plan.Step) error {
	if h.names == nil {
		h.names = &state.Hostname{}
	}
	if step.Hostname.Running != nil {
		h.names.Running = step.Hostname.Running
	}
	if step.Hostname.Config != nil {
		h.names.Config = step.Hostname.Config
	}
	return nil
}
