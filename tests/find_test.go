package tests

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// readVLANs reads the bridges' VLAN tables (bridge -j vlan).
func readVLANs(t *testing.T) map[string]string {
	t.Helper()
	var list []struct {
		Name  string `json:"ifname"`
		VLANs []struct {
			First int      `json:"vlan"`
			Last  int      `json:"vlanEnd"`
			Flags []string `json:"flags"`
		} `json:"vlans"`
	}
	read(t, &list, "bridge", "-j", "vlan", "show")
	tables := map[string]string{}
	for _, port := range list {
		table := map[int]string{}
		for _, v := range port.VLANs {
			mark := ""
			if slices.Contains(v.Flags, "Egress Untagged") {
				mark += "u"
			}
			if slices.Contains(v.Flags, "PVID") {
				mark += "*"
			}
			for id := v.First; id <= max(v.First, v.Last); id++ {
				table[id] = mark
			}
		}
		tables[port.Name] = vlanWords(table)
	}
	return tables
}

// find looks one thing up, by the words that facts use.
func (l link) find(what string, links map[string]link, vlans map[string]string) string {
	switch what {
	case "kind":
		return l.Info.Kind
	case "up":
		return fmt.Sprint(slices.Contains(l.Flags, "UP"))
	case "mtu":
		return fmt.Sprint(l.MTU)
	case "mac":
		return l.Address
	case "master":
		return l.Master
	case "base":
		return l.Link
	case "inet", "inet6":
		return l.addresses(what)
	case "ports":
		return l.ports(links)
	case "vlans":
		return vlans[l.Name]
	default:
		return l.option(what)
	}
}

// option looks a kind's or a port's option up.
func (l link) option(what string) string {
	switch what {
	case "protocol":
		return strings.ToLower(fmt.Sprint(l.Info.Data["protocol"]))
	case "flags":
		var flags []string
		list, _ := l.Info.Data["flags"].([]any)
		for _, flag := range list {
			flags = append(flags, fmt.Sprint(flag))
		}
		slices.Sort(flags)
		return strings.Join(flags, ",")
	case "queue":
		return fmt.Sprint(l.Info.Slave["queue_id"])
	case "hairpin", "cost", "priority":
		if value, ok := l.Info.Slave[what]; ok {
			return fmt.Sprint(value)
		}
	}
	return fmt.Sprint(l.Info.Data[what])
}

// addresses lists a family's addresses that somebody configured.
func (l link) addresses(family string) string {
	var words []string
	for _, a := range l.Addresses {
		if a.Family != family || a.Family == "inet6" && a.Scope == "link" {
			continue
		}
		ip, err := netip.ParseAddr(a.Local)
		if err != nil {
			continue
		}
		word := netip.PrefixFrom(ip, a.Length).String()
		if a.Secondary && family == "inet" {
			word += " secondary"
		}
		words = append(words, word)
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// ports names the links whose master this is.
func (l link) ports(links map[string]link) string {
	var names []string
	for name, port := range links {
		if port.Master == l.Name {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
