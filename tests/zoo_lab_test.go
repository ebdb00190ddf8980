package tests

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/lab"
)

// zooSample are the states that are walked through beside the zoo: a bit of
// everything, with a way up and a way down. HOLDFAST_ZOO=1 takes them all.
var zooSample = []string{
	"02-addresses", "05-bond-active-backup", "21-bridge-vlans", "25-stack", "29-route-kinds", "30-rules", "36-two-bridges", "01-empty",
}

// TestZoo prints what is on a host with all sorts of things that are not
// holdfast's and applies it again: there must be nothing to do. Then states are
// walked through beside it, and nothing of the zoo may be touched by that.
func TestZoo(t *testing.T) {
	lab.Require(t)
	container := zoo(t)
	reapply(t)
	walk := loadWalk(t)
	if os.Getenv("HOLDFAST_ZOO") == "" {
		walk = slices.DeleteFunc(walk, func(c closed) bool { return !slices.Contains(zooSample, c.name) })
		slices.SortFunc(walk, func(a, b closed) int { return slices.Index(zooSample, a.name) - slices.Index(zooSample, b.name) })
		if len(walk) != len(zooSample) {
			t.Fatalf("%d of the states %v", len(walk), zooSample)
		}
	}
	visitor := &visitor{host: openHost(t), container: container}
	visitor.before, visitor.inside = animals(t, walk[0]), container.Picture(t)
	for n, c := range walk {
		visitor.walk(t, walk[max(n-1, 0)], c)
	}
}

// reapply is `holdfast show | holdfast apply -`.
func reapply(t *testing.T) {
	t.Helper()
	text := show(t)
	if again := show(t); withoutLives(again) != withoutLives(text) {
		t.Errorf("the same host printed twice differs (-first +second):\n%s", cmp.Diff(lines(withoutLives(text)), lines(withoutLives(again))))
	}
	feed := func(c *exec.Cmd) { c.Stdin = strings.NewReader(text) }
	// A plan's exit code 2 is a difference, and its output tells which.
	startProgram(t, feed, "plan", "-").code(t, 0)
	undisturbed(t, "show | apply", func() {
		p := startProgram(t, feed, "apply", "-")
		p.code(t, 0)
		if !strings.Contains(p.out.String(), "Nothing to do") {
			t.Fatalf("show | apply has something to do: %s\n%s", p.out.String(), text)
		}
	})
}

// show is what `holdfast show` prints.
func show(t *testing.T) string {
	t.Helper()
	p := startProgram(t, nil, "show")
	p.code(t, 0)
	return p.out.String()
}

// withoutLives leaves out what is left of addresses' lives.
func withoutLives(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "life-time") {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// upper matches the lower link in an event's line. A port's other end lies in
// another namespace, and ip gives it the name of whatever has its number here.
var upper = regexp.MustCompile(`@[^ :]+:`)

// undisturbed does something without one event of a link, an address, a route
// or a rule of the zoo; what a router's advertisements make of z-ra does not
// count. It may take some tries, in case the kernel does something by itself.
func undisturbed(t *testing.T, what string, do func()) {
	t.Helper()
	var noise []string
	for range tries {
		noise = slices.DeleteFunc(lab.Events(t, do, "link", "address", "route", "rule"), func(line string) bool {
			line = upper.ReplaceAllString(line, ":")
			return !strings.Contains(line, "z-") && !strings.Contains(line, "198.1") || strings.Contains(line, "z-ra")
		})
		if len(noise) == 0 {
			return
		}
		t.Logf("%s, events:\n%s", what, strings.Join(noise, "\n"))
	}
	t.Fatalf("%s makes events of the zoo in each of %d tries:\n%s", what, tries, strings.Join(noise, "\n"))
}

// visitor walks through states beside the zoo.
type visitor struct {
	host           *holdfast.Host
	container      *lab.Host
	before, inside lab.HostPicture // of the zoo, and of the container's own namespace
}

// walk goes to a state; the one before it is gone back to for another try.
func (v *visitor) walk(t *testing.T, from, to closed) {
	t.Helper()
	t.Log(to.name)
	tried := false
	undisturbed(t, to.name, func() {
		if tried {
			v.apply(t, from)
		}
		tried = true
		v.apply(t, to)
	})
	want := expected(to.state)
	if !lab.Eventually(0, func() bool { return cmp.Equal(want, found(t, want)) }) {
		t.Fatalf("%s (-want +found)\n%s", to.name, cmp.Diff(want, found(t, want)))
	}
	var now lab.HostPicture
	if !lab.Eventually(0, func() bool { now = animals(t, to); return v.before.Diff(now) == "" }) {
		t.Fatalf("%s touched the zoo (-before +after):\n%s", to.name, v.before.Diff(now))
	}
	if diff := v.inside.Diff(v.container.Picture(t)); diff != "" {
		t.Fatalf("%s touched the container (-before +after):\n%s", to.name, diff)
	}
}

func (v *visitor) apply(t *testing.T, c closed) {
	t.Helper()
	if _, err := v.host.Apply(t.Context(), c.state, holdfast.ApplyOptions{}); err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
}

// animals is the host's picture without all that the walk's states speak of.
func animals(t *testing.T, c closed) lab.HostPicture {
	t.Helper()
	visitors := append(slices.Clone(nics), `"protocol":"`+protocol+`"`)
	for _, i := range c.state.Interfaces {
		visitors = append(visitors, i.Name)
	}
	return lab.Picture(t).Without(nil, visitors...)
}

// lines is a text by its lines, for a difference that can be read.
func lines(text string) []string { return strings.Split(text, "\n") }
