package reach

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
)

func itoa(n uint16) string { return strconv.Itoa(int(n)) }

// zone are the records that the tests' name server has.
var zone = []string{
	"both.test. A 192.0.2.7", "both.test. AAAA 2001:db8::7",
	"six.test. AAAA 2001:db8::8",
	"alias.test. CNAME both.test.",
	"dangling.test. CNAME nowhere.test.",
	"mail.test. MX 10 both.test.",
	"large.test. A 192.0.2.9",
	"lost.test. A 192.0.2.10",
	"7.2.0.192.in-addr.arpa. PTR both.test.",
}

// nameServer answers from zone. Some names have a way of their own: the first
// question for "lost" is dropped, all for "mute" are, "large" does not fit into
// a datagram, "broken", "refuses" and "wrong" are answered badly.
type nameServer struct {
	records []dns.RR
	lost    atomic.Int32
}

func newNameServer(t *testing.T) *nameServer {
	t.Helper()
	s := &nameServer{}
	for _, line := range zone {
		record, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		s.records = append(s.records, record)
	}
	return s
}

// ServeDNS answers one question.
func (s *nameServer) ServeDNS(w dns.ResponseWriter, question *dns.Msg) {
	_, datagram := w.RemoteAddr().(*net.UDPAddr)
	name := question.Question[0].Name
	answer := new(dns.Msg).SetReply(question)
	switch label, _, _ := strings.Cut(name, "."); {
	case label == "mute", label == "lost" && s.lost.Add(1) == 1:
		return
	case label == "large" && datagram:
		answer.Truncated = true
	case label == "broken":
		answer.Rcode = dns.RcodeServerFailure
	case label == "refuses":
		answer.Rcode = dns.RcodeRefused
	case label == "wrong":
		forged := new(dns.Msg).SetReply(question)
		forged.Id++
		_ = w.WriteMsg(forged)
		answer.Question[0].Name = "other.test."
	default:
		s.fill(answer)
	}
	if label, _, _ := strings.Cut(name, "."); label == "large" && !datagram {
		s.fill(answer)
	}
	_ = w.WriteMsg(answer)
}

// fill puts the records of the name into the answer, or that there is none.
func (s *nameServer) fill(answer *dns.Msg) {
	q := answer.Question[0]
	known := false
	for _, record := range s.records {
		header := record.Header()
		if !strings.EqualFold(header.Name, q.Name) {
			continue
		}
		known = true
		if header.Rrtype == q.Qtype || header.Rrtype == dns.TypeCNAME {
			answer.Answer = append(answer.Answer, record)
		}
		if alias, ok := record.(*dns.CNAME); ok {
			for _, r := range s.records {
				if r.Header().Name == alias.Target && r.Header().Rrtype == q.Qtype {
					answer.Answer = append(answer.Answer, r)
				}
			}
		}
	}
	if !known {
		answer.Rcode = dns.RcodeNameError
	}
}

// open opens a socket of each sort at the address. A port of 0 is a free one.
func (s *nameServer) open(address string) (packets net.PacketConn, streams net.Listener, err error) {
	for range 20 { // the free port of one may be taken for the other
		if packets, err = net.ListenPacket("udp", address); err != nil {
			return nil, nil, err
		}
		if streams, err = net.Listen("tcp", packets.LocalAddr().String()); err == nil {
			return packets, streams, nil
		}
		_ = packets.Close()
	}
	return nil, nil, err
}

// start serves at the address until the test ends.
func (s *nameServer) start(t *testing.T, address string) netip.AddrPort {
	t.Helper()
	packets, streams, err := s.open(address)
	s.serve(t, packets, streams, err)
	return netip.MustParseAddrPort(packets.LocalAddr().String())
}

func (s *nameServer) serve(t *testing.T, packets net.PacketConn, streams net.Listener, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: s}, {Listener: streams, Handler: s}} {
		started, ended := make(chan struct{}), make(chan error, 1)
		server.NotifyStartedFunc = func() { close(started) }
		go func() { ended <- server.ActivateAndServe() }()
		<-started
		t.Cleanup(func() {
			_ = server.Shutdown()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
}

// muteServer takes questions and connections, and never answers.
func muteServer(t *testing.T) netip.AddrPort {
	t.Helper()
	_, port := listener(t)
	address := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
	packets, err := net.ListenPacket("udp", address.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = packets.Close() })
	return address
}

func TestDNS(t *testing.T) {
	server := newNameServer(t).start(t, "127.0.0.1:0")
	for _, tt := range []struct{ name, sort, want string }{
		{"both.test", "", ""},
		{"BOTH.test.", "AAAA", ""},
		{"six.test", "", ""},
		{"six.test", "A", "SERVER has no A record of six.test"},
		{"alias.test", "", ""},
		{"dangling.test", "", "SERVER has no A or AAAA record of dangling.test"},
		{"mail.test", "MX", ""},
		{"mail.test", "", "SERVER has no A or AAAA record of mail.test"},
		{"large.test", "A", ""},
		{"lost.test", "A", ""},
		{"nothing.test", "", "SERVER knows no name nothing.test (NXDOMAIN)"},
		{"broken.test", "", "SERVER: answers SERVFAIL"},
		{"refuses.test", "", "SERVER: answers REFUSED"},
		{"192.0.2.7", "", ""},
		{"192.0.2.99", "", "SERVER knows no name 99.2.0.192.in-addr.arpa (NXDOMAIN)"},
		{"2001:db8::7", "", "SERVER knows no name 7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa (NXDOMAIN)"},
		{"both.test", "NONSENSE", "there is no type of record NONSENSE"},
	} {
		t.Run(tt.name+" "+tt.sort, func(t *testing.T) {
			err := DNS(within(t, patience), Query{Name: tt.name, Type: tt.sort, Server: server})
			check(t, err, strings.ReplaceAll(tt.want, "SERVER", server.String()))
		})
	}
	for _, name := range []string{"mute.test", "wrong.test"} {
		t.Run(name, func(t *testing.T) {
			err := DNS(within(t, brief), Query{Name: name, Server: server})
			check(t, err, "late: "+server.String()+": no answer")
		})
	}
}

func TestDNSNobodyThere(t *testing.T) {
	taken, err := net.Dial("udp", "127.0.0.1:9") // its port hears nobody else
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	server := netip.MustParseAddrPort(taken.LocalAddr().String())
	check(t, DNS(within(t, patience), Query{Name: "both.test", Server: server}), server.String()+": connection refused")
	check(t, DNS(within(t, patience), Query{Name: "both.test", ResolvConf: "/nothing/resolv.conf"}),
		"read name servers: open /nothing/resolv.conf: no such file or directory")
}
