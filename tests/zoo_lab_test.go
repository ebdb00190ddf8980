package tests

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast"
	"holdfast/lab"
	"holdfast/state"
)

// zoo puts on the host what holdfast does not make: other kinds of links, a
// tap and a tun, a container's end of a cable, addresses that others put there
// and that end some day, a routing daemon's routes, foreign rules, and a VLAN
// that somebody set down.
func zoo(t *testing.T) {
	t.Helper()
	lab.Wire(t, lab.Wiring{NICs: nics})
	container := lab.Namespace(t, "container")
	router := lab.Namespace(t, "router")
	for _, line := range []string{
		"link add z-base type dummy",
		"link set z-base up",
		"address add 198.18.0.1/24 dev z-base",
		"address add 198.18.1.1/24 dev z-base valid_lft 86400 preferred_lft 43200",
		"link add z-vxlan type vxlan id 42 local 198.18.0.1 dstport 4789 nolearning",
		"link set z-vxlan up",
		"link add z-vrf type vrf table 4242",
		"link set z-vrf up",
		"link add z-inner type dummy",
		"link set z-inner master z-vrf up",
		"address add 198.18.2.1/24 dev z-inner",
		"link add z-macvlan link z-base type macvlan mode private",
		"link set z-macvlan up",
		"link add z-under type dummy",
		"link add z-ipvlan link z-under type ipvlan mode l2",
		"tuntap add z-tap mode tap",
		"tuntap add z-tun mode tun",
		"link set z-tun up",
		"address add 198.18.3.1 peer 198.18.3.2 dev z-tun",
		"link add z-cable type veth peer name eth0 netns container",
		"link set z-cable up",
		"link add z-sdn type bridge",
		"link set z-sdn up",
		"link set z-cable master z-sdn",
		"link set z-tap master z-sdn up",
		"link add z-v5 link z-base type vlan id 5",
		"link set z-v5 down",
		"address add 198.18.5.1/24 dev z-v5",
		"route add 198.19.0.0/24 via 198.18.0.9 proto bgp metric 20",
		"route add 198.19.1.0/24 via 198.18.0.9 proto static table 77",
		"route add 198.19.2.0/24 proto zebra nexthop via 198.18.0.8 weight 2 nexthop via 198.18.0.9 weight 1",
		"route add blackhole 198.19.3.0/24 proto ospf",
		"rule add from 198.18.2.0/24 oif z-vrf table 4242 priority 700",
		"rule add from 198.18.0.0/24 table 77 priority 701",
		"link add z-ra type veth peer name eth0 netns router",
		"link set z-ra up",
	} {
		lab.IP(t, line)
	}
	container.IP(t, "link set eth0 up")
	advertise(t, router)
	lab.Await(t, "an address made from a router advertisement", 0, func() bool {
		return strings.Contains(lab.IP(t, "-6 address show dev z-ra scope global"), "2001:db8:7a:")
	})
	lab.Await(t, "all addresses to have been probed", 0, func() bool {
		return !strings.Contains(lab.IP(t, "-6 address show"), "tentative")
	})
}

// advertise has a router announce a prefix.
func advertise(t *testing.T, router *lab.Host) {
	t.Helper()
	router.IP(t, "link set eth0 up")
	router.IP(t, "-6 address add 2001:db8:7a::1/64 dev eth0 nodad")
	router.Run(t, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
	config := filepath.Join(t.TempDir(), "radvd.conf")
	text := `interface eth0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 10; prefix 2001:db8:7a::/64 {}; };`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	router.Start(t, "radvd", "-n", "-C", config, "-p", filepath.Join(t.TempDir(), "pid"), "-m", "stderr")
}

// TestZoo prints what is on such a host and applies it again: that must be an
// empty plan. Then states are walked through beside it, and nothing of the zoo
// may be touched by that.
func TestZoo(t *testing.T) {
	lab.Require(t)
	if os.Getenv("HOLDFAST_ZOO") == "" {
		t.Skip("takes minutes: set HOLDFAST_ZOO=1")
	}
	zoo(t)
	host := openHost(t)
	shown, err := host.Show(t.Context(), holdfast.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	text := state.EncodeYAML(shown)
	again, err := host.Show(t.Context(), holdfast.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if lives := withoutLives(state.EncodeYAML(again)); !bytes.Equal(withoutLives(text), lives) {
		t.Errorf("the same host printed twice differs:\n%s\n%s", text, lives)
	}
	document, err := state.Parse("shown", text)
	if err != nil {
		t.Fatalf("what show prints is not understood: %v\n%s", err, text)
	}
	draft, err := host.Plan(t.Context(), document, holdfast.PlanOptions{})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if !draft.Plan.Empty() {
		t.Fatalf("show | plan has something to do: %+v\n%s", draft.Plan.Steps, text)
	}
	before := animals(t)
	for _, c := range loadWalk(t) {
		if !strings.HasPrefix(c.name, "0") && !strings.HasPrefix(c.name, "25") && !strings.HasPrefix(c.name, "30") && os.Getenv("HOLDFAST_ZOO") == "" {
			continue
		}
		if _, err := host.Apply(t.Context(), c.state, holdfast.ApplyOptions{}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !lab.Eventually(0, func() bool { return animals(t) == before }) {
			t.Fatalf("%s touched the zoo (-before +after):\n%s", c.name, cmp.Diff(lines(before), lines(animals(t))))
		}
	}
}

// withoutLives leaves out what is left of addresses' lives.
func withoutLives(text []byte) []byte {
	var kept [][]byte
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte("life-time")) {
			kept = append(kept, line)
		}
	}
	return bytes.Join(kept, nil)
}

// animals describes the zoo by ip(8), without what is left of lives.
func animals(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, args := range []string{"-o -d address", "-o -d link", "-d route show table all", "-6 -d route show table all", "rule"} {
		for line := range strings.Lines(lab.IP(t, args)) {
			if strings.Contains(line, "z-") || strings.Contains(line, "198.1") {
				out.WriteString(animal(line))
			}
		}
	}
	return out.String()
}

// animal takes the parts out of a line that change by themselves: lives,
// timers and what is still being probed.
func animal(line string) string {
	words := strings.Fields(line)
	var kept []string
	for i := 0; i < len(words); i++ {
		switch word := words[i]; {
		case word == "tentative":
		case word == "valid_lft", word == "preferred_lft", word == "expires", strings.HasSuffix(word, "_timer"):
			i++
		default:
			kept = append(kept, word)
		}
	}
	return strings.Join(kept, " ") + "\n"
}

// lines is a text by its lines, for a difference that can be read.
func lines(text string) []string { return strings.Split(text, "\n") }
