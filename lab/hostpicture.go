package lab

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// HostPicture is everything about a host's network that programs other than holdfast can tell: by section, then by
// object, a normalised tree of values. It is independent of the code under test: ip, bridge and tc read it, and
// /proc/sys. What [Volatile] lists is not in it.
type HostPicture map[string]map[string]any

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
	p.dropListeners()
	p.mergeOwn()
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

// drop deletes a field at any depth; "parent.field" is one that lies right in a parent of that name.
func drop(value any, name string) {
	parent, child, nested := strings.Cut(name, ".")
	switch value := value.(type) {
	case map[string]any:
		if inner, ok := value[parent].(map[string]any); ok && nested {
			delete(inner, child)
		}
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

// lifetime is what is left of an address's life, in seconds. Two that were read at different times are the same when not
// more lies between them than a test may take.
type lifetime float64

func (l lifetime) Equal(other lifetime) bool { return math.Abs(float64(l-other)) < time.Hour.Seconds() }

// forever is how ip prints a lifetime without end.
const forever = 4294967295

// normalise takes out what is not the host's but the reading's: the state of links is told once, in their own section,
// lifetimes that run are compared roughly.
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
					address[life] = lifetime(left)
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
