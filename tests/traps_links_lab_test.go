package tests

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"holdfast"
	"holdfast/lab"
)

// TestTrapPortKeepsAddresses: a port keeps its addresses, which are then dead,
// accepts router advertisements and gets a link-local address. Its addresses
// move, it is mute while it is a port, and gets all of that back afterwards.
//
//lab:run --nics 2
func TestTrapPortKeepsAddresses(t *testing.T) {
	for kind, controller := range map[string]string{
		"bridge": "{name: up0, type: linux-bridge, bridge: {options: {stp: {enabled: false}}, port: [{name: e0}]}, %s}",
		"bond":   "{name: up0, type: bond, link-aggregation: {mode: active-backup, port: [e0]}, %s}",
	} {
		t.Run(kind, func(t *testing.T) {
			lab.Require(t)
			host := nicHost(t, "address add 192.0.2.1/24 dev e0", "-6 address add 2001:db8:1::1/64 dev e0 nodad",
				"route add default via 192.0.2.254 metric 7")
			ip := `ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}, ipv6: {enabled: true, address: [{ip: "2001:db8:1::1", prefix-length: 64}]}`
			moved := fmt.Sprintf("interfaces:\n- "+controller+`
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: up0, next-hop-address: 192.0.2.254, metric: 7}]}
`, ip)
			apply(t, host, moved)
			if list := readLinks(t)["e0"].Addresses; len(list) > 0 {
				t.Errorf("the port has addresses: %+v", list)
			}
			wantAddresses(t, "up0", "inet", "192.0.2.1/24")
			wantAddresses(t, "up0", "inet6", "2001:db8:1::1/64")
			wantRoutes(t, "default via 192.0.2.254 dev up0 proto 72 metric 7")
			if ra, mode := sysctl(t, "net/ipv6/conf/e0/accept_ra"), sysctl(t, "net/ipv6/conf/e0/addr_gen_mode"); ra != "0" || mode != "1" {
				t.Errorf("the port's accept_ra is %s, addr_gen_mode %s", ra, mode)
			}
			again(t, host, moved)
			apply(t, host, `
interfaces:
- {name: up0, state: absent}
- {name: e0, type: ethernet, state: up, `+ip+`}
routes: {config: [{destination: 0.0.0.0/0, next-hop-interface: e0, next-hop-address: 192.0.2.254, metric: 7}]}
`)
			wantAddresses(t, "e0", "inet", "192.0.2.1/24")
			wantAddresses(t, "e0", "inet6", "2001:db8:1::1/64")
			if mode := sysctl(t, "net/ipv6/conf/e0/addr_gen_mode"); mode != "0" {
				t.Errorf("after the release addr_gen_mode is %s", mode)
			}
			lab.Await(t, "the NIC's link-local address is back", 0, func() bool {
				return strings.Contains(lab.IP(t, "-6 address show dev e0 scope link"), "fe80::5054:ff:fe00:100/64")
			})
			wantRoutes(t, "default via 192.0.2.254 dev e0 proto 72 metric 7")
		})
	}
}

// TestTrapReleasedPort: a NIC that is let go without a word about IPv6 listens
// to routers again.
//
//lab:run --nics 2
func TestTrapReleasedPort(t *testing.T) {
	lab.Require(t)
	host := nicHost(t)
	before := sysctl(t, "net/ipv6/conf/e0/accept_ra")
	apply(t, host, "interfaces: [{name: br0, type: linux-bridge, bridge: {options: {stp: {enabled: false}}, port: [{name: e0}, {name: e1}]}}]")
	apply(t, host, "interfaces: [{name: br0, type: linux-bridge, bridge: {port: [{name: e1}]}}]")
	if master := port(t, "e0"); master != "" {
		t.Fatalf("e0 is a port of %s", master)
	}
	if now := sysctl(t, "net/ipv6/conf/e0/accept_ra"); now != before || sysctl(t, "net/ipv6/conf/e0/addr_gen_mode") != "0" {
		t.Errorf("accept_ra %s, was %s; addr_gen_mode %s", now, before, sysctl(t, "net/ipv6/conf/e0/addr_gen_mode"))
	}
	lab.Await(t, "a link-local address", 0, func() bool {
		return strings.Contains(lab.IP(t, "-6 address show dev e0 scope link"), "fe80::5054:ff:fe00:100/64")
	})
}

// nicHost is a host with two of QEMU's NICs, e0 and e1, that are up, and lines
// of ip(8) run on it.
func nicHost(t *testing.T, lines ...string) *holdfast.Host {
	t.Helper()
	nics := []string{"e0", "e1"}
	lab.WireNICs(t, lab.Wiring{NICs: nics})
	for _, nic := range nics {
		lab.IP(t, "link", "set", nic, "up")
	}
	for _, line := range lines {
		lab.IP(t, line)
	}
	calm(t)
	return openHost(t)
}

// TestTrapBridgeMAC: a bridge's MAC follows the lowest of its ports' until it
// is set. Ours keeps the one that it was made with; one that others made, and
// that nobody asked to pin, still follows.
func TestTrapBridgeMAC(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t, "link add other type bridge stp_state 0", "link set other up", "link set p4 master other")
	apply(t, host, "interfaces: [{name: br0, type: linux-bridge, bridge: {options: {stp: {enabled: false}}, port: [{name: p3}]}}]")
	made := readLinks(t)["br0"].Address
	if made != "02:00:00:00:00:03" {
		t.Errorf("the bridge has the MAC %s, not its port's", made)
	}
	apply(t, host, "interfaces: [{name: br0, type: linux-bridge, bridge: {port: [{name: p1}, {name: p3}]}}]")
	if now := readLinks(t)["br0"].Address; now != made {
		t.Errorf("with another port the MAC went from %s to %s", made, now)
	}
	apply(t, host, "interfaces: [{name: br0, type: linux-bridge, bridge: {port: []}}]")
	if now := readLinks(t)["br0"].Address; now != made {
		t.Errorf("without ports the MAC went from %s to %s", made, now)
	}
	apply(t, host, "interfaces: [{name: other, type: linux-bridge, bridge: {options: {mac-ageing-time: 77}}}]")
	lab.IP(t, "link set p2 master other")
	if now := readLinks(t)["other"].Address; now != "02:00:00:00:00:02" {
		t.Errorf("the others' bridge was pinned to %s", now)
	}
}

// TestTrapMACInCreateMessage: who sets a MAC after creation races with udev,
// so the first that anybody hears of a link has its MAC.
func TestTrapMACInCreateMessage(t *testing.T) {
	lab.Require(t)
	host, _ := trapHost(t)
	events := lab.Events(t, func() {
		apply(t, host, `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [p2, p1]}}
- {name: v100, type: vlan, vlan: {base-iface: bond0, id: 100}}
- {name: br0, type: linux-bridge, bridge: {options: {stp: {enabled: false}}, port: [{name: v100}]}}
- {name: br1, type: linux-bridge, mac-address: "02:00:00:00:11:11", bridge: {options: {stp: {enabled: false}}, port: [{name: p3}]}}
- {name: d0, type: dummy, mac-address: "02:00:00:00:22:22"}
`)
	}, "link")
	for name, mac := range map[string]string{
		"bond0": "02:00:00:00:00:02", "v100": "02:00:00:00:00:02", "br0": "02:00:00:00:00:02",
		"br1": "02:00:00:00:11:11", "d0": "02:00:00:00:22:22",
	} {
		at := slices.IndexFunc(events, func(line string) bool {
			return strings.Contains(line, ": "+name+":") || strings.Contains(line, ": "+name+"@")
		})
		if at < 0 {
			t.Errorf("no event of %s", name)
		} else if !strings.Contains(events[at], "link/ether "+mac) {
			t.Errorf("the first event of %s does not have the MAC %s: %s", name, mac, events[at])
		}
		if now := readLinks(t)[name].Address; now != mac {
			t.Errorf("%s has the MAC %s, want %s", name, now, mac)
		}
	}
}

// TestTrapMTU: a bridge's MTU is the least of its ports' until it is set; a
// VLAN's follows its parent's down but not up again.
func TestTrapMTU(t *testing.T) {
	stack := `
interfaces:
- {name: bond0, type: bond, mtu: %[1]d, link-aggregation: {mode: active-backup, port: [p1, p2]}}
- {name: v100, type: vlan, mtu: %[1]d, vlan: {base-iface: bond0, id: 100}}
- {name: br0, type: linux-bridge, mtu: %[1]d, bridge: {options: {stp: {enabled: false}}, port: [{name: v100}]}}
- {name: v200, type: vlan, mtu: %[1]d, vlan: {base-iface: br0, id: 200}}
`
	all := []string{"p1", "p2", "bond0", "v100", "br0", "v200"}
	check := func(t *testing.T, want int) {
		t.Helper()
		links := readLinks(t)
		for _, name := range all {
			if links[name].MTU != want {
				t.Errorf("%s: MTU %d, want %d", name, links[name].MTU, want)
			}
		}
	}
	t.Run("up and down", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t)
		for _, mtu := range []int{9000, 1500, 9000, 1400} {
			text := fmt.Sprintf(stack, mtu)
			apply(t, host, text)
			check(t, mtu)
			again(t, host, text)
		}
	})
	t.Run("rollback of lowering", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t)
		apply(t, host, fmt.Sprintf(stack, 9000))
		failLast(t, fmt.Sprintf(stack, 1500))
		check(t, 9000)
	})
	t.Run("a guest with a small MTU", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t)
		apply(t, host, fmt.Sprintf(stack, 9000))
		lab.IP(t, "tuntap add tap0 mode tap")
		lab.IP(t, "link set tap0 master br0 up")
		check(t, 9000)
		again(t, host, fmt.Sprintf(stack, 9000))
	})
	t.Run("a VLAN above its parent", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t)
		before := lab.Picture(t)
		result, err := host.Apply(t.Context(), parse(t, "interfaces: [{name: v5, type: vlan, mtu: 1600, vlan: {base-iface: p1, id: 5}}]"), holdfast.ApplyOptions{})
		if err == nil || result.Outcome != holdfast.Unchanged || !strings.Contains(err.Error(), "1600") {
			t.Errorf("outcome %s, %v", result.Outcome, err)
		}
		before.Same(t, 0)
	})
	t.Run("lowering below others' VLANs", func(t *testing.T) {
		lab.Require(t)
		host, _ := trapHost(t, "link set p1 mtu 9000", "link add other link p1 type vlan id 7")
		before := lab.Picture(t)
		text := "interfaces: [{name: p1, type: veth, mtu: 1500}]"
		result, err := host.Apply(t.Context(), parse(t, text), holdfast.ApplyOptions{})
		if err != nil {
			if result.Outcome != holdfast.Unchanged {
				t.Errorf("outcome %s, %v", result.Outcome, err)
			}
			before.Same(t, 0)
			return
		}
		again(t, host, text)
		if links := readLinks(t); links["p1"].MTU != 1500 || links["other"].MTU != 1500 {
			t.Errorf("MTU %d, of the VLAN %d", links["p1"].MTU, links["other"].MTU)
		}
	})
}

// TestTrapBondingModule: loading the bonding module makes a bond0, unless it
// is told not to.
func TestTrapBondingModule(t *testing.T) {
	lab.Require(t, lab.Root)
	unload := func() bool {
		_, err := lab.Try("modprobe", "-r", "bonding")
		return err == nil
	}
	t.Cleanup(func() {
		_, _ = lab.Try("ip", "link", "del", "trap-bond")
		_, _ = lab.Try("ip", "link", "del", "trap-nic")
		_, _ = lab.Try("modprobe", "bonding", "max_bonds=0")
	})
	lab.Await(t, "the module can be unloaded (namespaces of earlier tests go in the background)", 0, unload)
	lab.IP(t, "link add trap-nic type dummy")
	host := openHost(t)
	apply(t, host, "interfaces: [{name: trap-bond, type: bond, link-aggregation: {mode: active-backup, port: [trap-nic]}}]")
	links := readLinks(t)
	if _, found := links["bond0"]; found {
		t.Error("there is a bond0 now")
	}
	if links["trap-nic"].Master != "trap-bond" || links["trap-bond"].Info.Data["mode"] != "active-backup" {
		t.Errorf("the bond is not as asked for: %+v", links["trap-bond"])
	}
	if _, err := os.Stat("/sys/module/bonding"); err != nil {
		t.Error(err)
	}
	apply(t, host, "interfaces: [{name: trap-bond, state: absent}]")
}
