package kernel

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestToMove writes addresses as numbers of their subnets: before, now, and what
// is taken away and added again in that order.
func TestToMove(t *testing.T) {
	for _, c := range []struct {
		family        uint8
		was, is, want string
	}{
		{unix.AF_INET, "1 2 3", "1 2 3", ""},
		{unix.AF_INET, "1 2 3", "2 3 1", "2 3"},
		{unix.AF_INET, "1 2 3", "1 3 2", "3"},
		{unix.AF_INET, "1 2", "3 2 1", "2"},
		{unix.AF_INET, "1 2 3", "1", ""},
		{unix.AF_INET6, "1 2 3", "3 1 2", "2 1"},
		{unix.AF_INET6, "1 2 3", "2 1 3", "1"},
		{unix.AF_INET6, "3 2 1", "2 1 3", "3"},
	} {
		was, is := snapshotOf(c.family, c.was), snapshotOf(c.family, c.is)
		got := ""
		for _, d := range was.disorders(is, map[string]bool{"d0": true}) {
			for _, a := range d.toMove() {
				got += " " + subnetNumber(a)
			}
			if !strings.HasPrefix(d.String(), "d0: the addresses come in the order [") {
				t.Errorf("text: %s", d)
			}
		}
		if got = strings.TrimSpace(got); got != c.want {
			t.Errorf("family %d, %q to %q: moves %q, want %q", c.family, c.is, c.was, got, c.want)
		}
	}
}

func snapshotOf(family uint8, numbers string) *snapshot {
	s := &snapshot{Links: []*rawLink{{Index: 7, Name: "d0"}}}
	for n := range strings.FieldsSeq(numbers) {
		prefix := netip.MustParsePrefix("10." + n + ".0.1/16")
		if family == unix.AF_INET6 {
			prefix = netip.MustParsePrefix("2001:db8:" + n + "::1/64")
		}
		s.Addresses = append(s.Addresses, &rawAddress{Index: 7, Family: family, Prefix: prefix, Valid: foreverLife})
	}
	return s
}

func subnetNumber(a *rawAddress) string {
	if a.Family == unix.AF_INET {
		return strings.Split(a.Prefix.String(), ".")[1]
	}
	return strings.Split(a.Prefix.String(), ":")[2]
}
