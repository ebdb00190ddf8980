package state

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRunningConfig(t *testing.T) {
	s, err := Parse("a.yml", []byte(`
hostname: {running: lease, config: own}
dns-resolver: {running: {server: [192.0.2.1]}, config: {server: [192.0.2.2]}}
routes:
  running:
  - {destination: 10.0.0.0/8, next-hop-interface: eth0}
  config:
  - {destination: 11.0.0.0/8, next-hop-interface: eth0}
interfaces:
- name: eth0
  type: ethernet
  ipv4:
    enabled: true
    address:
    - {ip: 192.0.2.5, prefix-length: 24, valid-life-time: 300sec}
    - {ip: 192.0.2.6, prefix-length: 24}
`))
	if err != nil {
		t.Fatal(err)
	}
	before := string(EncodeYAML(s))
	want := `hostname:
  config: own
dns-resolver:
  config:
    server:
    - 192.0.2.2
routes:
  config:
  - destination: 11.0.0.0/8
    next-hop-interface: eth0
interfaces:
- name: eth0
  type: ethernet
  ipv4:
    enabled: true
    address:
    - ip: 192.0.2.6
      prefix-length: 24
`
	if diff := cmp.Diff(want, string(EncodeYAML(RunningConfig(s)))); diff != "" {
		t.Errorf("RunningConfig (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, string(EncodeYAML(s))); diff != "" {
		t.Errorf("RunningConfig changed its argument:\n%s", diff)
	}
}
