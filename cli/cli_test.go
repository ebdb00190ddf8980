package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"holdfast/engine"
	"holdfast/internal/problem"
	"holdfast/plan"
	"holdfast/state"
	"holdfast/transaction"
)

// failing is a stream that ends with an error.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func run(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func TestWriteErrors(t *testing.T) {
	tests := map[string]struct {
		err  error
		want int
	}{
		"a reader that went away": {syscall.EPIPE, exitDone},
		"a closed pipe":           {io.ErrClosedPipe, exitDone},
		"a full disk":             {&os.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, exitError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			got := Run(context.Background(), []string{"version"}, Streams{Out: failing{tt.err}, Err: &stderr})
			if got != tt.want {
				t.Errorf("exit code %d, want %d; stderr: %s", got, tt.want, &stderr)
			}
		})
	}
}

// broken is an input that is a fault of the program.
type broken struct{}

func (broken) Read([]byte) (int, error) { panic("index out of range") }

func TestPanicIsAnInternalError(t *testing.T) {
	var stderr bytes.Buffer
	code := Run(context.Background(), []string{"plan", "-"}, Streams{In: broken{}, Err: &stderr})
	want := "error: internal error: index out of range\n" +
		"  hint: this is a fault in holdfast: please report what it prints without -o json\ngoroutine "
	if code != exitError || !strings.HasPrefix(stderr.String(), want) {
		t.Errorf("exit code %d, stderr:\n%s", code, &stderr)
	}
	stderr.Reset()
	code = Run(context.Background(), []string{"plan", "-", "-o", "json"}, Streams{In: broken{}, Err: &stderr})
	if code != exitError || strings.Count(stderr.String(), "\n") != 1 || !strings.HasPrefix(stderr.String(), `{"error":{"kind":"internal",`) {
		t.Errorf("exit code %d, stderr:\n%s", code, &stderr)
	}
}

func TestPanicInAChange(t *testing.T) {
	var stderr bytes.Buffer
	a := &app{out: &sink{}, err: &sink{to: &stderr}, changes: true, began: true}
	code := a.fail(a.outcomeOfPanic(&panicError{value: "internal error: no such step"}))
	want := "error: internal error: no such step\n" +
		"  hint: this is a fault in holdfast: please report what it prints without -o json\n" +
		"it is not known what became of the host; holdfast show tells\n"
	if diff := cmp.Diff(want, stderr.String()); diff != "" || code != exitError {
		t.Errorf("exit code %d (-want +got)\n%s", code, diff)
	}
}

func TestWantsJSON(t *testing.T) {
	tests := map[string]bool{
		"show":                     false,
		"show -o json":             true,
		"show -ojson":              true,
		"show -o=json":             true,
		"show --output=json":       true,
		"show --output json":       true,
		"show --output=yaml":       false,
		"-o json show --nonsense":  true,
		"show -o json -o yaml":     false,
		"show -- -o json":          false,
		"show -o":                  false,
		"plan --color -o json bad": true,
	}
	for args, want := range tests {
		if got := wantsJSON(strings.Fields(args)); got != want {
			t.Errorf("wantsJSON(%q) = %t", args, got)
		}
	}
}

func TestFailures(t *testing.T) {
	cause := &engine.Error{Op: "set mtu 9000", Object: "eth0", Kind: engine.Invalid, Hint: "the driver takes at most 1500", Err: syscall.EINVAL}
	broken := &engine.RollbackError{Differences: []string{"eth0: mtu is 9000, was 1500"}}
	tests := map[string]struct {
		err        error
		json       bool
		code       int
		wantStderr string
	}{
		"refused": {
			err: &outcomeError{outcome: transaction.Unchanged, err: cause}, code: 1,
			wantStderr: "error: eth0: set mtu 9000: invalid argument\n  hint: the driver takes at most 1500\nnothing was changed\n",
		},
		"refused for safety, as JSON": {
			err: &outcomeError{outcome: transaction.Unchanged, err: &engine.Error{Kind: engine.Conflict, Hint: "use --force", Err: &plan.RefusedError{
				Refusals: []plan.Refusal{{Object: "eth0", Manager: "NetworkManager", Reason: "is run by NetworkManager"}, {Object: "eth1", Reason: "is too"}},
			}}}, code: 1, json: true,
			wantStderr: `{"error":{"kind":"conflict","message":"eth0: is run by NetworkManager\neth1: is too","hint":"use --force",` +
				`"object":"eth0","outcome":"unchanged"}}` + "\n",
		},
		"rolled back": {
			err: &outcomeError{outcome: transaction.RolledBack, err: cause}, code: 3,
			wantStderr: "error: eth0: set mtu 9000: invalid argument\n  hint: the driver takes at most 1500\n" +
				"rolled back: the host is as it was before\n",
		},
		"rollback failed": {
			err: &outcomeError{outcome: transaction.RollbackFailed, err: errors.Join(cause, broken)}, code: 4,
			wantStderr: "error: eth0: set mtu 9000: invalid argument\n  hint: the driver takes at most 1500\n" +
				"rollback failed: the host is not as it was\n  eth0: mtu is 9000, was 1500\n",
		},
		"rollback failed, as JSON": {
			err: &outcomeError{outcome: transaction.RollbackFailed, err: errors.Join(cause, broken)}, code: 4, json: true,
			wantStderr: `{"error":{"kind":"invalid","message":"eth0: set mtu 9000: invalid argument",` +
				`"hint":"the driver takes at most 1500","object":"eth0","outcome":"rollback-failed",` +
				`"rollback":"the host is not as it was","differences":["eth0: mtu is 9000, was 1500"]}}` + "\n",
		},
		"problems of the input": {
			err: &problem.Problem{File: "a.yml", Line: 3, Column: 5, Key: "interfaces[0].mtuu", Message: "unknown key", Hint: `did you mean "mtu"?`}, code: 1,
			wantStderr: "error: a.yml:3:5: interfaces[0].mtuu: unknown key\n  hint: did you mean \"mtu\"?\nnothing was changed\n",
		},
		"problems as JSON": {
			err: &problem.Problem{File: "a.yml", Line: 3, Column: 5, Key: "mtuu", Message: "unknown key"}, code: 1, json: true,
			wantStderr: `{"error":{"kind":"invalid","message":"a.yml:3:5: mtuu: unknown key","hint":"","object":"mtuu","outcome":"unchanged",` +
				`"problems":[{"file":"a.yml","line":3,"column":5,"key":"mtuu","message":"unknown key"}]}}` + "\n",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			a := &app{out: &sink{}, err: &sink{to: &stderr}, json: tt.json, changes: true}
			if code := a.fail(tt.err); code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.wantStderr, stderr.String()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestExamples reads every file that is shipped as an example.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../examples/*.*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	more, _ := filepath.Glob("../examples/demo/*.*")
	for _, file := range append(files, more...) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			if _, err := (&app{}).desired([]string{file}); err != nil {
				t.Error(problem.Text(err))
			}
		})
	}
}

// TestHelp runs the help of every command: it must work without a host.
func TestHelp(t *testing.T) {
	for _, name := range []string{"show", "plan", "apply", "confirm", "rollback", "diff", "history", "persist", "unpersist", "restore", "daemon", "version", "completion"} {
		code, out, stderr := run(name, "--help")
		if code != 0 || !strings.Contains(out, "Usage:\n  holdfast "+name) || stderr != "" {
			t.Errorf("%s --help: exit code %d, stderr %q, stdout:\n%s", name, code, stderr, out)
		}
	}
}

// uplink is a bond of two NICs under a VLAN under a bridge with a guest's tap.
func uplink() []*state.Interface {
	return []*state.Interface{
		{Name: "bond0", Type: state.TypeBond, State: state.Up, MTU: new(uint32(9000)), MAC: "52:54:00:00:01:00", Bond: &state.Bond{Mode: state.LACP}},
		{
			Name: "bond0.100", Type: state.TypeVLAN, State: state.Up, MTU: new(uint32(1500)), Controller: new("br100"),
			VLAN: &state.VLAN{BaseIface: "bond0", ID: new(uint16(100))},
		},
		{Name: "bond0.200", Type: state.TypeVLAN, State: state.Down, MTU: new(uint32(1500)), VLAN: &state.VLAN{BaseIface: "bond0", ID: new(uint16(200))}},
		{Name: "br100", Type: state.TypeBridge, State: state.Up, MTU: new(uint32(1500)), IPv4: &state.IPv4{IP: state.IP{Address: []state.Address{address("192.0.2.10/24")}}},
			IPv6: &state.IPv6{IP: state.IP{Address: []state.Address{address("2001:db8::10/64")}}}},
		{Name: "eth0", Type: state.TypeEthernet, State: state.Up, MTU: new(uint32(9000)), Controller: new("bond0"), MAC: "52:54:00:00:01:00"},
		{Name: "eth1", Type: state.TypeEthernet, State: state.Up, MTU: new(uint32(9000)), Controller: new("bond0"), Facts: &state.Facts{}},
		{Name: "lo", Type: state.TypeLoopback, State: state.Up, MTU: new(uint32(65536))},
		{Name: "vnet0", Type: state.TypeTun, State: state.Up, MTU: new(uint32(1500)), Controller: new("br100")},
	}
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	interfaceTable(&b, plain, 0, uplink())
	golden(t, "testdata/table.txt", b.String())
}

// TestTerminals draws the table and the tree for terminals that have room for
// the addresses beside the rest, or have none.
func TestTerminals(t *testing.T) {
	wide := append(uplink(), &state.Interface{
		Name: "ib0", Type: state.TypeInfiniBand, State: state.Up, MTU: new(uint32(2044)),
		MAC: "80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1",
	})
	var b bytes.Buffer
	interfaceTable(&b, plain, 80, wide)
	golden(t, "testdata/table-80.txt", b.String())
	b.Reset()
	interfaceTree(&b, plain, 60, wide)
	golden(t, "testdata/tree-60.txt", b.String())
	b.Reset()
	interfaceTable(&b, plain, 132, wide)
	golden(t, "testdata/table-132.txt", b.String())
}

func TestTree(t *testing.T) {
	var b bytes.Buffer
	interfaceTree(&b, plain, 0, uplink())
	golden(t, "testdata/tree.txt", b.String())
}

// TestTreeOfALoop draws what cannot be, to its end.
func TestTreeOfALoop(t *testing.T) {
	var b bytes.Buffer
	interfaceTree(&b, plain, 0, []*state.Interface{
		{Name: "a", Type: state.TypeVLAN, VLAN: &state.VLAN{BaseIface: "b"}},
		{Name: "b", Type: state.TypeVLAN, VLAN: &state.VLAN{BaseIface: "a"}},
		{Name: "c", Type: state.TypeVLAN, VLAN: &state.VLAN{BaseIface: "c"}},
	})
	for _, name := range []string{"a", "b", "c"} {
		if !strings.Contains(b.String(), name+" ") {
			t.Errorf("%s is not drawn:\n%s", name, &b)
		}
	}
}

func address(prefix string) state.Address {
	p := netip.MustParsePrefix(prefix)
	return state.Address{IP: p.Addr(), PrefixLength: uint8(p.Bits())}
}

// golden compares got with the file, or rewrites it with -update.
func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got)\n%s", file, diff)
	}
}
