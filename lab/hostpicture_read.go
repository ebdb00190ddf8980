package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// source is one command of a picture.
type source struct {
	section string
	command string // without the program
	key     func(object map[string]any) string
	skip    func(object map[string]any) bool // nil: nothing
}

// reader is a program that is started once for several commands: starting one is what costs time in the lab.
type reader struct {
	program []string
	sources []source
}

var readers = []reader{
	{[]string{"ip", "-j", "-d", "-4"}, []source{
		{routes, "route show table all", whole("4 "), nil},
		{rules, "rule show", whole("4 "), nil},
	}},
	{[]string{"ip", "-j", "-d", "-6"}, []source{
		{routes, "route show table all", whole("6 "), allMulticast},
		{rules, "rule show", whole("6 "), nil},
	}},
	{[]string{"ip", "-j", "-d"}, []source{
		{links, "link show", named("ifname"), nil},
		{addresses, "address show", named("ifname"), nil},
		{nexthops, "nexthop show", named("id"), nil},
		{neighbours, "neighbour show nud permanent", whole(""), multicast},
		{neighbours, "neighbour show proxy", whole("proxy "), nil},
	}},
	{[]string{"bridge", "-j", "-d"}, []source{
		{vlans, "vlan show", named("ifname"), nil},
		{ports, "link show", named("ifname"), nil},
		{fdb, "fdb show", whole(""), learned},
		{mdb, "mdb show", whole(""), nil},
	}},
	{[]string{"tc", "-j", "-d"}, []source{{qdiscs, "qdisc show", whole(""), nil}}},
}

func named(field string) func(map[string]any) string {
	return func(object map[string]any) string { return fmt.Sprint(object[field]) }
}

// whole makes the object its own name: for what has none.
func whole(prefix string) func(map[string]any) string {
	return func(object map[string]any) string {
		text, _ := json.Marshal(object)
		return prefix + string(text)
	}
}

// read runs all commands of a program in one process. Should one of them print nothing at all, not even an empty list,
// they are run one by one.
func (p HostPicture) read(h *Host, r reader) error {
	var batch strings.Builder
	for _, s := range r.sources {
		batch.WriteString(s.command + "\n")
	}
	text, err := h.TryInput(batch.String(), append(slices.Clone(r.program), "-batch", "-")...)
	if err != nil {
		return err
	}
	lists, err := parseLists(text)
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(r.program, " "), err)
	}
	for i, s := range r.sources {
		list := []map[string]any(nil)
		if len(lists) == len(r.sources) {
			list = lists[i]
		} else if list, err = h.objects(append(slices.Clone(r.program), strings.Fields(s.command)...)...); err != nil {
			return err
		}
		p.add(s, list)
	}
	return nil
}

func (p HostPicture) add(s source, list []map[string]any) {
	for _, object := range list {
		// An empty object stands in the place of each that a filter leaves out.
		if len(object) == 0 || s.skip != nil && s.skip(object) {
			continue
		}
		if s.section == links {
			doubtAgeing(object)
		}
		if s.section == mdb {
			p.addMulticast(object)
			continue
		}
		dropVolatile(s.section, object)
		p.put(s.section, s.key(object), object)
	}
}

// addMulticast takes the entries that somebody configured out of the multicast tables; the others were learned from
// who listens, as were the ports with routers behind them.
func (p HostPicture) addMulticast(tables map[string]any) {
	list, _ := tables["mdb"].([]any)
	for _, object := range list {
		entry, _ := object.(map[string]any)
		if entry["state"] != "permanent" {
			continue
		}
		dropVolatile(mdb, entry)
		p.put(mdb, whole("")(entry), entry)
	}
}

// parseLists reads JSON lists of objects, one after the other.
func parseLists(text string) ([][]map[string]any, error) {
	var lists [][]map[string]any
	decoder := json.NewDecoder(strings.NewReader(text))
	for decoder.More() {
		var list []map[string]any
		if err := decoder.Decode(&list); err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	return lists, nil
}

// objects runs a program that prints a JSON list of objects.
func (h *Host) objects(args ...string) ([]map[string]any, error) {
	text, err := h.Try(args...)
	if err != nil {
		return nil, err
	}
	lists, err := parseLists(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	return slices.Concat(lists...), nil
}

// readFilters asks for the filters of every link with a queueing discipline that can have some, and for the classes.
func (p HostPicture) readFilters(h *Host) error {
	places := map[string]bool{}
	for _, object := range p[qdiscs] {
		qdisc, _ := object.(map[string]any)
		dev := fmt.Sprint(qdisc["dev"])
		switch qdisc["kind"] {
		case "clsact", "ingress":
			places[dev+" ingress"] = true
			places[dev+" egress"] = qdisc["kind"] == "clsact"
		case "prio", "htb", "hfsc", "drr", "qfq", "ets":
			places[dev+" root"] = true
		}
	}
	for place, wanted := range places {
		if !wanted {
			continue
		}
		dev, where, _ := strings.Cut(place, " ")
		objects, err := h.objects("tc", "-j", "-d", "filter", "show", "dev", dev, where)
		if err != nil {
			return err
		}
		if where == "root" {
			if err := p.readClasses(h, dev); err != nil {
				return err
			}
		}
		for _, object := range objects {
			p.put(filters, place+" "+whole("")(object), object)
		}
	}
	return nil
}

// readClasses reads the classes of a link's queueing disciplines, a line of text each: tc's JSON lacks much of them.
func (p HostPicture) readClasses(h *Host, dev string) error {
	text, err := h.Try("tc", "-d", "class", "show", "dev", dev)
	for line := range strings.Lines(text) {
		p.put(classes, dev+" "+strings.Join(strings.Fields(line), " "), "there")
	}
	return err
}

// readSysctls reads the IPv4 and IPv6 settings of every link, and the forwarding switches.
func (p HostPicture) readSysctls() error {
	const base = "/proc/sys/" // its net is that of the reading thread
	for _, pattern := range []string{"net/ipv4/conf/*/*", "net/ipv6/conf/*/*", "net/ipv4/ip_forward"} {
		paths, err := filepath.Glob(filepath.Join(base, pattern))
		if err != nil {
			return err
		}
		for _, path := range paths {
			if text, ok := readSysctl(path); ok { // stable_secret cannot be read before it is set
				p.put(sysctls, strings.TrimPrefix(path, base), text)
			}
		}
	}
	return nil
}

// readSysctl is os.ReadFile with a third of its system calls: a host has thousands of sysctls.
func readSysctl(path string) (string, bool) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", false
	}
	defer unix.Close(fd)
	var buffer [256]byte
	n, err := unix.Read(fd, buffer[:])
	if err != nil {
		return "", false
	}
	return strings.TrimSpace(string(buffer[:n])), true
}

func (p HostPicture) readFiles() {
	text, err := os.ReadFile("/etc/resolv.conf")
	if err == nil {
		p.put(files, "/etc/resolv.conf", string(text))
	}
	name, _ := os.Hostname()
	p.put(files, "host name", name)
}
