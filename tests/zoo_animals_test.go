package tests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"holdfast/lab"
)

// zooLines put on the host what holdfast does not make: all kinds of links, a
// tap and a tun, a container's end of a cable, addresses that end some day, a
// routing daemon's routes, foreign rules, a bond made by hand, and a VLAN that
// somebody set down. All names begin with z-, all addresses with 198.18 or
// 2001:db8:7.
var zooLines = []string{
	"link add z-base type dummy",
	"link set z-base up mtu 8000 alias somebodys",
	"link property add dev z-base altname z-base-other",
	"address add 198.18.0.1/24 dev z-base",
	"address add 198.18.1.1/24 dev z-base valid_lft 864000 preferred_lft 432000",
	"-6 address add 2001:db8:70::1/64 dev z-base nodad",
	"-6 address add 2001:db8:71::1/64 dev z-base nodad valid_lft 864000 preferred_lft 432000",
	"neighbour add 198.18.0.9 lladdr 02:00:00:00:00:09 dev z-base nud permanent",
	"link add z-vxlan type vxlan id 42 local 198.18.0.1 dstport 4789 nolearning",
	"link set z-vxlan up",
	"link add z-vrf type vrf table 4242",
	"link set z-vrf up",
	"link add z-inner type dummy",
	"link set z-inner master z-vrf up",
	"address add 198.18.2.1/24 dev z-inner",
	"link add z-macvlan link z-base type macvlan mode private",
	"link set z-macvlan up",
	"link add z-macvtap link z-base type macvtap mode bridge",
	"link add z-under type dummy",
	"link add z-ipvlan link z-under type ipvlan mode l2",
	"link add z-wg type wireguard",
	"address add 198.18.4.1/24 dev z-wg",
	"link set z-wg up",
	"link add z-gre type gretap local 198.18.0.1 remote 198.18.0.9",
	"tuntap add z-tap mode tap",
	"tuntap add z-tun mode tun",
	"link set z-tun up",
	"address add 198.18.3.1 peer 198.18.3.2 dev z-tun",
	"link add z-cable type veth peer name eth0 netns container",
	"link set z-cable up",
	"link add z-sdn type bridge vlan_filtering 1 stp_state 0 ageing_time 12300",
	"link set z-sdn up",
	"link set z-cable master z-sdn",
	"link set z-cable type bridge_slave isolated on",
	"link set z-tap master z-sdn up",
	"link add z-bond type bond mode balance-xor miimon 70 xmit_hash_policy layer3+4",
	"link add z-leg type dummy",
	"link set z-leg master z-bond",
	"link set z-bond up",
	"link add z-v5 link z-base type vlan id 5",
	"link set z-v5 down",
	"address add 198.18.5.1/24 dev z-v5",
	"route add 198.19.0.0/24 via 198.18.0.9 proto bgp metric 20",
	"route add 198.19.1.0/24 via 198.18.0.9 proto static table 77",
	"route add 198.19.2.0/24 proto zebra nexthop via 198.18.0.8 weight 2 nexthop via 198.18.0.9 weight 1",
	"route add blackhole 198.19.3.0/24 proto ospf",
	"-6 route add 2001:db8:7f::/48 via 2001:db8:70::9 dev z-base proto bird metric 30",
	"nexthop add id 42 via 198.18.0.9 dev z-base proto zebra",
	"route add 198.19.4.0/24 nhid 42 proto zebra",
	"rule add from 198.18.2.0/24 oif z-vrf table 4242 priority 700",
	"rule add from 198.18.0.0/24 table 77 priority 701",
	"-6 rule add from 2001:db8:70::/64 table 77 priority 702",
	"link add z-ra type veth peer name eth0 netns router",
	"link set z-ra up",
}

// zoo puts all of it on the host and waits until it has settled. It returns
// the container.
func zoo(t *testing.T) *lab.Host {
	t.Helper()
	lab.Wire(t, lab.Wiring{NICs: nics})
	container := lab.Namespace(t, "container")
	router := lab.Namespace(t, "router")
	for _, line := range zooLines {
		lab.IP(t, line)
	}
	lab.Run(t, "bridge", "fdb", "add", "02:00:00:00:00:0a", "dev", "z-cable", "master", "static")
	lab.Run(t, "bridge", "vlan", "add", "dev", "z-cable", "vid", "17")
	lab.Run(t, "tc", "qdisc", "add", "dev", "z-cable", "clsact")
	lab.Run(t, "tc", "filter", "add", "dev", "z-cable", "ingress", "matchall", "action", "ok")
	container.IP(t, "address add 198.18.6.2/24 dev eth0")
	container.IP(t, "link set eth0 up")
	advertise(t, router)
	lab.Await(t, "an address and a route made from a router advertisement", hang, func() bool {
		return strings.Contains(lab.IP(t, "-6 address show dev z-ra scope global"), "2001:db8:7a:") &&
			strings.Contains(lab.IP(t, "-6 route show default dev z-ra"), "proto ra")
	})
	settled := func(text string) bool { return !strings.Contains(text, "tentative") }
	lab.Await(t, "all addresses to have been probed", hang, func() bool {
		return settled(lab.IP(t, "-6 address show")) && settled(container.IP(t, "-6 address show"))
	})
	return container
}

// advertise has a router announce a prefix and itself, for longer than any
// test takes.
func advertise(t *testing.T, router *lab.Host) {
	t.Helper()
	router.IP(t, "link set eth0 up")
	router.IP(t, "-6 address add 2001:db8:7a::1/64 dev eth0 nodad")
	router.Run(t, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
	config := filepath.Join(t.TempDir(), "radvd.conf")
	text := `interface eth0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 10; AdvDefaultLifetime 9000;
		prefix 2001:db8:7a::/64 { AdvValidLifetime 864000; AdvPreferredLifetime 432000; }; };`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	router.Start(t, "radvd", "-n", "-C", config, "-p", filepath.Join(t.TempDir(), "pid"), "-m", "stderr")
}
