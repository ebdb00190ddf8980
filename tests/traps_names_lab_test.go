package tests

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"holdfast"
	"holdfast/lab"
)

// TestTrapNames: names that the kernel does not take or that are taken, and
// VLAN numbers that are reserved, are refused before anything is touched.
func TestTrapNames(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t, "link property add dev p2 altname a-long-name-of-the-second-nic")
	before := lab.Picture(t)
	for _, c := range []struct{ document, word string }{
		{"interfaces: [{name: sixteen-letters0, type: dummy}]", "sixteen-letters0"},
		{"interfaces: [{name: p1, type: veth, alt-names: [{name: p2}]}]", "p2"},
		{"interfaces: [{name: p1, type: veth, alt-names: [{name: a-long-name-of-the-second-nic}]}]", "a-long-name-of-the-second-nic"},
		{"interfaces: [{name: v0, type: vlan, vlan: {base-iface: p1, id: 0}}]", "0"},
		{"interfaces: [{name: v4095, type: vlan, vlan: {base-iface: p1, id: 4095}}]", "4095"},
		{"interfaces: [{name: br0, type: linux-bridge, bridge: {port: [{name: p1, vlan: {mode: trunk, trunk-tags: [{id: 4095}]}}]}}]", "4095"},
		{"interfaces: [{name: br0, type: linux-bridge, bridge: {port: [{name: p1, vlan: {mode: access, tag: 4095}}]}}]", "4095"},
	} {
		s, err := parseOrError(c.document)
		outcome := holdfast.Unchanged
		if err == nil {
			var result *holdfast.Result
			result, err = host.Apply(t.Context(), s, holdfast.ApplyOptions{})
			outcome = result.Outcome
		}
		if err == nil || outcome != holdfast.Unchanged || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s: outcome %s, %v", c.document, outcome, err)
		}
	}
	before.Same(t, 0)
	fifteen := "interfaces: [{name: fifteen-letters, type: vlan, vlan: {base-iface: a-long-name-of-the-second-nic, id: 4094}, alt-names: [{name: an-alternative-name-of-more-than-fifteen-letters}]}]"
	apply(t, host, fifteen)
	if base := readLinks(t)["fifteen-letters"].Link; base != "p2" {
		t.Errorf("the VLAN is on %s", base)
	}
	again(t, host, fifteen)
}

// TestTrapRenamedWhileUp: NICs are renamed while they are up; what was done to
// one under its old name is not lost under the new one.
func TestTrapRenamedWhileUp(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	bridge := "interfaces: [{name: br0, type: linux-bridge, bridge: {options: {stp: {enabled: false}}, port: [{name: %s}]}}]"
	apply(t, host, fmt.Sprintf(bridge, "p1"))
	lab.IP(t, "link set p1 down")
	lab.IP(t, "link set p1 name wan0")
	lab.IP(t, "link set wan0 up")
	again(t, host, fmt.Sprintf(bridge, "wan0"))
	result, err := host.Apply(t.Context(), parse(t, fmt.Sprintf(bridge, "p1")), holdfast.ApplyOptions{})
	if err == nil || result.Outcome != holdfast.Unchanged || !strings.Contains(err.Error(), "p1") {
		t.Errorf("outcome %s, %v", result.Outcome, err)
	}
}

// TestTrapDefaultVLAN: a bridge puts every port into VLAN 1. One whose ports
// have VLANs of their own does not leak that one between them.
func TestTrapDefaultVLAN(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	text := `
interfaces:
- name: br0
  type: linux-bridge
  bridge:
    options: {stp: {enabled: false}}
    port:
    - {name: p1, vlan: {mode: trunk, trunk-tags: [{id: 10}, {id-range: {min: 20, max: 22}}]}}
    - {name: p2, vlan: {mode: access, tag: 10}}
    - {name: p3, vlan: {mode: trunk, trunk-tags: [{id: 30}], enable-native: true, tag: 31}}
`
	apply(t, host, text)
	tables := readVLANs(t)
	for name, wanted := range map[string]map[int]string{
		"p1": {10: "", 20: "", 21: "", 22: ""},
		"p2": {10: "u*"},
		"p3": {30: "", 31: "u*"},
	} {
		if got := tables[name]; got != vlanWords(wanted) {
			t.Errorf("%s: VLANs %s, want %s", name, got, vlanWords(wanted))
		}
	}
	again(t, host, text)
}

// TestTrapTwoWriters: while one changes the host another is refused, and told
// who it is and what it does.
func TestTrapTwoWriters(t *testing.T) {
	lab.Require(t)
	trapHost(t)
	first := startProgram(t, nil, "apply", documentFile(t, slowChange(patient)))
	awaitTentative(t, first)
	_, stderr := runProgram(t, 1, "apply", documentFile(t, "interfaces: [{name: d0, type: dummy}]"))
	for _, word := range []string{fmt.Sprintf("(pid %d)", first.Process.Pid), ", apply", "nothing was changed"} {
		if !strings.Contains(stderr, word) {
			t.Errorf("the second is told %q, without %q", stderr, word)
		}
	}
	runProgram(t, 2, "plan", documentFile(t, "interfaces: [{name: d0, type: dummy}]"))
	if _, found := readLinks(t)["d0"]; found {
		t.Error("the second changed the host")
	}
	if err := first.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	first.code(t, 3)
	runProgram(t, 0, "apply", documentFile(t, "interfaces: [{name: d0, type: dummy}]"))
	if _, err := os.Stat("/sys/class/net/d0"); err != nil {
		t.Error(err)
	}
}
