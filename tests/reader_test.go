package tests

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// link is what the independent reader (ip -j -d address) says of a link.
type link struct {
	Name    string   `json:"ifname"`
	Master  string   `json:"master"`
	Link    string   `json:"link"`
	MTU     int      `json:"mtu"`
	Address string   `json:"address"`
	Flags   []string `json:"flags"`
	Info    struct {
		Kind  string         `json:"info_kind"`
		Data  map[string]any `json:"info_data"`
		Slave map[string]any `json:"info_slave_data"`
	} `json:"linkinfo"`
	Addresses []address `json:"addr_info"`
}

// address is one address of a link.
type address struct {
	Family    string `json:"family"`
	Local     string `json:"local"`
	Length    int    `json:"prefixlen"`
	Scope     string `json:"scope"`
	Secondary bool   `json:"secondary"`
	Tentative bool   `json:"tentative"`
}

// route is one route with its next hops (ip -j -d route).
type route struct {
	Type     string           `json:"type"`
	Dst      string           `json:"dst"`
	Gateway  string           `json:"gateway"`
	Dev      string           `json:"dev"`
	Table    string           `json:"table"`
	Protocol string           `json:"protocol"`
	Source   string           `json:"prefsrc"`
	Metric   int64            `json:"metric"`
	Metrics  []map[string]any `json:"metrics"`
	Locked   bool             `json:"-"`
	Hops     []struct {
		Gateway string `json:"gateway"`
		Dev     string `json:"dev"`
		Weight  int    `json:"weight"`
	} `json:"nexthops"`
}

// rule is one policy rule (ip -j -d rule).
type rule struct {
	Priority int64  `json:"priority"`
	Src      string `json:"src"`
	SrcLen   int    `json:"srclen"`
	Dst      string `json:"dst"`
	DstLen   int    `json:"dstlen"`
	IIF      string `json:"iif"`
	Mark     string `json:"fwmark"`
	Mask     string `json:"fwmask"`
	Table    string `json:"table"`
	Protocol string `json:"protocol"`
	Action   string `json:"action"`
	Suppress *int64 `json:"suppress_prefixlen"`
}

// read runs a command that prints JSON, and decodes what it prints.
func read(t *testing.T, into any, name string, args ...string) {
	t.Helper()
	out, err := exec.Command(name, args...).Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	if len(strings.TrimSpace(string(out))) == 0 {
		return
	}
	if err := json.Unmarshal(out, into); err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
}

// readLinks reads all links by name.
func readLinks(t *testing.T) map[string]link {
	t.Helper()
	var list []link
	read(t, &list, "ip", "-j", "-d", "address")
	links := make(map[string]link, len(list))
	for _, l := range list {
		links[l.Name] = l
	}
	return links
}

// protocol is ours in rtnetlink.
const protocol = "72"

// readRoutes lists our routes, one line each, sorted.
func readRoutes(t *testing.T) []string {
	t.Helper()
	lines := []string{}
	for _, family := range []string{"-4", "-6"} {
		var list []route
		read(t, &list, "ip", family, "-j", "-d", "route", "show", "table", "all", "proto", protocol)
		locked := map[string]bool{}
		if slices.ContainsFunc(list, func(r route) bool { return len(r.Metrics) > 0 }) {
			locked = readLocks(t, family)
		}
		for _, r := range list {
			r.Locked = locked[r.Dst+" "+r.Table]
			lines = append(lines, r.lines(family)...)
		}
	}
	slices.Sort(lines)
	return lines
}

// readLocks tells which of our routes, by destination and table, have an MTU
// that path discovery leaves alone: JSON does not show it.
func readLocks(t *testing.T, family string) map[string]bool {
	t.Helper()
	out, err := exec.Command("ip", family, "-o", "route", "show", "table", "all", "proto", protocol).Output()
	if err != nil {
		t.Fatalf("ip route: %v", err)
	}
	locked := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); strings.Contains(line, " mtu lock ") {
			table := ""
			if n := slices.Index(words, "table"); n >= 0 {
				table = words[n+1]
			}
			locked[words[0]+" "+table] = true
		}
	}
	return locked
}

// lines writes a route as one line for each next hop.
func (r route) lines(family string) []string {
	dst := r.Dst
	if dst == "default" {
		dst = map[string]string{"-4": "0.0.0.0/0", "-6": "::/0"}[family]
	}
	if !strings.Contains(dst, "/") {
		dst += map[string]string{"-4": "/32", "-6": "/128"}[family]
	}
	metric := r.Metric
	if family == "-6" && metric == 1024 {
		metric = 0
	}
	table := r.Table
	if table == "" || table == "main" {
		table = "254"
	}
	words := map[string]string{}
	for _, m := range r.Metrics {
		for key, value := range m {
			words[key] = word(value)
		}
	}
	if r.Locked {
		words["lock mtu"] = "1"
	}
	extra := metricWords(words)
	if r.Source != "" {
		extra += " source " + r.Source
	}
	kind := r.Type
	if kind == "unicast" {
		kind = ""
	}
	if len(r.Hops) == 0 {
		dev := r.Dev
		if kind != "" {
			dev = ""
		}
		return []string{routeLine(kind, dst, dev, r.Gateway, metric, table, 1) + extra}
	}
	var lines []string
	for _, hop := range r.Hops {
		lines = append(lines, routeLine(kind, dst, hop.Dev, hop.Gateway, metric, table, hop.Weight)+extra)
	}
	return lines
}

// metricWords writes a route's limits in one order; those that are off are
// left out, as the kernel does.
func metricWords(words map[string]string) string {
	text := ""
	for _, key := range slices.Sorted(maps.Keys(words)) {
		if words[key] != "0" {
			text += " " + key + " " + words[key]
		}
	}
	return text
}

// routeLine is the common form of a next hop.
func routeLine(kind, dst, dev, via string, metric int64, table string, weight int) string {
	return strings.TrimSpace(fmt.Sprintf("%s %s dev %s via %s metric %d table %s weight %d", kind, dst, dev, via, metric, table, max(weight, 1)))
}

// readRules lists our rules, one line each, sorted.
func readRules(t *testing.T) []string {
	t.Helper()
	lines := []string{}
	for _, family := range []string{"-4", "-6"} {
		var list []rule
		read(t, &list, "ip", family, "-j", "-d", "rule")
		for _, r := range list {
			if r.Protocol == protocol {
				lines = append(lines, r.line(family))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// line is the common form of a rule.
func (r rule) line(family string) string {
	table := r.Table
	if table == "main" || table == "" {
		table = "254"
	}
	action := r.Action
	if action != "" {
		table = ""
	}
	number := func(hex string) uint64 {
		n, _ := strconv.ParseUint(strings.TrimPrefix(hex, "0x"), 16, 32)
		return n
	}
	line := ruleLine(family, r.Priority, prefix(r.Src, r.SrcLen), prefix(r.Dst, r.DstLen), r.IIF, number(r.Mark), number(r.Mask), table, action)
	if r.Suppress != nil {
		line += fmt.Sprintf(" suppress %d", *r.Suppress)
	}
	return line
}

// prefix joins an address with its length; everything is empty.
func prefix(address string, length int) string {
	if address == "" || address == "all" {
		return ""
	}
	return fmt.Sprintf("%s/%d", address, length)
}

// ruleLine is the common form of a rule.
func ruleLine(family string, priority int64, from, to, iif string, mark, mask uint64, table, action string) string {
	return fmt.Sprintf("%s %d from %q to %q iif %q mark %d/%d table %q action %q", family, priority, from, to, iif, mark, mask, table, action)
}
