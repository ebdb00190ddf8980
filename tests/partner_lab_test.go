package tests

import (
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/engine"
	"holdfast/lab"
)

const lacpBond = "interfaces: [{name: bond0, type: bond, link-aggregation: {mode: 802.3ad, options: {lacp_rate: fast}, port: [p1, p2]}}]"

// TestPartnerMissing: a bond whose switch knows nothing of LACP works with one
// leg at best. That is a warning, and no failure.
func TestPartnerMissing(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	result := apply(t, host, lacpBond)
	if want := []string{"bond0 has no LACP partner"}; !slices.Equal(result.Warnings, want) {
		t.Errorf("warnings %q, want %q", result.Warnings, want)
	}
	again(t, host, lacpBond)
}

// TestPartnerOfOneLeg: the switch answers on one leg only, so that the bond
// looks sound and is not.
func TestPartnerOfOneLeg(t *testing.T) {
	lab.Require(t)
	sw := lab.Wire(t, lab.Wiring{NICs: nics, LACP: true})
	host := openHost(t)
	apply(t, host, lacpBond)
	lab.Await(t, "both legs have their partner", 0, func() bool { return partners(t, host) == "bond0 p1 p2" })
	sw.IP(t, "link set "+sw.Ports[1]+" nomaster")
	sw.IP(t, "link set "+sw.Ports[1]+" up")
	lab.Await(t, "one leg has lost its partner", 0, func() bool { return partners(t, host) == "bond0 p1" })
	result := apply(t, host, strings.ReplaceAll(lacpBond, "lacp_rate: fast", "lacp_rate: fast, xmit_hash_policy: layer3+4"))
	if want := []string{"p2 has no LACP partner"}; !slices.Equal(result.Warnings, want) {
		t.Errorf("warnings %q, want %q", result.Warnings, want)
	}
}

// partners names those of the bond and its ports that have a partner.
func partners(t *testing.T, host *holdfast.Host) string {
	t.Helper()
	s, err := host.Show(t.Context(), engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range []string{"bond0", "p1", "p2"} {
		if i := s.Find(name); i != nil && i.Facts.Partner != nil && *i.Facts.Partner && i.Facts.Carrier {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}
