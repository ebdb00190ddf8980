package tests

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
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
		return l.addresses(what, false)
	case "inet6-any":
		return l.addresses("inet6", true)
	case "peer":
		return l.Link
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
	if flag, ok := strings.CutPrefix(what, "flag "); ok {
		list, _ := l.Info.Data["flags"].([]any)
		return fmt.Sprint(slices.Contains(list, any(flag)))
	}
	switch what {
	case "protocol", "vlan_protocol":
		return strings.ToLower(word(l.Info.Data[what]))
	case "queue_id", "prio", "hairpin", "cost":
		return word(l.Info.Slave[what])
	case "port-priority":
		return word(l.Info.Slave["priority"])
	case "arp_validate":
		if value, ok := l.Info.Data[what]; ok && value == nil {
			return "none"
		}
	case "arp_ip_target", "ns_ip6_target":
		if l.Info.Data[what] == nil {
			return ""
		}
	case "ingress_qos", "egress_qos":
		return l.qos(what)
	}
	return word(l.Info.Data[what])
}

// qos writes a map of priorities.
func (l link) qos(what string) string {
	var words []string
	list, _ := l.Info.Data[what].([]any)
	for _, entry := range list {
		pair, _ := entry.(map[string]any)
		words = append(words, word(pair["from"])+":"+word(pair["to"]))
	}
	slices.Sort(words)
	return strings.Join(words, ",")
}

// word writes a value of JSON as facts do.
func word(value any) string {
	switch value := value.(type) {
	case nil:
		return "(not shown)"
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case []any:
		words := make([]string, len(value))
		for n, entry := range value {
			words[n] = word(entry)
		}
		return strings.Join(words, ",")
	}
	return fmt.Sprint(value)
}

// addresses lists a family's addresses that somebody configured, or all.
func (l link) addresses(family string, all bool) string {
	var words []string
	for _, a := range l.Addresses {
		if a.Family != family || a.Family == "inet6" && a.Scope == "link" && !all {
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
