package live_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"holdfast/lab"
	"holdfast/probe"
	"holdfast/probe/live"
	"holdfast/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ask runs probes and gives what they came to, without times.
func ask(t *testing.T, o live.Options, on *state.State, texts ...string) []string {
	t.Helper()
	var got []string
	for _, a := range answers(t, o, on, texts) {
		if (a.Error == "") != a.OK {
			t.Errorf("ok %v, error %q", a.OK, a.Error)
		}
		got = append(got, fmt.Sprintf("%s: %s", a.Label(), orOK(a.Error)))
	}
	return got
}

func orOK(text string) string {
	if text == "" {
		return "ok"
	}
	return text
}

// TestOnLoopback asks what needs no network.
func TestOnLoopback(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	defer server.Close()
	address := server.Listener.Addr().String()
	mute, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	name := mute.LocalAddr().String()
	got := ask(t, live.Options{Folder: "/nothing/here", Client: func(context.Context, probe.Spec) error { return nil }}, nil,
		"tcp:"+address+",timeout=1m,retries=0",
		"tcp:"+strings.Replace(address, ":", "%lo:", 1)+",timeout=1m,retries=0",
		"http:http://"+address+"/,timeout=1m,retries=0",
		"http:http://"+address+"/,status=200,timeout=1m,retries=0",
		"dns:example.test@"+name+",timeout=100ms,retries=1",
		"arp:192.0.2.1%lo,retries=0",
		"ping:192.0.2.1%gone0,retries=0",
		"exec:check,retries=5",
		"client",
	)
	want := []string{
		"tcp:" + address + ": ok",
		"tcp:" + strings.Replace(address, ":", "%lo:", 1) + ": ok",
		"http:http://" + address + "/: ok",
		"http:http://" + address + "/: the server answers 204 No Content, not 200 OK",
		"dns:example.test@" + name + ": " + name + ": no answer within 100ms",
		"arp:192.0.2.1%lo: lo has no Ethernet address to ask from",
		"ping:192.0.2.1%gone0: there is no interface gone0",
		"exec:check: there is no probe folder /nothing/here",
		"client: ok",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestClientWithoutConnection(t *testing.T) {
	want := []string{"client: there is no connection of the one who asked to wait for"}
	if diff := cmp.Diff(want, ask(t, live.Options{}, nil, "client")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestGatewayMoves takes a host's address and gateway from a NIC to a bridge
// over it, cuts the bridge off, and lets the verdicts tell what happened.
func TestGatewayMoves(t *testing.T) {
	lab.Require(t)
	wire := lab.Wire(t, lab.Wiring{NICs: []string{"eth0"}})
	wire.Join(t, "router", 0, "192.0.2.1/24", "fe80::1/64")
	lab.IP(t, "link set eth0 up")
	lab.IP(t, "address add 192.0.2.9/24 dev eth0")
	awaitLinkLocal(t, "eth0")
	options := live.Options{Folder: folder(t)}
	probes := []string{"gateway,timeout=20s,retries=0", "ping:192.0.2.1,timeout=20s,retries=0", "exec:reach,timeout=1m"}
	before := answers(t, options, gatewayOn("eth0"), probes)
	if v := probe.Judge(before, nil); !v.OK() || len(before) != 4 {
		t.Fatalf("before: %d answers, wrong %q", len(before), v.Wrong())
	}

	lab.IP(t, "link add br0 type bridge stp_state 0 forward_delay 0")
	lab.IP(t, "address del 192.0.2.9/24 dev eth0")
	lab.IP(t, "link set eth0 master br0")
	lab.IP(t, "link set br0 up")
	lab.IP(t, "address add 192.0.2.9/24 dev br0")
	awaitLinkLocal(t, "br0")
	after := answers(t, options, gatewayOn("br0"), probes)
	if v := probe.Judge(before, after); !v.OK() || len(v.LeftOut) != 0 {
		t.Fatalf("after: wrong %q, left out %q", v.Wrong(), v.Warnings())
	}

	wire.Cut(t, wire.Ports[0], true)
	cut := answers(t, options, gatewayOn("br0"), probes)
	var lost []string
	for _, a := range probe.Judge(before, cut).Lost {
		if a.Spec.Kind == probe.Ping {
			a.Error = "fails" // in which words depends on what the kernel finds first
		}
		lost = append(lost, a.Label()+": "+a.Error)
	}
	want := []string{
		"gateway 192.0.2.1%br0: no answer within 20s",
		"gateway fe80::1%br0: no answer within 20s",
		"ping:192.0.2.1: fails",
		"exec:reach: exit code 7: nobody there",
	}
	if diff := cmp.Diff(want, lost); diff != "" {
		t.Errorf("lost (-want +got)\n%s", diff)
	}
}

func answers(t *testing.T, o live.Options, on *state.State, texts []string) []probe.Answer {
	t.Helper()
	var specs []probe.Spec
	for _, text := range texts {
		s, err := probe.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		specs = append(specs, s)
	}
	runner := probe.Runner{Asks: live.Asks(o), Now: time.Now, Report: func(a probe.Answer) { t.Log(a) }}
	return runner.Run(t.Context(), specs, on, 0)
}

// gatewayOn is what the engine would show of the gateways.
func gatewayOn(link string) *state.State {
	route := func(destination, gateway string) *state.Route {
		hop := netip.MustParseAddr(gateway)
		return &state.Route{Destination: netip.MustParsePrefix(destination), NextHopAddress: &hop, NextHopInterface: &link}
	}
	return &state.State{Routes: &state.Routes{Running: []*state.Route{route("0.0.0.0/0", "192.0.2.1"), route("::/0", "fe80::1")}}}
}

func awaitLinkLocal(t *testing.T, link string) {
	t.Helper()
	lab.Await(t, "a link-local address of "+link, 0, func() bool {
		all := lab.IP(t, "-6 -o address show scope link dev", link)
		return strings.Contains(all, "fe80:") && !strings.Contains(all, "tentative")
	})
}

// folder has a program that looks whether eth0 has a carrier.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "reach")
	text := "#!/bin/sh\nread carrier < /sys/class/net/eth0/carrier\n[ \"$carrier\" = 1 ] || { echo nobody there; exit 7; }\n"
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o755), os.Chmod(path, 0o755), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	return dir
}
