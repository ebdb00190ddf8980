package reach

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"holdfast/lab"
)

// segment is the host under test with eth0 (192.0.2.9, 2001:db8::9) and eth1
// (no address but its link-local one) on a switch, and a peer behind it.
type segment struct{ peer *lab.Host }

// The peer's addresses. 192.0.2.66 and 2001:db8::66 lead nowhere: frames to
// them are sent to a MAC that nobody has. 192.0.2.200 and 2001:db8::200 are
// nobody's, and 203.0.113.1 and 2001:db8:1::1 are behind no route.
var peerAddresses = []string{"192.0.2.1/24", "192.0.2.7/24", "192.0.2.53/24", "2001:db8::1/64", "fe80::1/64"}

func newSegment(t *testing.T) *segment {
	t.Helper()
	lab.Require(t)
	wire := lab.Wire(t, lab.Wiring{NICs: []string{"eth0", "eth1"}})
	s := &segment{peer: wire.Join(t, "peer", 0, peerAddresses...)}
	for _, nic := range []string{"eth0", "eth1"} {
		lab.IP(t, "link set", nic, "up")
	}
	lab.IP(t, "address add 192.0.2.9/24 dev eth0")
	lab.IP(t, "address add 2001:db8::9/64 dev eth0 nodad")
	lab.IP(t, "neighbour add 192.0.2.66 lladdr 02:00:00:00:66:66 nud permanent dev eth0")
	lab.IP(t, "neighbour add 2001:db8::66 lladdr 02:00:00:00:66:66 nud permanent dev eth0")
	lab.Await(t, "link-local addresses without duplicate", 0, func() bool {
		for _, nic := range []string{"eth0", "eth1"} {
			all := lab.IP(t, "-6 -o address show scope link dev", nic)
			if !strings.Contains(all, "fe80:") || strings.Contains(all, "tentative") {
				return false
			}
		}
		return true
	})
	return s
}

// listen opens a TCP socket on the peer, which takes connections for its
// backlog.
func (s *segment) listen(t *testing.T, address string) {
	t.Helper()
	var l net.Listener
	var err error
	s.peer.Do(t, func() { l, err = net.Listen("tcp", address) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

// nameServer starts one on the peer.
func (s *segment) nameServer(t *testing.T, address string) {
	t.Helper()
	server := newNameServer(t)
	var packets net.PacketConn
	var streams net.Listener
	var err error
	s.peer.Do(t, func() { packets, streams, err = server.open(address) })
	server.serve(t, packets, streams, err)
}

// resolvConfFile writes one.
func resolvConfFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// attempt is one try and what must come of it. Those that end late get little
// time, the others all that they may need.
type attempt struct {
	target Target
	want   string
}

func (a attempt) run(t *testing.T, ask func(t *testing.T, a attempt) error) {
	t.Helper()
	t.Run(strings.TrimSuffix(a.target.Host+"%"+a.target.Interface, "%"), func(t *testing.T) {
		check(t, ask(t, a), a.want)
	})
}

func (a attempt) context(t *testing.T) context.Context {
	t.Helper()
	if strings.HasPrefix(a.want, "late: ") {
		return within(t, brief)
	}
	return within(t, patience)
}

func TestPingPeers(t *testing.T) {
	s := newSegment(t)
	s.forward(t)
	dead := "no route to host"
	for _, a := range []attempt{
		{Target{Host: "192.0.2.1"}, ""},
		{Target{Host: "192.0.2.1", Interface: "eth0"}, ""},
		{Target{Host: "2001:db8::1"}, ""},
		{Target{Host: "fe80::1", Interface: "eth0"}, ""},
		{Target{Host: "fe80::1", Interface: "eth1"}, ""},
		{Target{Host: "192.0.2.9"}, ""},
		{Target{Host: "127.0.0.1"}, ""},
		{Target{Host: "::1"}, ""},
		{Target{Host: "192.0.2.200"}, dead},
		{Target{Host: "2001:db8::200"}, dead},
		{Target{Host: "203.0.113.1"}, "network is unreachable"},
		{Target{Host: "2001:db8:1::1"}, "network is unreachable"},
		{Target{Host: "198.51.100.1"}, dead},
		{Target{Host: "198.51.100.130"}, dead},
		{Target{Host: "192.0.2.66"}, "late: no answer"},
		{Target{Host: "2001:db8::66"}, "late: no answer"},
		{Target{Host: "192.0.2.1", Interface: "gone0"}, "there is no interface gone0"},
		{Target{Host: "fe80::1", Interface: "gone0"}, "there is no interface gone0"},
	} {
		a.run(t, func(t *testing.T, a attempt) error { return Ping(a.context(t), a.target) })
	}
	t.Run("bound to a link that leads nowhere", func(t *testing.T) {
		lab.IP(t, "link add hole0 type dummy")
		lab.IP(t, "link set hole0 up")
		lab.IP(t, "address add 198.18.1.1/32 dev hole0")
		lab.IP(t, "route add 192.0.2.0/24 dev hole0 metric 1000") // the other route to it is better
		hole := Target{Host: "192.0.2.1", Interface: "hole0"}
		check(t, Ping(within(t, brief), hole), "late: no answer")
		check(t, TCP(within(t, brief), hole, 80), "late: no answer")
	})
	t.Run("prohibited here", func(t *testing.T) {
		lab.IP(t, "route add prohibit 198.18.0.0/15")
		check(t, Ping(within(t, patience), Target{Host: "198.18.0.1"}), "permission denied")
	})
}

// forward makes the peer a router to 198.51.100.0/24, half of which it calls
// unreachable, and half prohibited.
func (s *segment) forward(t *testing.T) {
	t.Helper()
	var err error
	s.peer.Do(t, func() { err = os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	if err != nil {
		t.Fatal(err)
	}
	s.peer.IP(t, "route add unreachable 198.51.100.0/25")
	s.peer.IP(t, "route add prohibit 198.51.100.128/25")
	lab.IP(t, "route add 198.51.100.0/24 via 192.0.2.1")
}

// TestPingSockets is about the sockets of those who may not open raw ones.
func TestPingSockets(t *testing.T) {
	newSegment(t)
	lab.Sysctl(t, "net/ipv4/ping_group_range", "0 2147483647")
	for host, want := range map[string]string{
		"192.0.2.1":     "",
		"2001:db8::1":   "",
		"192.0.2.200":   "no route to host",
		"2001:db8::200": "no route to host",
		"192.0.2.66":    "late: no answer",
		"2001:db8::66":  "late: no answer",
	} {
		t.Run(host, func(t *testing.T) {
			addr := netip.MustParseAddr(host)
			family := echo4
			if addr.Is6() {
				family = echo6
			}
			conn, err := family.connect(unix.SOCK_DGRAM, addr, "eth0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			e := family.echo(conn)
			ctx := attempt{want: want}.context(t)
			check(t, converse(ctx, e.conn, again, e.send, e.receive), want)
		})
	}
	lab.Sysctl(t, "net/ipv4/ping_group_range", "1 0")
	_, err := echo4.connect(unix.SOCK_DGRAM, netip.MustParseAddr("192.0.2.1"), "")
	check(t, err, "not allowed to ping: that needs CAP_NET_RAW or a group in net.ipv4.ping_group_range")
}

func TestNeighbors(t *testing.T) {
	newSegment(t)
	lab.IP(t, "link add down0 type dummy")
	for _, a := range []attempt{
		{Target{Host: "192.0.2.1"}, ""},
		{Target{Host: "192.0.2.1", Interface: "eth0"}, ""},
		{Target{Host: "192.0.2.1", Interface: "eth1"}, ""}, // a link without an address
		{Target{Host: "2001:db8::1"}, ""},
		{Target{Host: "2001:db8::1", Interface: "eth1"}, ""},
		{Target{Host: "fe80::1", Interface: "eth0"}, ""},
		{Target{Host: "fe80::1", Interface: "eth1"}, ""},
		{Target{Host: "192.0.2.200"}, "late: no answer"},
		{Target{Host: "2001:db8::200"}, "late: no answer"},
		{Target{Host: "192.0.2.66"}, "late: no answer"}, // what the kernel believes does not count
		{Target{Host: "192.0.2.9"}, "this host itself has the address"},
		{Target{Host: "2001:db8::9", Interface: "eth0"}, "this host itself has the address"},
		{Target{Host: "203.0.113.1"}, "network is unreachable"},
		{Target{Host: "203.0.113.1", Interface: "eth0"}, "late: no answer"},
		{Target{Host: "192.0.2.1", Interface: "down0"}, "down0 is down"},
		{Target{Host: "192.0.2.1", Interface: "lo"}, "lo has no Ethernet address to ask from"},
		{Target{Host: "192.0.2.1", Interface: "gone0"}, "there is no interface gone0"},
	} {
		a.run(t, func(t *testing.T, a attempt) error { return Neighbor(a.context(t), a.target) })
	}
	t.Run("behind a router", func(t *testing.T) {
		lab.IP(t, "route add 198.51.100.0/24 via 192.0.2.1")
		check(t, Neighbor(within(t, patience), Target{Host: "198.51.100.1"}),
			"it is on no subnet of this host; say by which interface: %IFACE")
	})
}

func TestTCPPeers(t *testing.T) {
	s := newSegment(t)
	for _, address := range []string{"192.0.2.1:80", "[2001:db8::1]:80", "[fe80::1%eth0]:80"} {
		s.listen(t, address)
	}
	for _, a := range []attempt{
		{Target{Host: "192.0.2.1"}, ""},
		{Target{Host: "192.0.2.1", Interface: "eth0"}, ""},
		{Target{Host: "2001:db8::1"}, ""},
		{Target{Host: "fe80::1", Interface: "eth0"}, ""},
		{Target{Host: "fe80::1", Interface: "eth1"}, ""},
		{Target{Host: "192.0.2.7"}, "connection refused"},
		{Target{Host: "192.0.2.200"}, "no route to host"},
		{Target{Host: "2001:db8::200"}, "no route to host"},
		{Target{Host: "203.0.113.1"}, "network is unreachable"},
		{Target{Host: "192.0.2.66"}, "late: no answer"},
		{Target{Host: "2001:db8::66"}, "late: no answer"},
	} {
		a.run(t, func(t *testing.T, a attempt) error { return TCP(a.context(t), a.target, 80) })
	}
}

// TestNames is about names of several addresses, of which 192.0.2.7 alone is
// the peer's.
func TestNames(t *testing.T) {
	s := newSegment(t)
	s.nameServer(t, "192.0.2.53:53")
	s.nameServer(t, "[fe80::1%eth0]:53")
	s.listen(t, "192.0.2.7:80")
	good := resolvConfFile(t, "search example.test test\nnameserver 192.0.2.53\n")
	for _, name := range []string{"both.test", "alias.test"} {
		target := Target{Host: name, ResolvConf: good}
		check(t, TCP(within(t, patience), target, 80), "")
		check(t, Ping(within(t, patience), target), "")
		check(t, Neighbor(within(t, patience), target), "")
	}
	check(t, HTTP(within(t, patience), Request{URL: "http://both.test:81/", ResolvConf: good}),
		"192.0.2.7: connection refused; 2001:db8::7: no route to host")
	check(t, TCP(within(t, patience), Target{Host: "nothing.test", ResolvConf: good}, 80), "the name has no address")
	check(t, TCP(within(t, patience), Target{Host: "six.test", ResolvConf: good}, 80), "no route to host")

	// A file that changes counts at once: Go itself would look at it later.
	changing := resolvConfFile(t, "nameserver 192.0.2.66\n")
	check(t, TCP(within(t, brief), Target{Host: "both.test", ResolvConf: changing}, 80), "late: no answer of a name server")
	if err := os.WriteFile(changing, []byte("nameserver fe80::1%eth0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, TCP(within(t, patience), Target{Host: "both.test", ResolvConf: changing}, 80), "")
}

func TestDNSPeers(t *testing.T) {
	s := newSegment(t)
	s.nameServer(t, "192.0.2.53:53")
	s.nameServer(t, "[2001:db8::1]:53")
	s.nameServer(t, "[fe80::1%eth0]:53")
	for _, tt := range []struct{ conf, name, want string }{
		{"nameserver 192.0.2.53", "both.test", ""},
		{"nameserver 192.0.2.53\nsearch nowhere.test test", "both", ""},
		{"nameserver 192.0.2.53\nsearch nowhere.test", "both", "192.0.2.53 knows no name both (NXDOMAIN)"},
		{"nameserver 2001:db8::1", "both.test", ""},
		{"nameserver fe80::1%eth0", "both.test", ""},
		{"nameserver 192.0.2.7\nnameserver 192.0.2.53", "both.test", ""},
		{"nameserver 192.0.2.66\nnameserver 192.0.2.53", "both.test", ""},
		{"nameserver 192.0.2.7\nnameserver 2001:db8::200", "both.test", "192.0.2.7: connection refused; [2001:db8::200]: no route to host"},
		{"nameserver 203.0.113.1", "both.test", "203.0.113.1: network is unreachable"},
		{"nameserver 192.0.2.53", "192.0.2.7", ""},
		{"", "both.test", "127.0.0.1: connection refused"},
	} {
		t.Run(fmt.Sprintf("%q %s", tt.conf, tt.name), func(t *testing.T) {
			limit := patience
			if strings.Contains(tt.conf, "192.0.2.66\n") {
				limit = patience / 3 // half of it is waited for the first server
			}
			check(t, DNS(within(t, limit), Query{Name: tt.name, ResolvConf: resolvConfFile(t, tt.conf)}), tt.want)
		})
	}
	t.Run("late", func(t *testing.T) {
		conf := resolvConfFile(t, "nameserver 192.0.2.66\nnameserver 2001:db8::66")
		check(t, DNS(within(t, brief), Query{Name: "both.test", ResolvConf: conf}),
			"late: 192.0.2.66: no answer; [2001:db8::66]: no answer")
	})
	t.Run("by a link", func(t *testing.T) {
		q := Query{Name: "both.test", Server: netip.MustParseAddrPort("192.0.2.53:53"), Interface: "eth0"}
		check(t, DNS(within(t, patience), q), "")
	})
}
