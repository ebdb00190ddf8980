package lab_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestGuard has guard.sh watch commands in a network namespace of their own.
func TestGuard(t *testing.T) {
	apart := []string{"unshare", "--net"}
	if os.Getuid() != 0 {
		apart = append(apart, "--map-root-user")
	}
	if output, err := exec.Command(apart[0], append(apart[1:], "ip", "link")...).CombinedOutput(); err != nil {
		t.Skipf("this machine has no ip(8), or does not let this user make a network namespace: %v: %s", err, output)
	}
	tests := map[string]struct {
		command string
		code    int
		said    string // none: nothing is said
	}{
		"nothing changes":       {"ip link show lo", 0, ""},
		"a failure":             {"exit 7", 7, ""},
		"what comes and goes":   {"ip link add left0 type veth peer name right0 && ip link del left0", 0, ""},
		"a link comes":          {"ip link add left0 type veth peer name right0", 1, "left0"},
		"a link comes up":       {"ip link set lo up", 1, "state UNKNOWN"},
		"an address":            {"ip addr add 192.0.2.1/24 dev lo", 1, "inet 192.0.2.1/24"},
		"a rule":                {"ip rule add pref 7 table 7", 1, "lookup 7"},
		"a failure and a route": {"ip link set lo up; ip -6 route add 2001:db8::/32 dev lo; exit 7", 7, "2001:db8::/32"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			args := append(apart[1:len(apart):len(apart)], "sh", "guard.sh", "sh", "-c", tt.command+" >/dev/null")
			output, err := exec.Command(apart[0], args...).CombinedOutput()
			code := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				code = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if code != tt.code || !strings.Contains(string(output), tt.said) || tt.said == "" && len(output) > 0 {
				t.Errorf("exit code %d, want %d; output:\n%s", code, tt.code, output)
			}
		})
	}
}
