package holdfast_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/engine/enginetest"
)

// booted is the host with the directories of k after another start: of what
// was made nothing is there, and the run directory is empty.
func booted(t *testing.T, k *kept, now string) *kept {
	t.Helper()
	return again(t, enginetest.NewMemory(parse(t, now)), k.state, t.TempDir())
}

func TestRestore(t *testing.T) {
	k := keep(t)
	result, err := k.Apply(t.Context(), parse(t, move), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Applied, "")
	permanent := k.text(t)
	result, err = k.Apply(t.Context(), parse(t, "interfaces: [{name: d0, type: dummy}]"), holdfast.ApplyOptions{Temporary: true})
	expect(t, result, err, holdfast.Applied, "")

	next := booted(t, k, before)
	done, err := next.Restore(t.Context(), holdfast.RestoreOptions{})
	if err != nil || len(done.Missing) > 0 || done.Generation != 2 || done.Steps == 0 {
		t.Fatalf("%+v, %v", done, err)
	}
	if diff := cmp.Diff(permanent, next.text(t)); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	if names, err := next.Temporary(t.Context()); err != nil || len(names) > 0 {
		t.Errorf("temporary after a boot: %v %v", names, err)
	}
	done, err = next.Restore(t.Context(), holdfast.RestoreOptions{})
	if err != nil || !done.Again || done.Steps > 0 {
		t.Errorf("a second restore: %+v, %v", done, err)
	}
	done, err = next.Restore(t.Context(), holdfast.RestoreOptions{Force: true})
	if err != nil || done.Again || done.Steps > 0 || len(done.Missing) > 0 {
		t.Errorf("a forced restore: %+v, %v", done, err)
	}
}

// TestRestoreDegraded boots without one NIC of the bond, and with a NIC missing
// that a VLAN stands on.
func TestRestoreDegraded(t *testing.T) {
	k := keep(t)
	result, err := k.Apply(t.Context(), parse(t, move+`
  - {destination: 198.51.100.0/24, next-hop-interface: br0, next-hop-address: 192.0.2.7}
`), holdfast.ApplyOptions{})
	expect(t, result, err, holdfast.Applied, "")
	s, err := k.Show(t.Context(), holdfast.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	next := booted(t, k, fmt.Sprintf("interfaces: [{name: eth1, type: ethernet, permanent-mac-address: %q}]", s.Find("eth1").PermanentMAC))
	done, err := next.Restore(t.Context(), holdfast.RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(done.Missing, "; "); got != "there is no eth0" {
		t.Errorf("missing: %s", got)
	}
	shown := next.text(t)
	for _, want := range []string{"name: br0", "- eth1", "198.51.100.0/24"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not there:\n%s", want, shown)
		}
	}

	next = booted(t, k, "interfaces: []")
	done, err = next.Restore(t.Context(), holdfast.RestoreOptions{})
	if err != nil || len(done.Missing) != 2 {
		t.Errorf("without any NIC: %+v, %v", done, err)
	}
	if shown := next.text(t); !strings.Contains(shown, "name: br0") {
		t.Errorf("br0 is not there:\n%s", shown)
	}
}

func TestRestoreNothing(t *testing.T) {
	k := keep(t)
	done, err := k.Restore(t.Context(), holdfast.RestoreOptions{})
	if err != nil || done.Generation != 0 || done.Steps != 0 || len(done.Missing) > 0 {
		t.Errorf("%+v, %v", done, err)
	}
	k.unchanged(t)
}
