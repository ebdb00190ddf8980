package tests

import (
	"encoding/json"
	"testing"

	"holdfast/lab"
)

// TestRestore brings back what is permanent on a host that lost all of it, and
// only that.
func TestRestore(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	k := newKept(t)
	k.program(t, 0, "apply", documentFile(t, uplink))
	k.program(t, 0, "apply", "--temporary", documentFile(t, `
interfaces: [{name: d0, type: dummy}, {name: d1, type: dummy}, {name: v100, mtu: 1400}, {name: br0, mtu: 1400}]
`))
	out, _ := k.program(t, 0, "show", "-o", "table", "d0")
	says(t, out, "LIFETIME", "temporary")
	k.program(t, 0, "persist", "d1")
	k.program(t, 0, "unpersist", "br0")
	_, stderr := k.program(t, 1, "unpersist", "bond0")
	says(t, stderr, "v100: cannot outlive the boot: bond0, which it stands on, is temporary", "nothing was changed")
	k.program(t, 0, "persist", "br0", "v100")

	for _, name := range []string{"br0", "v100", "bond0", "d0", "d1"} {
		lab.IP(t, "link", "del", name)
	}
	k.boot(t)
	out, stderr = k.program(t, 0, "restore")
	says(t, out, "Restored: generation")
	if stderr != "" {
		t.Errorf("restore says %s", stderr)
	}
	wantAddresses(t, "br0", "inet", "192.0.2.1/24")
	wantRoutes(t, "default via 192.0.2.254 dev br0")
	links := readLinks(t)
	if links["v100"].MTU != 1400 || links["p1"].Master != "bond0" {
		t.Errorf("v100 %+v, p1 %+v", links["v100"], links["p1"])
	}
	if _, there := links["d0"]; there {
		t.Error("d0 is there, and was temporary")
	}
	if _, there := links["d1"]; !there {
		t.Error("d1 is not there, and was permanent")
	}
	k.settled(t)
	out, _ = k.program(t, 0, "restore")
	says(t, out, "this boot is restored already")
	lab.IP(t, "link", "del", "d1")
	out, _ = k.program(t, 0, "restore", "--force")
	says(t, out, "Restored:")
	if _, there := readLinks(t)["d1"]; !there {
		t.Error("d1 did not come back")
	}
}

// TestRestoreDegraded boots a host where one NIC has another name and one is
// gone: the rest comes up, and the report says what does not.
//
//lab:run --nics 3
func TestRestoreDegraded(t *testing.T) {
	lab.Require(t)
	names := []string{"e0", "e1", "e2"}
	lab.WireNICs(t, lab.Wiring{NICs: names})
	for _, name := range names {
		lab.IP(t, "link", "set", name, "up")
	}
	calm(t)
	k := newKept(t)
	k.program(t, 0, "apply", documentFile(t, `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [e0, e1]}}
- name: br0
  type: linux-bridge
  bridge: {options: {stp: {enabled: false}}, port: [{name: bond0}]}
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}
- {name: e2, type: ethernet, ipv4: {enabled: true, address: [{ip: 198.51.100.1, prefix-length: 24}]}}
- {name: v5, type: vlan, vlan: {base-iface: e2, id: 5}}
`))
	for _, name := range []string{"br0", "bond0", "v5"} {
		lab.IP(t, "link", "del", name)
	}
	lab.Namespace(t, "away")
	lab.IP(t, "link", "set", "e1", "down")
	lab.IP(t, "link", "set", "e1", "name", "late")
	lab.IP(t, "link", "set", "e2", "netns", "away")
	k.boot(t)
	out, stderr := k.program(t, 5, "restore")
	says(t, out, "Degraded: generation 1 is restored as far as it gets")
	says(t, stderr, "missing: there is no e1; the NIC with its permanent address is called late now",
		"missing: there is no e2", "missing: v5 cannot be made without what it stands on")
	wantAddresses(t, "br0", "inet", "192.0.2.1/24")
	if links := readLinks(t); links["e0"].Master != "bond0" || links["bond0"].Master != "br0" {
		t.Errorf("e0 %+v, bond0 %+v", links["e0"], links["bond0"])
	}
	k.boot(t)
	out, _ = k.program(t, 5, "restore", "-o", "json")
	var report struct {
		Degraded bool
		Missing  []string
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || !report.Degraded || len(report.Missing) != 3 {
		t.Errorf("%+v, %v in %s", report, err, out)
	}
}

// TestDrift finds what others changed, and applying again puts it right.
func TestDrift(t *testing.T) {
	lab.Require(t)
	signalHost(t)
	k := newKept(t)
	document := documentFile(t, uplink)
	k.program(t, 0, "apply", document)
	k.program(t, 0, "diff")
	lab.IP(t, "link", "set", "v100", "mtu", "1400")
	lab.IP(t, "address", "del", "192.0.2.1/24", "dev", "br0")
	lab.IP(t, "link", "set", "p2", "nomaster")
	out, _ := k.program(t, 2, "diff")
	says(t, out, "v100", "1400", "ipv4.enabled", "default via 192.0.2.254 dev br0", "p2")
	out, _ = k.program(t, 2, "diff", "-o", "json")
	says(t, out, `{"object":"v100","key":"mtu","want":"1500","have":"1400"}`, `"generation":1`)
	k.program(t, 0, "apply", document)
	wantAddresses(t, "br0", "inet", "192.0.2.1/24")
	wantRoutes(t, "default via 192.0.2.254 dev br0")
}

// TestNoRoom refuses a change that cannot be kept on record: the host stays as
// it is, and the message says what to do.
func TestNoRoom(t *testing.T) {
	for name, want := range map[string]string{"size=4k": "make room on the disk of ", "ro": " writable, or name another directory with --state-dir"} {
		t.Run(name, func(t *testing.T) {
			lab.Require(t)
			signalHost(t)
			k := newKept(t)
			lab.Run(t, "mount", "-t", "tmpfs", "-o", "mode=700,"+name, "none", k.state)
			t.Cleanup(func() { lab.Run(t, "umount", k.state) })
			if name != "ro" {
				_, _ = lab.Try("dd", "if=/dev/zero", "of="+k.state+"/filling", "bs=4k", "count=8")
			}
			before := lab.Picture(t)
			_, stderr := k.program(t, 1, "apply", documentFile(t, uplink))
			says(t, stderr, k.state, want, "nothing was changed")
			before.Same(t, 0)
		})
	}
}
