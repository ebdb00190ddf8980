package enginetest_test

import (
	"errors"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"holdfast/engine"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestMemory runs the suite on a host in memory.
func TestMemory(t *testing.T) {
	var memory *enginetest.Memory
	calm := func(t *testing.T, f func()) {
		t.Helper()
		before := memory.Writes()
		f()
		if after := memory.Writes(); after != before {
			t.Errorf("%d writes", after-before)
		}
	}
	enginetest.Suite(t, calm, func(t *testing.T) engine.Engine {
		memory = enginetest.NewMemory(parse(t, "interfaces: [{name: eth0, type: ethernet}]"))
		return memory
	})
}

func parse(t *testing.T, text string) *state.State {
	t.Helper()
	s, err := state.Parse(t.Name(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stack is a host with a bond, a VLAN on it, and a bridge over that.
const stack = `
interfaces:
- name: eth0
  type: ethernet
- name: eth1
  type: ethernet
  ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}, {ip: 192.0.2.2, prefix-length: 24}]}
  ipv6: {enabled: true, address: [{ip: "2001:db8::1", prefix-length: 64}]}
- name: bond0
  type: bond
  link-aggregation: {mode: active-backup, options: {miimon: 100}, port: [eth0]}
- name: bond0.10
  type: vlan
  vlan: {base-iface: bond0, id: 10}
- name: br0
  type: linux-bridge
  bridge: {port: [{name: bond0.10}]}
routes:
  config:
  - {destination: 0.0.0.0/0, next-hop-address: 192.0.2.254, next-hop-interface: eth1}
  - {destination: "::/0", next-hop-address: "2001:db8::ff", next-hop-interface: eth1}
`

// rule is one of the kernel's: steps, and what goes along or is refused.
type rule struct {
	name  string
	steps []plan.Step
	err   error
	check func(s *state.State) bool
}

func address(prefix string) *state.Address {
	p := netip.MustParsePrefix(prefix)
	return &state.Address{IP: p.Addr(), PrefixLength: uint8(p.Bits())}
}

func mtu(name string, mtu uint32) plan.Step {
	return plan.Step{Verb: plan.ChangeLink, Object: name, Keys: []string{plan.KeyMTU}, Link: &state.Interface{MTU: &mtu}}
}

// goesAlong are the rules about what a step changes besides.
func goesAlong() []rule {
	return []rule{
		{
			"deleting the primary address takes its secondaries and the routes along",
			[]plan.Step{{Verb: plan.RemoveAddress, Object: "eth1", Address: address("192.0.2.1/24")}}, nil,
			func(s *state.State) bool { return len(s.Find("eth1").IPv4.Address) == 0 && len(s.Routes.Config) == 1 },
		},
		{
			"down flushes IPv6 addresses and all routes",
			[]plan.Step{{Verb: plan.SetDown, Object: "eth1"}}, nil,
			func(s *state.State) bool {
				return len(s.Find("eth1").IPv6.Address) == 0 && len(s.Find("eth1").IPv4.Address) == 2 && len(s.Routes.Config) == 0
			},
		},
		{
			"VLANs go with their base, and their bridge's port with them",
			[]plan.Step{{Verb: plan.RemoveLink, Object: "bond0"}}, nil,
			func(s *state.State) bool {
				return s.Find("bond0.10") == nil && len(s.Find("br0").Bridge.Port) == 0 && s.Find("eth0").Controller == nil
			},
		},
		{
			"lowering the MTU lowers the VLANs and bridges above and the ports below",
			[]plan.Step{mtu("bond0", 1400)}, nil,
			func(s *state.State) bool {
				return *s.Find("bond0.10").MTU == 1400 && *s.Find("br0").MTU == 1400 && *s.Find("eth0").MTU == 1400
			},
		},
		{
			"raising it does not raise them",
			[]plan.Step{mtu("bond0", 1400), mtu("bond0", 9000)}, nil,
			func(s *state.State) bool { return *s.Find("bond0.10").MTU == 1400 },
		},
		{
			"the last port gives the bond's MAC up",
			[]plan.Step{{Verb: plan.Detach, Object: "eth0", Controller: "bond0"}}, nil,
			func(s *state.State) bool {
				return s.Find("bond0").MAC != s.Find("eth0").MAC && s.Find("eth0").State == state.Down
			},
		},
	}
}

// isRefused are the rules about what cannot be done.
func isRefused() []rule {
	return []rule{
		{"a VLAN's MTU ends at its base's", []plan.Step{mtu("bond0.10", 1501)}, syscall.ERANGE, nil},
		{"a bond's port joins while down", []plan.Step{{Verb: plan.Attach, Object: "eth1", Controller: "bond0"}}, syscall.EPERM, nil},
		{
			"a bond's mode changes without ports only",
			[]plan.Step{
				{Verb: plan.SetDown, Object: "bond0"},
				{Verb: plan.ChangeLink, Object: "bond0", Keys: []string{"link-aggregation.mode"}, Link: &state.Interface{Bond: &state.Bond{Mode: state.LACP}}},
			},
			syscall.ENOTEMPTY, nil,
		},
		{"hardware stays", []plan.Step{{Verb: plan.RemoveLink, Object: "eth0"}}, syscall.EOPNOTSUPP, nil},
		{"what is there is not made again", []plan.Step{{Verb: plan.CreateLink, Object: "br0", Link: &state.Interface{Name: "br0", Type: state.TypeBridge}}}, syscall.EEXIST, nil},
		{"what is not there is not changed", []plan.Step{{Verb: plan.SetUp, Object: "eth9"}}, syscall.ENODEV, nil},
		{"addresses are there once", []plan.Step{{Verb: plan.AddAddress, Object: "eth1", Address: address("2001:db8::1/64")}}, syscall.EEXIST, nil},
		{
			"a gateway must be on the link",
			[]plan.Step{{Verb: plan.AddRoute, Object: "r", Routes: []*state.Route{{
				Destination: netip.MustParsePrefix("198.51.100.0/24"), NextHopInterface: new("eth1"), NextHopAddress: new(netip.MustParseAddr("203.0.113.1")),
			}}}},
			syscall.ENETUNREACH, nil,
		},
		{
			"no link sits on itself",
			[]plan.Step{
				{Verb: plan.Detach, Object: "bond0.10", Controller: "br0"},
				{Verb: plan.SetDown, Object: "br0"},
				{Verb: plan.Detach, Object: "eth0", Controller: "bond0"},
				{Verb: plan.Attach, Object: "bond0", Controller: "br0"},
				{Verb: plan.Attach, Object: "br0", Controller: "bond0"},
			},
			syscall.ELOOP, nil,
		},
	}
}

// TestMemoryKeepsTheKernelsRules does single steps and looks at the host.
func TestMemoryKeepsTheKernelsRules(t *testing.T) {
	for _, test := range append(goesAlong(), isRefused()...) {
		t.Run(test.name, func(t *testing.T) {
			memory := enginetest.NewMemory(parse(t, stack))
			err := memory.Edit(test.steps...)
			if !errors.Is(err, test.err) {
				t.Fatalf("error %v, want %v", err, test.err)
			}
			s, err := memory.Show(t.Context(), engine.ShowOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if test.check != nil && !test.check(s) {
				t.Errorf("the host is\n%s", state.EncodeYAML(s))
			}
		})
	}
}

func TestMemoryShowsCopies(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, stack))
	first, _ := memory.Show(t.Context(), engine.ShowOptions{})
	before := string(state.EncodeYAML(first))
	for _, i := range first.Interfaces {
		i.State, i.Facts.AdminUp, i.MTU = state.Down, false, nil
	}
	second, _ := memory.Show(t.Context(), engine.ShowOptions{})
	if string(state.EncodeYAML(second)) != before {
		t.Error("changing what Show gave changed the host")
	}
	names, _ := memory.Show(t.Context(), engine.ShowOptions{Names: []string{"br0"}})
	if len(names.Interfaces) != 1 || names.Interfaces[0].Name != "br0" {
		t.Errorf("interfaces %v", names.Interfaces)
	}
}

func TestMemoryFails(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, stack))
	memory.Fail(1, syscall.EBUSY)
	up := plan.Step{Verb: plan.SetUp, Object: "eth1"}
	err := memory.Apply(t.Context(), &plan.Plan{Steps: slices.Repeat([]plan.Step{up}, 3)}, nil)
	failed, ok := errors.AsType[*engine.StepError](err)
	if !ok || failed.Index != 1 {
		t.Fatalf("error %v", err)
	}
	if fault, ok := errors.AsType[*engine.Error](err); !ok || fault.Kind != engine.Busy || fault.Object != "eth1" {
		t.Errorf("fault %#v", fault)
	}
}

func TestMemoryFindsDuplicates(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, stack))
	taken := state.Address{IP: netip.MustParseAddr("2001:db8::2"), PrefixLength: 64}
	memory.Occupy(taken.IP)
	if err := memory.Edit(plan.Step{Verb: plan.AddAddress, Object: "eth1", Address: &taken}); err != nil {
		t.Fatal(err)
	}
	s, _ := memory.Show(t.Context(), engine.ShowOptions{Names: []string{"eth1"}})
	list := s.Interfaces[0].IPv6.Address
	if n := slices.IndexFunc(list, func(a state.Address) bool { return a.IP == taken.IP }); n < 0 || !list[n].Facts.Failed {
		t.Errorf("addresses %+v", list)
	}
}

func TestMemoryUnplugged(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, stack))
	carrier := func() bool {
		s, _ := memory.Show(t.Context(), engine.ShowOptions{})
		return s.Find("br0").Facts.Carrier
	}
	if !carrier() {
		t.Error("no carrier from the start")
	}
	memory.Unplug("eth0", true)
	if carrier() {
		t.Error("the carrier of the only NIC is gone, the bridge has one")
	}
}

func TestMemoryHasOneLock(t *testing.T) {
	memory := enginetest.NewMemory(parse(t, stack))
	release, err := memory.Lock(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	_, err = memory.Lock(t.Context(), "second")
	if fault, ok := errors.AsType[*engine.Error](err); !ok || fault.Kind != engine.Busy {
		t.Errorf("second lock: %v", err)
	}
	_ = release()
	if release, err = memory.Lock(t.Context(), "third"); err != nil {
		t.Errorf("after release: %v", err)
	}
	_ = release()
}
