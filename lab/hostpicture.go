package lab

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// HostPicture is everything about a host's network that programs other than holdfast can tell: by section, then by
// object, a normalised tree of values. It is independent of the code under test: ip, bridge and tc read it, and
// /proc/sys. What [Volatile] lists is not in it.
type HostPicture map[string]map[string]any

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
		{routes, "route show table all", whole("6 "), nil},
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

// learned tells entries that a bridge learned from traffic: they come and go with it.
func learned(entry map[string]any) bool {
	state, _ := entry["state"].(string)
	flags, _ := entry["flags"].([]any)
	return state != "permanent" && state != "static" && !slices.Contains(flags, any("extern_learn"))
}

// multicast tells the neighbours that the kernel makes for multicast destinations when they are first used.
func multicast(entry map[string]any) bool {
	destination, _ := entry["dst"].(string)
	return strings.HasPrefix(destination, "ff02:") || strings.HasPrefix(destination, "224.") ||
		strings.HasPrefix(destination, "239.")
}

// Picture takes a picture of the host under test.
func Picture(t testing.TB) HostPicture {
	t.Helper()
	p, err := picture(here)
	if err != nil {
		t.Fatalf("picture of the host: %v", err)
	}
	return p
}

// Picture takes a picture of the host, without files.
func (h *Host) Picture(t testing.TB) HostPicture {
	t.Helper()
	p, err := picture(h)
	if err != nil {
		t.Fatalf("picture of %s: %v", h.Name, err)
	}
	return p
}

func picture(h *Host) (HostPicture, error) {
	p := HostPicture{}
	for _, r := range readers {
		if err := p.read(h, r); err != nil {
			return nil, err
		}
	}
	if err := p.readFilters(h); err != nil {
		return nil, err
	}
	if err := h.do(p.readSysctls); err != nil {
		return nil, err
	}
	p.readFiles()
	return p.normalise(), nil
}

// put files an object under its name; several of one name are kept apart by their number.
func (p HostPicture) put(section, name string, object any) {
	if p[section] == nil {
		p[section] = map[string]any{}
	}
	unique := name
	for i := 2; p[section][unique] != nil; i++ {
		unique = fmt.Sprintf("%s #%d", name, i)
	}
	p[section][unique] = object
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
		dropVolatile(s.section, object)
		p.put(s.section, s.key(object), object)
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

// readFilters asks for the filters of every link with a queueing discipline that can have some.
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
		for _, object := range objects {
			p.put(filters, place+" "+whole("")(object), object)
		}
	}
	return nil
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

// uncertain stands for a value that cannot be known now; it equals every other.
type uncertain struct{}

// doubtAgeing marks the ageing time of a bridge with a topology change in progress: the kernel shows twice the forward
// delay then, for a while, and not what is configured (net/bridge/br_stp.c, __br_set_topology_change).
func doubtAgeing(link map[string]any) {
	info, _ := link["linkinfo"].(map[string]any)
	data, _ := info["info_data"].(map[string]any)
	ageing, _ := data["ageing_time"].(float64)
	delay, _ := data["forward_delay"].(float64)
	if change, _ := data["topology_change"].(float64); change != 0 && ageing == 2*delay {
		data["ageing_time"] = uncertain{}
	}
}

func dropVolatile(section string, value any) {
	for _, field := range Volatile() {
		if field.Section == section {
			drop(value, field.Name)
		}
	}
}

func drop(value any, name string) {
	switch value := value.(type) {
	case map[string]any:
		delete(value, name)
		for _, below := range value {
			drop(below, name)
		}
	case []any:
		for _, below := range value {
			drop(below, name)
		}
	}
}

// forever is how ip prints a lifetime without end.
const forever = 4294967295

// normalise takes out what is not the host's but the reading's: the state of links is told once, in their own section,
// lifetimes that run are only known to be finite.
func (p HostPicture) normalise() HostPicture {
	for name, object := range p[addresses] {
		whole, _ := object.(map[string]any)
		list, _ := whole["addr_info"].([]any)
		for _, entry := range list {
			address, ok := entry.(map[string]any)
			if !ok {
				continue
			}
			for _, life := range []string{"valid_life_time", "preferred_life_time"} {
				if left, ok := address[life].(float64); ok && left > 0 && left < forever {
					address[life] = "finite"
				}
			}
		}
		p[addresses][name] = list
	}
	return p
}

// Diff is [HostPicture.Diff] as a function.
func Diff(before, now HostPicture) string { return before.Diff(now) }

// Diff tells how two pictures differ, as cmp.Diff does; empty when they do not.
func (p HostPicture) Diff(now HostPicture) string {
	doubted := func(x, y any) bool {
		_, left := x.(uncertain)
		_, right := y.(uncertain)
		return left || right
	}
	return cmp.Diff(p, now, cmp.FilterValues(doubted, cmp.Ignore()))
}

// Without is the picture without some sections, and without the objects of the others that mention one of these words:
// for the part of a host that a test does not look at.
func (p HostPicture) Without(sections []string, words ...string) HostPicture {
	rest := HostPicture{}
	for section, objects := range p {
		if slices.Contains(sections, section) {
			continue
		}
		for name, object := range objects {
			text, _ := json.Marshal(object)
			mentions := func(word string) bool {
				return strings.Contains(name, word) || strings.Contains(string(text), `"`+word+`"`)
			}
			if !slices.ContainsFunc(words, mentions) {
				rest.put(section, name, object)
			}
		}
	}
	return rest
}

// Same waits until the host under test is as in an older picture, and ends the test with the difference when it is not
// within d (0 is 60 s): spanning trees, bonds and duplicate detection take their time.
func (p HostPicture) Same(t testing.TB, d time.Duration) {
	t.Helper()
	var now HostPicture
	if !Eventually(d, func() bool { now = Picture(t); return p.Diff(now) == "" }) {
		t.Fatalf("the host is not as it was (-before +now):\n%s", p.Diff(now))
	}
}
