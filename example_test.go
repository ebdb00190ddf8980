package holdfast_test

import (
	"context"
	"fmt"
	"os"
	"syscall"

	"holdfast"
	"holdfast/engine/enginetest"
	"holdfast/plan"
	"holdfast/state"
)

// examples is the directory for the hosts of the examples, which TestMain
// removes.
var examples = func() string {
	dir, err := os.MkdirTemp("", "holdfast-examples-")
	if err != nil {
		panic(err)
	}
	return dir
}()

// newHost is a host in memory with two NICs. A real one is opened by
// holdfast.Open(holdfast.Options{}).
func newHost() (*holdfast.Host, *enginetest.Memory) {
	current, err := state.Parse("current", []byte(`
interfaces:
- name: eth0
  type: ethernet
  mac-address: 52:54:00:00:00:01
- name: eth1
  type: ethernet
  mac-address: 52:54:00:00:00:02
`))
	if err != nil {
		panic(err)
	}
	memory := enginetest.NewMemory(current)
	dir, err := os.MkdirTemp(examples, "")
	if err != nil {
		panic(err)
	}
	host, err := holdfast.Open(holdfast.Options{Carrier: memory, StateDir: dir, RunDir: dir})
	if err != nil {
		panic(err)
	}
	return host, memory
}

// desired is a bond of both NICs with an address.
var desired = []byte(`
interfaces:
- name: bond0
  type: bond
  link-aggregation:
    mode: active-backup
    options: {miimon: 100}
    port: [eth0, eth1]
  ipv4:
    enabled: true
    address:
    - {ip: 192.0.2.10, prefix-length: 24}
`)

func ExampleHost_Show() {
	host, _ := newHost()
	defer func() { _ = host.Close() }()
	current, err := host.Show(context.Background(), holdfast.ShowOptions{})
	if err != nil {
		panic(err)
	}
	for _, i := range current.Interfaces {
		fmt.Println(i.Name, i.Type, i.State)
	}
	// Output:
	// eth0 ethernet up
	// eth1 ethernet up
	// lo loopback up
}

func ExampleHost_Plan() {
	host, _ := newHost()
	defer func() { _ = host.Close() }()
	want, err := state.Parse("host.yml", desired)
	if err != nil {
		panic(err)
	}
	draft, err := host.Plan(context.Background(), want, holdfast.PlanOptions{})
	if err != nil {
		panic(err)
	}
	for _, step := range draft.Plan.Steps {
		if step.Verb == plan.CreateLink || step.Verb == plan.Attach || step.Verb == plan.AddAddress {
			fmt.Println(step.Verb, step.Object)
		}
	}
	// Output:
	// create bond0
	// attach eth0
	// attach eth1
	// add-address bond0
}

func ExampleHost_Apply() {
	host, _ := newHost()
	defer func() { _ = host.Close() }()
	want, err := state.Parse("host.yml", desired)
	if err != nil {
		panic(err)
	}
	// SIGINT and SIGTERM roll back; the end of an ssh session does nothing.
	ctx, stop := holdfast.WithSignals(context.Background())
	defer stop()
	result, err := host.Apply(ctx, want, holdfast.ApplyOptions{})
	fmt.Println(result.Outcome, err)
	result, err = host.Apply(ctx, want, holdfast.ApplyOptions{})
	fmt.Println(result.Outcome, err)
	// Output:
	// applied <nil>
	// unchanged <nil>
}

// A step fails: the host is as it was, and the error says why.
func ExampleHost_Apply_rollback() {
	host, memory := newHost()
	defer func() { _ = host.Close() }()
	want, err := state.Parse("host.yml", desired)
	if err != nil {
		panic(err)
	}
	memory.Fail(3, os.NewSyscallError("bind", syscall.EBUSY))
	result, err := host.Apply(context.Background(), want, holdfast.ApplyOptions{})
	fmt.Println(result.Outcome, holdfast.KindOf(err))
	// Output:
	// rolled-back busy
}
