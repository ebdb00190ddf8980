package kernel

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/lab"
)

// newAddress is a message that adds an IPv4 address 10.0.x.y/32 to a link.
func newAddress(index, n int) netlink.Message {
	body := []byte{unix.AF_INET, 32, 0, 0, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(body[4:], uint32(index))
	return netlink.Message{
		Header: netlink.Header{Type: unix.RTM_NEWADDR, Flags: netlink.Create | netlink.Excl},
		Data:   appendAttr(body, unix.IFA_LOCAL, []byte{10, 0, byte(n >> 8), byte(n)}),
	}
}

func dummy(t testing.TB, c *conn, name string) int {
	t.Helper()
	lab.IP(t, "link", "add", name, "type", "dummy")
	s, err := takeSnapshot(t.Context(), c, wantLinks)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range s.Links {
		if l.Name == name {
			return l.Index
		}
	}
	t.Fatalf("%s is not there", name)
	return 0
}

// TestPipeline sends more than one batch, with refusals in between.
func TestPipeline(t *testing.T) {
	lab.Require(t)
	c := dialTest(t)
	index := dummy(t, c, "d0")
	const n = 1500
	msgs := make([]netlink.Message, n)
	for i := range msgs {
		msgs[i] = newAddress(index, i-i%5) // every fifth address five times
	}
	for i, err := range c.pipeline(t.Context(), msgs) {
		if first := i%5 == 0; first && err != nil || !first && !errors.Is(err, unix.EEXIST) {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if c.Writes() != n {
		t.Errorf("%d writes counted, want %d", c.Writes(), n)
	}
	s, err := takeSnapshot(t.Context(), c, wantAddresses)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Addresses) < n/5 {
		t.Errorf("%d addresses, want %d", len(s.Addresses), n/5)
	}
	if c.Writes() != n {
		t.Errorf("a dump counts as a write")
	}
}

// TestPipelineExtendedAck wants the kernel's own words.
func TestPipelineExtendedAck(t *testing.T) {
	lab.Require(t)
	lab.IP(t, "link add b0 type bond")
	c := dialTest(t)
	body := make([]byte, unix.SizeofIfInfomsg)
	body = appendAttr(body, unix.IFLA_IFNAME, []byte("b0\x00"))
	body = appendU32(body, unix.IFLA_MTU, 1<<30)
	errs := c.pipeline(t.Context(), []netlink.Message{{Header: netlink.Header{Type: unix.RTM_SETLINK}, Data: body}})
	var ack *ackError
	if !errors.As(errs[0], &ack) || ack.Errno != unix.EINVAL || !strings.Contains(ack.Text, "mtu") {
		t.Errorf("got %v, want the kernel's text about the mtu", errs[0])
	}
}

// TestPipelineOverrun makes the acknowledgements overrun the receive buffer:
// what is lost is told so, what is known is right, and the connection goes on.
func TestPipelineOverrun(t *testing.T) {
	lab.Require(t)
	c := dialTest(t)
	index := dummy(t, c, "d0")
	if err := c.nl.SetReadBuffer(8 << 10); err != nil {
		t.Fatal(err)
	}
	c.batch = 500
	msgs := make([]netlink.Message, 1000)
	for i := range msgs {
		msgs[i] = newAddress(index, i)
	}
	lost := 0
	for i, err := range c.pipeline(t.Context(), msgs) {
		switch {
		case errors.Is(err, errLost):
			lost++
		case err != nil:
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if lost == 0 {
		t.Error("nothing was lost: the test tests nothing")
	}
	c.batch = 2
	for i, err := range c.pipeline(t.Context(), msgs[:20]) {
		if !errors.Is(err, unix.EEXIST) {
			t.Errorf("message %d afterwards: %v", i, err)
		}
	}
}

// TestPipelineCancelled sends nothing once the context has ended.
func TestPipelineCancelled(t *testing.T) {
	lab.Require(t)
	c := dialTest(t)
	index := dummy(t, c, "d0")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	errs := c.pipeline(ctx, []netlink.Message{newAddress(index, 1), newAddress(index, 2)})
	for _, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
	}
	s, err := takeSnapshot(t.Context(), c, wantAddresses)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range s.Addresses {
		if a.Index == index && a.Family == unix.AF_INET {
			t.Errorf("address %s was sent", a.Prefix)
		}
	}
}

// TestDumpWhileChanging dumps while links come and go: each dump is whole, or
// says that it could not be. Links that stay are in every one.
func TestDumpWhileChanging(t *testing.T) {
	lab.Require(t)
	c := dialTest(t)
	for _, name := range []string{"stay0", "stay1"} {
		dummy(t, c, name)
	}
	stop := make(chan struct{})
	var changer sync.WaitGroup
	changer.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = lab.Try("ip", "link", "add", "go0", "type", "veth", "peer", "name", "go1")
				_, _ = lab.Try("ip", "link", "del", "go0")
			}
		}
	})
	for range 50 {
		s, err := takeSnapshot(t.Context(), c, wantShow)
		if errors.Is(err, errInterrupted) {
			continue
		}
		if err != nil {
			t.Error(err)
			break
		}
		seen := make(map[string]int)
		for _, l := range s.Links {
			seen[l.Name]++
		}
		if seen["stay0"] != 1 || seen["stay1"] != 1 || seen["lo"] != 1 {
			t.Errorf("not a whole dump: %v", seen)
		}
	}
	close(stop)
	changer.Wait()
}

// TestShowOtherNamespace: the number of a link below in another namespace is
// not one of ours.
func TestShowOtherNamespace(t *testing.T) {
	lab.Require(t)
	lab.Namespace(t, "guest")
	c := dialTest(t)
	lab.IP(t, "link add d0 type dummy")
	lab.IP(t, "link add link d0 name v7 type vlan id 7")
	lab.IP(t, "link add here type veth peer name there netns guest")
	lab.IP(t, "link add moved link d0 netns guest type macvlan")
	s, _, err := readState(t.Context(), c, engine.ShowOptions{})
	if err != nil {
		t.Fatal(err)
	}
	veth := s.Find("here")
	if veth == nil || veth.Veth != nil || !veth.Facts.BaseElsewhere || !veth.Facts.Foreign {
		t.Errorf("a veth into another namespace shows as %+v", veth)
	}
	vlan := s.Find("v7")
	if vlan == nil || vlan.VLAN.BaseIface != "d0" || vlan.Facts.BaseElsewhere {
		t.Errorf("a VLAN shows as %+v", vlan)
	}
}

// TestShowUnprivileged shows as a user without any capability: everything but
// what the kernel hides, and that is not mentioned.
func TestShowUnprivileged(t *testing.T) {
	lab.Require(t)
	lab.IP(t, "link add b0 type bond mode 802.3ad")
	c := dialUnprivileged(t)
	s, _, err := readState(t.Context(), c, engine.ShowOptions{Details: true})
	if err != nil {
		t.Fatal(err)
	}
	o := s.Find("b0").Bond.Options
	if o.ADActorSysPrio != nil || o.ADActorSystem != "" || o.ADUserPortKey != nil {
		t.Errorf("hidden options are shown: %+v", o)
	}
	if o.LACPRate != "slow" || o.MIIMon == nil {
		t.Errorf("open options are not shown: %+v", o)
	}
	errs := c.pipeline(t.Context(), []netlink.Message{newAddress(1, 1)})
	var fault *engine.Error
	if !errors.As(newOpError("add address", "lo", errs[0]), &fault) || fault.Kind != engine.Permission {
		t.Errorf("a change says %v, want permission", errs[0])
	}
}

// dialUnprivileged opens a connection as a thread without privileges. Netlink
// looks at the opener of a socket too, not only at the sender.
func dialUnprivileged(t *testing.T) *conn {
	t.Helper()
	const nobody = 65534
	if err := unix.Setresuid(-1, nobody, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setresuid(-1, 0, 0); err != nil {
			t.Error(err)
		}
	})
	if os.Geteuid() != nobody {
		t.Fatal("still root")
	}
	return dialTest(t)
}

// TestSnapshotRaw takes a checkpoint's snapshot of what the schema does not know.
func TestSnapshotRaw(t *testing.T) {
	lab.Require(t)
	for _, line := range []string{
		"ip link add br0 type bridge", "ip link add d0 type dummy", "ip link set d0 master br0",
		"ip link set br0 up", "ip link set d0 up", "ip addr add 192.0.2.1/24 dev br0",
		"bridge fdb add 02:00:00:00:00:99 dev d0 master static",
		"bridge mdb add dev br0 port d0 grp 239.1.1.1 permanent",
		"ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:98 dev br0 nud permanent",
		"ip nexthop add id 7 via 192.0.2.9 dev br0",
		"tc qdisc add dev d0 clsact",
		"tc filter add dev d0 ingress matchall action mirred egress mirror dev br0",
		"tc qdisc add dev d0 root handle 1: prio",
		"ip route add 10.0.0.0/8 via 192.0.2.9 proto bgp",
	} {
		lab.Run(t, strings.Fields(line)...)
	}
	c := dialTest(t)
	s, err := takeSnapshot(t.Context(), c, wantAll)
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, n := range s.FDB { // one for each VLAN of the port, and one for none
		got["fdb "+s.name(n.Index)+" "+n.MAC] = 1
	}
	for _, m := range s.MDB {
		got["mdb "+s.name(m.Bridge)+" "+s.name(m.Port)]++
	}
	for _, n := range s.Neighbours {
		got["neighbour "+s.name(n.Index)+" "+n.MAC]++
	}
	for _, v := range s.VLANs {
		got[fmt.Sprintf("vlans %s %+v", s.name(v.Index), v.Entries)]++
	}
	for _, r := range s.Routes {
		if r.Protocol == unix.RTPROT_BGP && len(r.Body) > 0 {
			got["route "+r.Destination.String()]++
		}
	}
	for _, q := range slices.Concat(s.Qdiscs, s.Filters) {
		got["tc "+s.name(q.Index)+" "+q.Kind]++
	}
	got["next hops"] = len(s.Nexthops)
	want := map[string]int{
		"fdb d0 02:00:00:00:00:99": 1, "mdb br0 d0": 1, "neighbour br0 02:00:00:00:00:98": 1,
		"vlans br0 [{First:1 Last:1 PVID:true Untagged:true}]": 1,
		"vlans d0 [{First:1 Last:1 PVID:true Untagged:true}]":  1,
		"route 10.0.0.0/8": 1, "tc d0 clsact": 1, "tc d0 prio": 1, "tc d0 matchall": 1, "next hops": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshot (-want +got):\n%s", diff)
	}
	if c.Writes() != 0 {
		t.Errorf("%d writes", c.Writes())
	}
}

// TestShowSysctls compares the kernel's arrays with the files of /proc/sys.
func TestShowSysctls(t *testing.T) {
	lab.Require(t)
	c := dialTest(t)
	dummy(t, c, "d0")
	lab.Sysctl(t, "net/ipv6/conf/d0/accept_ra", "2")
	lab.Sysctl(t, "net/ipv4/conf/d0/rp_filter", "2")
	s, err := takeSnapshot(t.Context(), c, wantLinks|wantRaw)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range s.Links {
		if l.Name == "d0" {
			compareSysctls(t, "/proc/sys/net/ipv4/conf/d0/", devconf4, l.INet4.All)
			compareSysctls(t, "/proc/sys/net/ipv6/conf/d0/", devconf6, l.INet6.All)
		}
	}
}

func compareSysctls(t *testing.T, dir string, names []string, values []int32) {
	t.Helper()
	compared := 0
	for i, name := range names {
		file, err := os.ReadFile(dir + name)
		if name == "" || i >= len(values) || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		compared++
		var want int64
		for _, d := range strings.TrimPrefix(strings.TrimSpace(string(file)), "-") {
			want = want*10 + int64(d-'0')
		}
		if file[0] == '-' {
			want = -want
		}
		if int32(want) != values[i] {
			t.Errorf("%s%s is %d, the array says %d", dir, name, want, values[i])
		}
	}
	if compared < 20 {
		t.Errorf("only %d sysctls of %s compared", compared, dir)
	}
}

// TestDumpOfLongMessages has the kernel send more at once than the buffer
// holds: the buffer grows, and the dump is whole.
func TestDumpOfLongMessages(t *testing.T) {
	lab.Require(t)
	c := dialTest(t)
	index := dummy(t, c, "d0")
	const n = 300
	msgs := make([]netlink.Message, n)
	for i := range msgs {
		msgs[i] = newAddress(index, i)
	}
	for i, err := range c.pipeline(t.Context(), msgs) {
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	c.buf = make([]byte, 256)
	for range 2 {
		s, err := takeSnapshot(t.Context(), c, wantAddresses)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.DeleteFunc(s.Addresses, func(a *rawAddress) bool { return a.Index != index || a.Family != unix.AF_INET })
		if len(found) != n {
			t.Errorf("%d addresses, want %d", len(found), n)
		}
	}
	if len(c.buf) == 256 {
		t.Error("the buffer did not grow: the test tests nothing")
	}
}
