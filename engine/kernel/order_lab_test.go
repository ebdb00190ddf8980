package kernel

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"holdfast/lab"
)

// addressesOf lists the configured addresses of a link in the kernel's order,
// as ip(8) prints them.
func addressesOf(t *testing.T, link string) []string {
	t.Helper()
	var list []string
	for _, l := range ip(t, "address", "show", "dev", link) {
		for _, a := range l["addr_info"].([]any) {
			m := a.(map[string]any)
			word := fmt.Sprintf("%v/%v", m["local"], m["prefixlen"])
			if strings.HasPrefix(word, "fe80:") {
				continue
			}
			if m["secondary"] == true {
				word += " secondary"
			}
			list = append(list, word)
		}
	}
	return list
}

// inThatOrder compares a link's addresses.
func inThatOrder(t *testing.T, when, link string, want []string) {
	t.Helper()
	if got := addressesOf(t, link); !slices.Equal(got, want) {
		t.Errorf("%s: %s has %v, want %v", when, link, got, want)
	}
}

// TestAddressOrder takes addresses of several subnets away, and links down, and
// rolls back: the kernel still prefers the address that it preferred before.
func TestAddressOrder(t *testing.T) {
	lab.Require(t)
	for _, line := range []string{
		"link add d0 type dummy", "link set d0 up",
		"address add 192.0.2.1/24 dev d0", "address add 198.51.100.1/24 dev d0", "address add 203.0.113.1/24 dev d0",
		"address add 198.51.100.2/24 dev d0", "address add 198.51.100.3/24 dev d0",
		"address add 2001:db8:1::1/64 dev d0 nodad", "address add 2001:db8:2::1/64 dev d0 nodad", "address add 2001:db8:3::1/64 dev d0 nodad",
		"route add 10.0.0.0/8 via 198.51.100.9 proto bird", "route add 10.1.0.0/16 via 203.0.113.9",
	} {
		lab.IP(t, line)
	}
	before := addressesOf(t, "d0")
	e := openTest(t)
	for what, document := range map[string]string{
		"first removed":  `interfaces: [{name: d0, ipv4: {address: [{ip: 198.51.100.1, prefix-length: 24}, {ip: 198.51.100.2, prefix-length: 24}, {ip: 198.51.100.3, prefix-length: 24}, {ip: 203.0.113.1, prefix-length: 24}]}, ipv6: {address: [{ip: "2001:db8:1::1", prefix-length: 64}, {ip: "2001:db8:2::1", prefix-length: 64}]}}]`,
		"middle removed": `interfaces: [{name: d0, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 203.0.113.1, prefix-length: 24}]}, ipv6: {address: [{ip: "2001:db8:1::1", prefix-length: 64}, {ip: "2001:db8:3::1", prefix-length: 64}]}}]`,
		"last removed":   `interfaces: [{name: d0, ipv4: {address: [{ip: 192.0.2.1, prefix-length: 24}]}, ipv6: {address: [{ip: "2001:db8:3::1", prefix-length: 64}]}}]`,
		"down":           `interfaces: [{name: d0, state: down}]`,
		"link removed":   `interfaces: [{name: d0, state: absent}]`,
	} {
		thereAndBack(t, e, document, nil)
		inThatOrder(t, what, "d0", before)
		for _, route := range []string{"10.0.0.0/8 via 198.51.100.9 dev d0 proto bird", "10.1.0.0/16 via 203.0.113.9 dev d0"} {
			if out := lab.Run(t, "ip", "route"); !strings.Contains(out, route) {
				t.Errorf("%s: the route %s is not back: %s", what, route, out)
			}
		}
	}
}

// TestAddressOrderOfTheDocument gives a link addresses: the document's first
// one is the one that the kernel prefers, also after the link was down.
func TestAddressOrderOfTheDocument(t *testing.T) {
	lab.Require(t)
	e := openTest(t)
	const addresses = `ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 198.51.100.1, prefix-length: 24}, {ip: 192.0.2.2, prefix-length: 24}]}, ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}, {ip: "2001:db8:2::1", prefix-length: 64}, {ip: "2001:db8:3::1", prefix-length: 64}]}`
	want := []string{"192.0.2.1/24", "198.51.100.1/24", "192.0.2.2/24 secondary", "2001:db8:1::1/64", "2001:db8:2::1/64", "2001:db8:3::1/64"}
	document := `interfaces: [{name: d0, type: dummy}, {name: v, type: vlan, vlan: {base-iface: d0, id: 5}, ` + addresses + `}]`
	reach(t, e, document)
	inThatOrder(t, "new", "v", want)
	if p := planOf(t, e, document); !p.Empty() {
		t.Errorf("there is something to do: %+v", p.Steps)
	}
	reach(t, e, `interfaces: [{name: v, type: vlan, vlan: {base-iface: d0, id: 6}}]`)
	inThatOrder(t, "made anew", "v", want)
	reach(t, e, `interfaces: [{name: b0, type: bond, link-aggregation: {mode: active-backup, port: [d0]}}]`)
	inThatOrder(t, "after the link below was down", "v", want)
}
