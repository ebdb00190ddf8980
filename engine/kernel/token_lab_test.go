package kernel

import (
	"strings"
	"testing"

	"holdfast/engine"
	"holdfast/lab"
)

// TestToken shows, sets and restores the interface identifier of a link that
// has an automatic address.
func TestToken(t *testing.T) {
	lab.Require(t)
	for _, line := range []string{
		"link add v0 type veth peer name v1", "link set v1 up", "link set v0 up",
		"address add 2001:db8::5/64 dev v0 valid_lft 4000 preferred_lft 4000", "token set ::42 dev v0",
	} {
		lab.IP(t, line)
	}
	e := openTest(t)
	shows := func(when, want string) {
		t.Helper()
		s, err := e.Show(t.Context(), engine.ShowOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if v6 := s.Find("v0").IPv6; v6.Token == nil && want != "" || v6.Token != nil && *v6.Token != want {
			t.Errorf("%s: token %v, want %q", when, v6.Token, want)
		}
		if out := lab.Run(t, "ip", "token", "get", "dev", "v0"); want != "" && !strings.Contains(out, want+" ") {
			t.Errorf("%s: %s", when, out)
		}
	}
	shows("set by hand", "::42")
	thereAndBack(t, e, `interfaces: [{name: v0, type: veth, ipv6: {enabled: true, autoconf: true, token: "::43"}}]`, func() { shows("applied", "::43") })
	shows("rolled back", "::42")
	lab.IP(t, "token set :: dev v0")
	shows("taken away", "")
	thereAndBack(t, e, `interfaces: [{name: v0, type: veth, ipv6: {enabled: true, autoconf: true, token: "::44"}}]`, func() { shows("applied", "::44") })
	shows("rolled back", "")
}
