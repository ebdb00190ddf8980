package tests

import (
	"fmt"
	"net/netip"
	"slices"

	"holdfast/state"
)

func expectRoutes(s *state.State) []string {
	lines := []string{}
	if s.Routes == nil {
		return lines
	}
	for _, r := range s.Routes.Config {
		if r.State != state.Absent {
			lines = append(lines, expectRoute(r))
		}
	}
	slices.Sort(lines)
	return lines
}

func expectRoute(r *state.Route) string {
	var metric int64
	if r.Metric != nil && *r.Metric > 0 {
		metric = *r.Metric
	}
	table, weight, dev, via := "254", 1, "", ""
	if r.TableID != nil && *r.TableID != 0 {
		table = fmt.Sprint(*r.TableID)
	}
	if r.Weight != nil {
		weight = int(*r.Weight)
	}
	if r.NextHopInterface != nil {
		dev = *r.NextHopInterface
	}
	if r.NextHopAddress != nil && r.NextHopAddress.IsValid() {
		via = r.NextHopAddress.String()
	}
	line := routeLine(string(r.Type), r.Destination.String(), dev, via, metric, table, weight)
	words := map[string]string{}
	for key, value := range map[string]any{
		"mtu": r.MTU, "advmss": r.AdvMSS, "cwnd": r.CWND, "initcwnd": r.InitCWND, "initrwnd": r.InitRWND,
		"quickack": r.QuickACK, "lock mtu": r.LockMTU,
	} {
		mention(words, key, value)
	}
	line += metricWords(words)
	if r.Source != nil {
		line += " source " + r.Source.String()
	}
	return line
}

func expectRules(s *state.State) []string {
	lines := []string{}
	if s.Rules == nil {
		return lines
	}
	for _, r := range s.Rules.Config {
		if r.State == state.Absent {
			continue
		}
		family := "-4"
		if r.Family == state.FamilyIPv6 || r.IPFrom.Addr().Is6() || r.IPTo.Addr().Is6() {
			family = "-6"
		}
		var mark, mask uint64
		if r.FWMark != nil {
			mark = uint64(*r.FWMark)
		}
		if r.FWMask != nil {
			mask = uint64(*r.FWMask)
		}
		table := "254"
		if r.RouteTable != nil && *r.RouteTable != 0 {
			table = fmt.Sprint(*r.RouteTable)
		}
		if r.Action != "" {
			table = ""
		}
		line := ruleLine(family, *r.Priority, text(r.IPFrom), text(r.IPTo), r.IIF, mark, mask, table, string(r.Action))
		if r.SuppressPrefixLength != nil {
			line += fmt.Sprintf(" suppress %d", *r.SuppressPrefixLength)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

func text(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}
