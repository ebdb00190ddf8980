package tests

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"holdfast"
	"holdfast/lab"
	"holdfast/store"
)

// What the host can be.
const (
	isOld = "the old host"
	isNew = "the new host"
)

// look sees that the host is what the store says, and nothing is left behind.
func (c *crashes) look(v *victim) (outcome string) {
	c.Helper()
	host := c.open(v)
	defer func() { _ = host.Close() }()
	newest, damages, err := host.Newest(c.Context())
	if err != nil || len(damages) > 0 {
		c.Errorf("the newest generation: %v, %v", damages, err)
	}
	outcome, want := isOld, c.before
	if newest != nil {
		outcome, want = isNew, c.after
	}
	var difference string
	if !lab.Eventually(patience, func() bool {
		now := lab.Picture(c.T)
		if newest != nil { // its links were made by another process, which chose other numbers for them
			want, now = unnumbered(want), unnumbered(now)
		}
		difference = lab.Diff(want, now)
		return difference == ""
	}) {
		c.Errorf("not %s (-want +have)\n%s", outcome, difference)
	}
	if newest != nil {
		draft, err := host.Plan(c.Context(), parse(c.T, c.document), holdfast.PlanOptions{})
		if err != nil || !draft.Plan.Empty() {
			c.Errorf("there is something left to do: %v, %v", draft, err)
		}
	}
	entries, damages, err := host.History(c.Context())
	if err != nil || len(damages) > 0 || len(entries) > 2 {
		c.Errorf("the history: %v, %v, %v", entries, damages, err)
	}
	for _, e := range entries {
		if e.Outcome == store.Unknown || e.Outcome == store.RollbackFailed {
			c.Errorf("in the history: %+v", e)
		}
	}
	c.clean(v)
	return outcome
}

// unnumbered is a picture without the links' numbers.
func unnumbered(p lab.HostPicture) lab.HostPicture {
	rest := lab.HostPicture{}
	for section, objects := range p {
		rest[section] = map[string]any{}
		for name, object := range objects {
			if fields, ok := object.(map[string]any); ok {
				object = maps.Clone(fields)
				delete(object.(map[string]any), "ifindex")
			}
			rest[section][name] = object
		}
	}
	return rest
}

// stays matches the files that may be there when nothing is pending.
var stays = regexp.MustCompile(`^(state|state/format|state/generations|state/generations/[0-9]{8}(\.outcome)?\.json|run|run/owned\.json|run/restored\.json)$`)

// clean sees that nothing is left of a change but what is to stay.
func (c *crashes) clean(v *victim) {
	c.Helper()
	for _, dir := range []string{"state", "run"} {
		err := filepath.WalkDir(v.file(dir), func(path string, _ os.DirEntry, err error) error {
			if errors.Is(err, os.ErrNotExist) {
				return nil
			}
			if name, _ := filepath.Rel(v.Dir, path); !stays.MatchString(name) {
				c.Errorf("%s is left", name)
			}
			return err
		})
		if err != nil {
			c.Error(err)
		}
	}
	sockets, err := os.ReadFile("/proc/thread-self/net/unix")
	if err != nil || bytes.Contains(sockets, []byte("holdfast")) || bytes.Contains(sockets, []byte(v.Dir)) {
		c.Errorf("a lock or a socket is left: %s, %v", sockets, err)
	}
	if now := names(c.T, "/etc"); !slices.Equal(now, c.etc) {
		c.Errorf("in /etc is now %v, was %v", now, c.etc)
	}
	if pid, err := os.ReadFile(v.file("guardian")); err == nil {
		n, _ := strconv.Atoi(string(pid))
		if !lab.Eventually(0, func() bool { return !isRunning(n) }) {
			c.Errorf("the guardian %d is left", n)
		}
	}
}

// guardianOf is the guardian's number.
func guardianOf(t *testing.T, v *victim) int {
	t.Helper()
	text, err := os.ReadFile(v.file("guardian"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// names lists what lies in a folder.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}
