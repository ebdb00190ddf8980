package lab_test

import (
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"holdfast/lab"
)

func TestRequireGivesFreshNetworks(t *testing.T) {
	for _, name := range []string{"first", "second"} {
		t.Run(name, func(t *testing.T) {
			lab.Require(t)
			if output := lab.IP(t, "-br link"); strings.Count(output, "\n") != 1 {
				t.Errorf("a fresh network has more than lo:\n%s", output)
			}
			lab.IP(t, "link add left type dummy")
		})
	}
}

func TestAllThreadsSeeTheNetwork(t *testing.T) {
	lab.Require(t)
	lab.IP(t, "link add seen type dummy")
	if _, err := os.Stat("/sys/class/net/seen"); err != nil {
		t.Error(err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := net.InterfaceByName("seen"); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat("/proc/sys/net/ipv4/conf/seen"); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		})
	}
	all.Wait()
}

func TestWire(t *testing.T) {
	lab.Require(t)
	s := lab.Wire(t, lab.Wiring{NICs: []string{"eth0", "eth1"}, LACP: true})
	s.Join(t, "server", 100, "192.0.2.2/24", "2001:db8::2/64")
	ping(t)
}

//lab:run --nics 2
func TestWireNICs(t *testing.T) {
	for _, name := range []string{"first", "again"} {
		t.Run(name, func(t *testing.T) {
			lab.Require(t)
			s := lab.WireNICs(t, lab.Wiring{NICs: []string{"eth0", "eth1"}, LACP: true})
			s.Join(t, "server", 100, "192.0.2.2/24", "2001:db8::2/64")
			ping(t)
			lab.Carrier(t, 0, false)
			lab.Await(t, "the loss of carrier is seen", 0, func() bool {
				text, err := os.ReadFile("/sys/class/net/eth0/carrier")
				return err == nil && string(text) == "0\n"
			})
		})
	}
}

//lab:run --nics 2
func TestUnplug(t *testing.T) {
	lab.Require(t)
	lab.WireNICs(t, lab.Wiring{NICs: []string{"eth0", "eth1"}})
	lab.Unplug(t, 0)
	const mac = "52:54:00:00:07:00"
	lab.Plug(t, 0, mac)
	lab.AdoptNIC(t, mac, "eth0")
	if output := lab.IP(t, "-br link show eth0"); !strings.Contains(output, mac) {
		t.Errorf("eth0 is not the new NIC: %s", output)
	}
}

// ping builds a VLAN on a bond of eth0 and eth1 by hand and waits for an answer over it.
func ping(t *testing.T) {
	t.Helper()
	lab.IP(t, "link add bond0 type bond mode 802.3ad miimon 100 lacp_rate fast")
	lab.IP(t, "link set eth0 master bond0")
	lab.IP(t, "link set eth1 master bond0")
	lab.IP(t, "link add link bond0 name bond0.100 type vlan id 100")
	lab.IP(t, "addr add 192.0.2.1/24 dev bond0.100")
	lab.IP(t, "addr add 2001:db8::1/64 dev bond0.100 nodad")
	lab.IP(t, "link set bond0 up")
	lab.IP(t, "link set bond0.100 up")
	for _, address := range []string{"192.0.2.2", "2001:db8::2"} {
		lab.Await(t, address+" answers", 5*time.Minute, func() bool {
			_, err := lab.Try("ping", "-c", "1", "-W", "2", address)
			return err == nil
		})
	}
}

func TestEvents(t *testing.T) {
	lab.Require(t)
	lab.Quiet(t, 3, func() { lab.IP(t, "link show") })
	events := strings.Join(lab.Events(t, func() {
		lab.IP(t, "link add dum0 type dummy")
		lab.IP(t, "link set dum0 up")
		lab.IP(t, "addr add 192.0.2.1/24 dev dum0")
		lab.IP(t, "rule add pref 100 table 100")
	}, "link", "address", "route", "rule"), "\n")
	for _, want := range []string{": dum0:", "inet 192.0.2.1/24", "local 192.0.2.1", "lookup 100"} {
		if !strings.Contains(events, want) {
			t.Errorf("no %q among the events:\n%s", want, events)
		}
	}
}

//lab:run --systemd
func TestSystemd(t *testing.T) {
	lab.Require(t, lab.Root)
	if state := lab.Run(t, "systemctl", "show", "--property=Version"); !strings.HasPrefix(state, "Version=") {
		t.Errorf("systemctl says %q", state)
	}
}

// TestPicture makes one of each kind of object, and sees that a picture has it and two pictures are the same.
func TestPicture(t *testing.T) {
	lab.Require(t)
	empty := lab.Picture(t)
	for _, command := range []string{
		"ip link add br0 type bridge vlan_filtering 1",
		"ip link add dum0 type dummy",
		"ip link set dum0 master br0 up",
		"ip link set br0 up",
		"bridge vlan add dev dum0 vid 7",
		"bridge fdb add 52:54:00:00:09:01 dev dum0 master static",
		"ip address add 192.0.2.1/24 dev br0",
		"ip route add 198.51.100.0/24 via 192.0.2.9 proto 72",
		"ip -6 rule add pref 500 table 500",
		"ip neighbour add 192.0.2.8 lladdr 52:54:00:00:09:02 dev br0 nud permanent",
		"tc qdisc add dev dum0 clsact",
		"tc filter add dev dum0 ingress matchall action drop",
	} {
		lab.Run(t, strings.Fields(command)...)
	}
	before := lab.Picture(t)
	if diff := before.Diff(lab.Picture(t)); diff != "" {
		lab.Picture(t).Same(t, 0)
	}
	for _, section := range []string{
		"links", "addresses", "routes", "rules", "neighbours", "bridge vlans", "bridge ports", "fdb", "qdiscs", "filters", "sysctls",
	} {
		if len(before[section]) <= len(empty[section]) {
			t.Errorf("%s: %d objects, %d on an empty host", section, len(before[section]), len(empty[section]))
		}
	}
	lab.Run(t, "tc", "filter", "del", "dev", "dum0", "ingress")
	if diff := before.Diff(lab.Picture(t)); !strings.Contains(diff, "matchall") {
		t.Errorf("a filter that is gone is not told:\n%s", diff)
	}
}
