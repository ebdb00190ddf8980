package natural

import (
	"flag"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestCompareSortsByNumber(t *testing.T) {
	want := []string{
		"", "br0", "eth", "eth0", "eth1", "eth1.2", "eth1.10", "eth1v", "eth2", "eth10",
		"eth99999999999999999999", "eth100000000000000000000", "eth100000000000000000000a", "lo",
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Compare)
	if !slices.Equal(got, want) {
		t.Errorf("sorted = %q, want %q", got, want)
	}
}

func TestCompareTellsLeadingZerosApart(t *testing.T) {
	if Compare("eth01", "eth1") >= 0 || Compare("eth1", "eth01") <= 0 {
		t.Error("eth01 and eth1 must differ, eth01 first")
	}
}

func TestCompareIsTotalOrder(t *testing.T) {
	fixSeed(t)
	name := rapid.StringMatching(`[ab]?[0-2]{0,3}[ab]?[0-2]{0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		if Compare(a, b) != -Compare(b, a) {
			t.Fatalf("Compare(%q, %q) is not antisymmetric", a, b)
		}
		if (Compare(a, b) == 0) != (a == b) {
			t.Fatalf("Compare(%q, %q) = 0 for different strings", a, b)
		}
		if Compare(a, b) <= 0 && Compare(b, c) <= 0 && Compare(a, c) > 0 {
			t.Fatalf("not transitive: %q %q %q", a, b, c)
		}
	})
}

// fixSeed makes rapid draw the same in every run, unless -rapid.seed is given.
func fixSeed(t *testing.T) {
	t.Helper()
	if f := flag.Lookup("rapid.seed"); f.Value.String() == "0" {
		if err := f.Value.Set("1"); err != nil {
			t.Fatal(err)
		}
	}
}
