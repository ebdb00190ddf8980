package kernel

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/lab"
)

// TestPortGivenAddresses lets ports go, gives them addresses, and goes back: a
// port has no addresses of its own again, or those that it had.
func TestPortGivenAddresses(t *testing.T) {
	lab.Require(t)
	for _, line := range []string{
		"link add d0 type dummy", "link add d1 type dummy", "link add d2 type dummy",
		"link add b0 type bond mode active-backup miimon 100", "link add br0 type bridge stp_state 0",
		"link set d0 master b0", "link set d1 master br0", "link set d2 master br0",
		"link set d0 up", "link set d1 up", "link set d2 up", "link set b0 up", "link set br0 up",
		"address add 203.0.113.7/24 dev d2", "address add 192.0.2.1/24 dev br0",
	} {
		lab.IP(t, line)
	}
	addresses := func() map[string][]string {
		all := map[string][]string{}
		for _, name := range []string{"d0", "d1", "d2", "br0"} {
			all[name] = addressesOf(t, name)
		}
		return all
	}
	before := addresses()
	e := openTest(t)
	for what, document := range map[string]string{
		"controllers changed": `
interfaces:
- {name: b0, link-aggregation: {port: []}}
- {name: br0, bridge: {port: []}}
- {name: d0, ipv4: {enabled: true, address: [{ip: 192.0.2.11, prefix-length: 24}]}, ipv6: {enabled: true, address: [{ip: "2001:db8:1::11", prefix-length: 64}]}}
- {name: d1, ipv4: {enabled: true, address: [{ip: 192.0.2.12, prefix-length: 24}]}}
- {name: d2, ipv4: {enabled: true, address: [{ip: 192.0.2.13, prefix-length: 24}]}}`,
		"controllers removed": `
interfaces:
- {name: b0, state: absent}
- {name: br0, state: absent}
- {name: d0, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}, ipv6: {enabled: true, address: [{ip: "2001:db8:1::11", prefix-length: 64}]}}
- {name: d1, ipv4: {enabled: true, address: [{ip: 192.0.2.12, prefix-length: 24}]}}`,
	} {
		thereAndBack(t, e, document, nil)
		if diff := cmp.Diff(before, addresses()); diff != "" {
			t.Errorf("%s (-before +after):\n%s", what, diff)
		}
	}
}
