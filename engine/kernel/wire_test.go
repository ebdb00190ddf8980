package kernel

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"golang.org/x/sys/unix"

	"holdfast/engine"
	"holdfast/lab"
	"holdfast/state"
)

// The cases of testdata/wire are hosts: `setup` makes one with ip(8), `messages`
// are the kernel's own answers about it, recorded in the lab, and `state` is what
// show makes of them. The unit test reads the recorded answers; the lab test
// makes the host and shows it live.
var (
	updateFlag = flag.Bool("update", false, "rewrite the states of testdata/wire from the recorded messages")
	recordFlag = flag.String("record", "", "in the lab: write cases with freshly recorded messages to this folder")
)

// A dumpRequest is one dump of a recording.
type dumpRequest struct {
	name    string
	typ     uint16
	request []byte
	take    func(s *snapshot, body []byte) error
}

// dumpRequests are what a recording holds, by name.
var dumpRequests = []dumpRequest{
	{"link", unix.RTM_GETLINK, appendU32(make([]byte, unix.SizeofIfInfomsg), unix.IFLA_EXT_MASK, extFilterSkipStats),
		func(s *snapshot, b []byte) error {
			l, err := decodeLink(b, false)
			s.Links = append(s.Links, l)
			return err
		}},
	{"address", unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), func(s *snapshot, b []byte) error {
		a, err := decodeAddress(b)
		s.Addresses = append(s.Addresses, a)
		return err
	}},
	{"route4", unix.RTM_GETROUTE, append([]byte{unix.AF_INET}, make([]byte, unix.SizeofRtMsg-1)...), takeRoute},
	{"route6", unix.RTM_GETROUTE, append([]byte{unix.AF_INET6}, make([]byte, unix.SizeofRtMsg-1)...), takeRoute},
	{"rule", unix.RTM_GETRULE, make([]byte, fibRuleHeaderSize), func(s *snapshot, b []byte) error {
		r, err := decodeRule(b)
		s.Rules = append(s.Rules, r)
		return err
	}},
	{"vlans", unix.RTM_GETLINK, appendU32(append([]byte{unix.AF_BRIDGE}, make([]byte, unix.SizeofIfInfomsg-1)...),
		unix.IFLA_EXT_MASK, extFilterVLANCompressed), func(s *snapshot, b []byte) error {
		v, err := decodeVLANs(b)
		s.VLANs = append(s.VLANs, v)
		return err
	}},
}

func takeRoute(s *snapshot, b []byte) error {
	r, err := decodeRoute(b)
	s.Routes = append(s.Routes, r)
	return err
}

// A wireCase is one file of testdata/wire.
type wireCase struct {
	file, name string
	archive    *txtar.Archive
}

func wireCases(t testing.TB) []wireCase {
	t.Helper()
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var cases []wireCase
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, wireCase{file, strings.TrimSuffix(filepath.Base(file), ".txtar"), a})
	}
	return cases
}

func part(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func setPart(a *txtar.Archive, name string, data []byte) {
	for i := range a.Files {
		if a.Files[i].Name == name {
			a.Files[i].Data = data
			return
		}
	}
	a.Files = append(a.Files, txtar.File{Name: name, Data: data})
}

// replay makes a snapshot of recorded messages.
func replay(t testing.TB, messages []byte) *snapshot {
	t.Helper()
	s := &snapshot{}
	for line := range strings.Lines(string(messages)) {
		name, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		body, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range dumpRequests {
			if r.name == name {
				if err := r.take(s, body); err != nil {
					t.Fatalf("%s: %v", line, err)
				}
			}
		}
	}
	return s
}

func TestShowRecorded(t *testing.T) {
	for _, c := range wireCases(t) {
		t.Run(c.name, func(t *testing.T) {
			a := c.archive
			got := state.EncodeYAML(stateOf(replay(t, part(a, "messages")), nil))
			if *updateFlag {
				setPart(a, "state", got)
				if err := os.WriteFile(c.file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(part(a, "state")), string(got)); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
		})
	}
}

// TestShowLive makes each recorded host in the lab: show says of the living one
// what it says of the recorded one.
func TestShowLive(t *testing.T) {
	for _, c := range wireCases(t) {
		t.Run(c.name, func(t *testing.T) {
			a := c.archive
			lab.Require(t)
			conn := makeHost(t, part(a, "setup"))
			if *recordFlag != "" {
				setPart(a, "messages", recordAll(t, conn))
				if err := os.WriteFile(filepath.Join(*recordFlag, filepath.Base(c.file)), txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			got, _, err := readState(t.Context(), conn, engine.ShowOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(part(a, "state")), string(state.EncodeYAML(got))); diff != "" {
				t.Errorf("state (-recorded +live):\n%s", diff)
			}
			compareWithIP(t, got)
		})
	}
}

// makeHost runs a case's setup and opens a connection to what came out.
func makeHost(t testing.TB, setup []byte) *conn {
	t.Helper()
	for line := range strings.Lines(string(setup)) {
		words := strings.Fields(line)
		if len(words) == 3 && words[0] == "sysctl" {
			lab.Sysctl(t, words[1], words[2])
			continue
		}
		lab.Run(t, words...)
	}
	return dialTest(t)
}

func dialTest(t testing.TB) *conn {
	t.Helper()
	c, err := dialConn(unix.NETLINK_ROUTE, 0, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// recordAll dumps everything as lines of a name and a message in hexadecimal.
func recordAll(t *testing.T, c *conn) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, r := range dumpRequests {
		_, err := c.dump(r.typ, r.request, func(m message) error {
			_, err := fmt.Fprintf(&out, "%s %x\n", r.name, m.body)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", r.name, err)
		}
	}
	return out.Bytes()
}
