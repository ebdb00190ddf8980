package kernel

import (
	"testing"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/state"
)

// noted compares what an engine of the record's own folder shows of a link.
func noted(t *testing.T, runDir, link, profile, description string, wait state.WaitIP) {
	t.Helper()
	e, err := Open(Options{RunDir: runDir})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	s, err := e.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	i := s.Find(link)
	if i == nil {
		t.Fatalf("there is no %s", link)
	}
	if i.ProfileName != profile || i.Description != description || i.WaitIP != wait {
		t.Errorf("%s: profile %q, description %q, wait-ip %q; want %q, %q, %q", link, i.ProfileName, i.Description, i.WaitIP, profile, description, wait)
	}
}

// TestNotes keeps description, profile name and wait-ip: another process shows
// them, changing them writes nothing to the kernel, a rollback undoes it, and
// they end with the link.
func TestNotes(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	dir := e.options.RunDir
	const all = `interfaces: [{name: d0, type: dummy, description: first, profile-name: test, wait-ip: ipv4, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]`
	reach(t, e, all)
	noted(t, dir, "d0", "test", "first", "ipv4")
	if p := planOf(t, e, all); !p.Empty() {
		t.Errorf("there is something to do: %+v", p.Steps)
	}
	writes := e.Writes()
	reach(t, e, `interfaces: [{name: d0, description: second, wait-ip: any}]`)
	noted(t, dir, "d0", "test", "second", "")
	thereAndBack(t, e, `interfaces: [{name: d0, description: third}]`, func() {
		if s, err := e.Show(t.Context(), engine.ShowOptions{}); err != nil || s.Find("d0").Description != "third" {
			t.Errorf("the change is not shown: %v", err)
		}
		noted(t, dir, "d0", "test", "second", "")
	})
	if now := e.Writes(); now != writes {
		t.Errorf("%d writes", now-writes)
	}
	thereAndBack(t, e, `interfaces: [{name: d0, state: absent}]`, nil)
	noted(t, dir, "d0", "test", "second", "")
	lab.IP(t, "link del d0")
	lab.IP(t, "link add d0 type dummy")
	noted(t, dir, "d0", "", "", "")
	reach(t, e, `interfaces: [{name: d0, type: dummy, mtu: 1400}]`)
	noted(t, dir, "d0", "", "", "")
}

// TestGivenBack wants a link absent that is not removed: it is not ours any
// more then, and there is nothing to do the second time.
func TestGivenBack(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	reach(t, e, `interfaces: [{name: lo, type: loopback, description: mine, ipv4: {enabled: true, address: [{ip: 127.0.0.1, prefix-length: 8}, {ip: 192.0.2.1, prefix-length: 32}]}}]`)
	noted(t, e.options.RunDir, "lo", "", "mine", "")
	const absent = `interfaces: [{name: lo, type: loopback, state: absent}]`
	reach(t, e, absent)
	noted(t, e.options.RunDir, "lo", "", "", "")
	if p := planOf(t, e, absent); !p.Empty() {
		t.Errorf("there is something to do: %+v", p.Steps)
	}
	if r := e.record(); len(r.Owned) != 0 {
		t.Errorf("still ours: %v", r.Owned)
	}
}
