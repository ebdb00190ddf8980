package probe

import (
	"net/netip"
	"slices"

	"holdfast/state"
)

// Question is what one probe asks: Target is Spec itself, or one of those that
// a gateway stands for.
type Question struct{ Spec, Target Spec }

// Expand gives the questions of the probes on a host that is as the state
// says: a gateway becomes one question for each default gateway of either
// family in any routing table, all others are their own question. Where there
// is no default gateway, one that was asked for is its own question, which
// cannot be answered; a default one asks nothing.
func Expand(specs []Spec, on *state.State) []Question {
	var questions []Question
	for _, s := range specs {
		if s.Kind != Gateway {
			questions = append(questions, Question{Spec: s, Target: s})
			continue
		}
		targets := gateways(s, on)
		for _, target := range targets {
			questions = append(questions, Question{Spec: s, Target: target})
		}
		if len(targets) == 0 && !s.Default {
			questions = append(questions, Question{Spec: s, Target: s})
		}
	}
	return questions
}

// gateways are the probes that a gateway stands for, in the order of the
// routes.
func gateways(s Spec, on *state.State) []Spec {
	if on == nil || on.Routes == nil {
		return nil
	}
	routes := on.Routes.Running
	if len(routes) == 0 {
		routes = on.Routes.Config
	}
	var targets []Spec
	for _, r := range routes {
		if !throughGateway(r) {
			continue
		}
		if target := gatewayTarget(s, r, on); !slices.Contains(targets, target) {
			targets = append(targets, target)
		}
	}
	return targets
}

// throughGateway tells whether the route is a default one with a next hop.
func throughGateway(r *state.Route) bool {
	return r.State == "" && r.Type == "" && r.Destination.IsValid() && r.Destination.Bits() == 0 &&
		r.NextHopAddress != nil && r.NextHopAddress.IsValid() && !r.NextHopAddress.IsUnspecified()
}

// gatewayTarget is the probe of one gateway. A router need not answer pings,
// but where links have hardware addresses it must answer for its own, or
// nothing could be sent to it.
func gatewayTarget(s Spec, r *state.Route, on *state.State) Spec {
	target := s
	target.Kind, target.Host = ARP, r.NextHopAddress.Unmap().WithZone("").String()
	if r.NextHopInterface == nil {
		return target
	}
	target.Interface = *r.NextHopInterface
	if i := on.Find(target.Interface); i != nil && !resolves(i) {
		target.Kind = Ping
	}
	return target
}

// resolves tells whether the link finds its neighbours by ARP as Ethernet does.
func resolves(i *state.Interface) bool {
	return i.Type != state.TypeInfiniBand && i.MAC != ""
}

// family is that of the question's host, for messages and for judging a
// gateway; empty when it is a name.
func (q Question) family() string {
	addr, err := netip.ParseAddr(q.Target.Host)
	switch {
	case err != nil:
		return ""
	case addr.Is4():
		return "IPv4"
	}
	return "IPv6"
}

// Label names the question in messages: the probe, and for a gateway also
// which one.
func (q Question) Label() string {
	if q.Spec == q.Target {
		return q.Spec.Label()
	}
	return q.Spec.Label() + " " + hostText(q.Target.Host, q.Target.Interface, 0)
}
