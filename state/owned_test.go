package state

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/internal/problem"
)

// TestOwnedCases takes the owned set of before through the document of each
// case: "owned.yml" is the set after it, "return.yml" the document that leads
// back to the set of before. The file "drift" says that the host was not as the
// set of before.
func TestOwnedCases(t *testing.T) {
	eachCase(t, "testdata/owned/*.txtar", func(t *testing.T, c *testCase) {
		current, desired, previous := c.current(t), c.parse(t, "desired.yml"), c.parse(t, "previous.yml")
		target, err := decide(current, desired)
		if err != nil {
			t.Fatal(problem.Text(err))
		}
		before := string(EncodeYAML(previous))
		owned := target.OwnedSet(previous, current)
		c.expect("owned.yml", string(EncodeYAML(owned)))
		c.expect("return.yml", string(EncodeYAML(Return(owned, previous))))
		if diff := cmp.Diff(before, string(EncodeYAML(previous))); diff != "" {
			t.Errorf("OwnedSet changed the set of before (-want +got):\n%s", diff)
		}
		if c.file("drift") == "" {
			checkOwned(t, target, owned)
		}
	})
}

// checkOwned fails when the set, printed and read again, is no document, or
// asks for something on the host that has just reached its target.
func checkOwned(t *testing.T, target *Target, owned *State) {
	t.Helper()
	again, err := Parse("owned", EncodeYAML(owned))
	if err != nil {
		t.Fatalf("the owned set is no document: %s", problem.Text(err))
	}
	host := settle(target.State)
	next, err := decide(host, again)
	if err != nil {
		t.Fatalf("the owned set does not fit its own host: %s", problem.Text(err))
	}
	for _, i := range next.State.Interfaces {
		if !slices.Contains(host.Interfaces, i) {
			t.Errorf("the owned set changes %s on its own host (-host +set):\n%s", i.Name, cmp.Diff(text(host.Find(i.Name)), text(i)))
		}
	}
	if second := next.OwnedSet(owned, host); !Equal(second, owned) {
		t.Errorf("the owned set of itself differs (-want +got):\n%s", cmp.Diff(string(EncodeYAML(owned)), string(EncodeYAML(second))))
	}
}

const runningSet = `
interfaces:
- {name: bond0, type: bond, link-aggregation: {mode: active-backup, port: [eth0]}}
- {name: bond0.5, type: vlan, vlan: {base-iface: bond0, id: 5}}
- {name: br5, type: linux-bridge, bridge: {port: [{name: bond0.5}]}}
- {name: eth0, type: ethernet}
routes:
  config:
  - {destination: 198.51.100.0/24, next-hop-interface: br5, next-hop-address: 192.0.2.1}
`

func owned(t *testing.T, yaml string) *State {
	t.Helper()
	s, err := Parse("set", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPersist(t *testing.T) {
	none := "interfaces: []"
	for _, test := range []struct {
		name, persistent, names, want, problems string
	}{
		{"a NIC's bond", none, "bond0", "bond0", ""},
		{"what stands on a temporary link", none, "br5 bond0.5", "",
			"bond0.5: cannot outlive the boot: bond0, which it stands on, is temporary"},
		{"a whole network", none, "br5 bond0.5 bond0", "bond0 bond0.5 br5", ""},
		{"twice", runningSet, "br5", "bond0 bond0.5 br5 eth0", ""},
		{"a spelling mistake", none, "bond1", "", "bond1: holdfast answers for no interface of this name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			running, persistent := owned(t, runningSet), owned(t, test.persistent)
			got, err := Persist(running, persistent, strings.Fields(test.names))
			checkSet(t, got, err, test.want, test.problems)
			if err == nil && len(configRoutes(got)) != strings.Count(test.want, "br5") {
				t.Errorf("routes: %v", configRoutes(got))
			}
		})
	}
}

func TestUnpersist(t *testing.T) {
	for _, test := range []struct{ name, names, want, problems string }{
		{"the top of a stack", "br5", "bond0 bond0.5 eth0", ""},
		{"a NIC below a bond", "eth0", "bond0 bond0.5 br5", ""},
		{"what others stand on", "bond0", "", "bond0.5: cannot outlive the boot: bond0, which it stands on, is temporary"},
		{"all", "br5 eth0 bond0 bond0.5", "", ""},
		{"a spelling mistake", "br6", "", "br6: is not a persistent interface of holdfast's"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Unpersist(owned(t, runningSet), owned(t, runningSet), strings.Fields(test.names))
			checkSet(t, got, err, test.want, test.problems)
		})
	}
}

func checkSet(t *testing.T, got *State, err error, want, problems string) {
	t.Helper()
	text := ""
	if err != nil {
		text = err.Error()
	}
	if diff := cmp.Diff(problems, text); diff != "" {
		t.Fatalf("problems (-want +got):\n%s", diff)
	}
	if err != nil {
		return
	}
	var names []string
	for _, i := range got.Interfaces {
		names = append(names, i.Name)
	}
	if diff := cmp.Diff(want, strings.Join(names, " ")); diff != "" {
		t.Errorf("interfaces (-want +got):\n%s", diff)
	}
}
