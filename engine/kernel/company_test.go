package kernel

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/state"
)

// root makes a tree of files to stand for a host.
func root(t *testing.T, files map[string]string) company {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return company{root: dir}
}

func TestManagedByNM(t *testing.T) {
	for text, want := range map[string]bool{
		"[device]\nmanaged=true\nconnection-uuid=5a1c\n": true,
		"[device]\nmanaged=true\nnm-owned=true\n":        true,
		"[device]\nmanaged=true\n":                       false,
		"[device]\nmanaged=false\nnm-owned=false\n":      false,
		"": false,
	} {
		if got := managedByNM([]byte(text)); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
}

func TestManagersNeedALiveProcess(t *testing.T) {
	c := root(t, map[string]string{
		"run/NetworkManager/devices/2":          "[device]\nconnection-uuid=5a1c\n",
		"run/NetworkManager/NetworkManager.pid": "999999999\n",
		"run/systemd/netif/links/2":             "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/a.network\n",
		"run/dhclient.eth0.pid":                 "999999999\n",
	})
	if got := c.managers(map[int]string{2: "eth0"}); len(got) != 0 {
		t.Errorf("managers of a host where none runs: %v", got)
	}
}

func TestSessionMarksTheStack(t *testing.T) {
	address := state.Address{IP: netip.MustParseAddr("192.0.2.1"), PrefixLength: 24}
	facts := func() *state.Facts { return &state.Facts{} }
	s := &state.State{Interfaces: []*state.Interface{
		{Name: "eth0", Facts: facts()},
		{Name: "eth1", Facts: facts()},
		{Name: "bond0", Facts: facts(), Bond: &state.Bond{Port: []string{"eth0"}}},
		{Name: "bond0.5", Facts: facts(), VLAN: &state.VLAN{BaseIface: "bond0"}, IPv4: &state.IPv4{IP: state.IP{Address: []state.Address{address}}}},
	}}
	server, ok := serverAddress("198.51.100.9 50000 ::ffff:192.0.2.1 22")
	if !ok {
		t.Fatal("the address of the session was not understood")
	}
	markSession(s, server)
	got := map[string]bool{}
	for _, i := range s.Interfaces {
		got[i.Name] = i.Facts.Session
	}
	want := map[string]bool{"eth0": true, "eth1": false, "bond0": true, "bond0.5": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRecord(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	log := slog.New(slog.DiscardHandler)
	r := readRecord(dir, namespace(), log)
	r.Owned["br0"] = 7
	if err := r.write(dir); err != nil {
		t.Fatal(err)
	}
	back := readRecord(dir, namespace(), log)
	if !back.owns("br0", 7) || back.owns("br0", 8) || back.owns("br1", 7) {
		t.Errorf("read back: %+v", back)
	}
	if err := os.WriteFile(recordFile(dir), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if damaged := readRecord(dir, namespace(), log); len(damaged.Owned) != 0 {
		t.Errorf("a damaged record: %+v", damaged)
	}
	other := record{Version: recordVersion, Namespace: "net:[1]", Owned: map[string]int{"br0": 7}}
	if err := other.write(dir); err != nil {
		t.Fatal(err)
	}
	if r := readRecord(dir, namespace(), log); r.owns("br0", 7) {
		t.Error("another namespace's record was taken for ours")
	}
}
